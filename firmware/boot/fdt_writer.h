// firmware/boot/fdt_writer.h - libfdt's sequential writer with a buffer that is large enough, and scopes for nodes.
#pragma once
extern "C" {
#include <libfdt.h>
}

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/base/types.h"

namespace farside::boot {

/// Writes a tree from the root down. Running out of the buffer that was asked for is our own bug.
class FdtWriter {
 public:
  explicit FdtWriter(usize capacity) : blob_(capacity) {
    done(fdt_create(blob_.data(), static_cast<int>(capacity)));
    done(fdt_finish_reservemap(blob_.data()));
  }

  /// A node for the life of the object.
  class Node {
   public:
    Node(FdtWriter& writer, const std::string& name) : writer_(writer) {
      done(fdt_begin_node(writer_.blob_.data(), name.c_str()));
    }
    ~Node() { done(fdt_end_node(writer_.blob_.data())); }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

   private:
    FdtWriter& writer_;
  };

  void flag(const char* name) { bytes(name, nullptr, 0); }
  void bytes(const char* name, const void* data, usize size) {
    done(fdt_property(blob_.data(), name, data, static_cast<int>(size)));
  }
  void text(const char* name, std::string_view value) {
    const std::string terminated(value);
    bytes(name, terminated.c_str(), terminated.size() + 1);
  }
  /// A list of strings.
  void texts(const char* name, std::initializer_list<std::string_view> values) {
    std::string list;
    for (std::string_view value : values) list.append(value).push_back('\0');
    bytes(name, list.data(), list.size());
  }
  /// 32-bit cells.
  void cells(const char* name, std::initializer_list<u32> values) {
    std::vector<fdt32_t> list;
    for (u32 value : values) list.push_back(cpu_to_fdt32(value));
    bytes(name, list.data(), 4 * list.size());
  }
  /// 64-bit numbers, two cells each.
  void wide(const char* name, std::initializer_list<u64> values) {
    std::vector<fdt64_t> list;
    for (u64 value : values) list.push_back(cpu_to_fdt64(value));
    bytes(name, list.data(), 8 * list.size());
  }

  std::vector<u8> finish() {
    done(fdt_finish(blob_.data()));
    blob_.resize(fdt_totalsize(blob_.data()));
    return std::move(blob_);
  }

 private:
  static void done(int status) { CHECK(status == 0, "libfdt: {}", fdt_strerror(status)); }
  std::vector<u8> blob_;
};

}  // namespace farside::boot

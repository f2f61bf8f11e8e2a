// tests/unit/machine/tiny_guest.h - guests of a few instructions, written to a temporary file as flat kernels.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "frontends/machine/machine.h"

namespace farside::machine {

/// A flat kernel made of `code`, padded with NOPs to what the loader recognises; removed with the object.
class TinyGuest {
 public:
  explicit TinyGuest(std::vector<u32> code) {
    code.resize(std::max<usize>(code.size(), 32), 0xd503201f);
    std::string name = (std::filesystem::temp_directory_path() / "farside-tiny-XXXXXX").string();
    const int fd = mkstemp(name.data());
    std::FILE* file = fdopen(fd, "wb");
    std::fwrite(code.data(), sizeof(u32), code.size(), file);
    std::fclose(file);
    path_ = name;
  }
  ~TinyGuest() { std::filesystem::remove(path_); }
  TinyGuest(const TinyGuest&) = delete;

  MachineConfig config(El2Mode el2) const {
    MachineConfig config;
    config.memory = u64{64} << 20;
    config.cpu = "cortex-a72";
    config.el2 = el2;
    config.kernel = path_;
    return config;
  }

 private:
  std::string path_;
};

/// A name for a file that is removed with the object.
struct TemporaryFile {
  std::string path = (std::filesystem::temp_directory_path() / "farside-test-file").string();
  TemporaryFile() { path += std::to_string(reinterpret_cast<u64>(this)); }
  ~TemporaryFile() { std::filesystem::remove(path); }
  TemporaryFile(const TemporaryFile&) = delete;
};

/// PSCI function identifiers and the instructions that call them.
inline constexpr u32 kHvc0 = 0xd4000002;
inline std::vector<u32> call_psci(u32 function) {
  // movz w0, #low; movk w0, #high, lsl #16; hvc #0
  return {0x52800000 | (function & 0xffff) << 5, 0x72a00000 | function >> 16 << 5, kHvc0};
}
inline std::vector<u32> operator+(std::vector<u32> a, const std::vector<u32>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline constexpr u32 kSystemOff = 0x84000008, kSystemReset = 0x84000009;

}  // namespace farside::machine

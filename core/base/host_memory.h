// core/base/host_memory.h - zeroed memory of the host, in huge pages where they pay.
#pragma once
#include <utility>

#include "core/base/types.h"

namespace farside {

/// Whether the host is asked for pages of 2 MiB: fewer TLB misses of the host, but 2 MiB at once.
enum class HostPages : u8 { Small, Huge };

/// Zeros that take host memory only when they are touched. The address is a multiple of 2 MiB.
class HostMemory {
 public:
  static constexpr u64 kAlign = u64{2} << 20;

  HostMemory() = default;
  /// Aborts when the host has no address space left.
  HostMemory(usize bytes, HostPages pages);
  HostMemory(HostMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  HostMemory& operator=(HostMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~HostMemory();
  u8* data() const { return data_; }

 private:
  u8* data_ = nullptr;
  usize bytes_ = 0;
};

}  // namespace farside

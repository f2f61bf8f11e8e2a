// core/base/host_memory.h - zeroed memory of the host, in huge pages where they pay.
#pragma once
#include <span>
#include <type_traits>
#include <utility>

#include "core/base/bits.h"

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

/// Objects that take memory only when they are used. A T of nothing but zero bytes must be as good as T{}.
template <class T>
class HostArray {
 public:
  static_assert(std::is_aggregate_v<T> && std::is_trivially_destructible_v<T>, "memory of zeros must hold a T");
  HostArray(usize count, HostPages pages)
      : memory_(align_up(count * sizeof(T), pages == HostPages::Huge ? HostMemory::kAlign : 1), pages), count_(count) {}
  std::span<T> all() const { return {reinterpret_cast<T*>(memory_.data()), count_}; }

 private:
  HostMemory memory_;
  usize count_;
};

}  // namespace farside

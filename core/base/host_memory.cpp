// core/base/host_memory.cpp - maps and unmaps aligned anonymous memory.
#include "core/base/host_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include "core/base/bits.h"
#include "core/base/check.h"

namespace farside {

// No huge page is used for the rest of a size that is no multiple of 2 MiB.
HostMemory::HostMemory(usize bytes, HostPages pages)
    : bytes_(align_up(bytes, static_cast<u64>(sysconf(_SC_PAGESIZE)))) {
  const usize reserved = bytes_ + kAlign;
  void* const raw = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(raw != MAP_FAILED, "the host refuses {} bytes of address space", reserved);
  const u64 start = reinterpret_cast<u64>(raw), base = align_up(start, kAlign), end = base + bytes_;
  if (base != start) munmap(raw, base - start);
  if (end != start + reserved) munmap(reinterpret_cast<void*>(end), start + reserved - end);
  data_ = reinterpret_cast<u8*>(base);
  if (pages == HostPages::Huge) madvise(data_, bytes_, MADV_HUGEPAGE);  // advice only: the host may not know it
}

HostMemory::~HostMemory() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace farside

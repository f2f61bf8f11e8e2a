// devices/ram.cpp - maps guest memory lazily and accounts for what the host really gave.
#include "devices/ram.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "core/base/bits.h"
#include "core/base/check.h"

namespace farside::dev {
namespace {

constexpr u64 kHugePage = u64{2} << 20;

bool all_zero(const u8* page) {
  u64 any = 0;
  for (u64 at = 0; at < Ram::kPage; at += 8) {
    u64 word;
    std::memcpy(&word, page + at, 8);
    any |= word;
    if (at % 512 == 504 && any != 0) return false;
  }
  return any == 0;
}

/// Calls `visit(offset, bytes)` for each host page of the region that has ever been used, swapped-out ones too: what
/// mincore(2) leaves out. proc(5): bit 63 of a pagemap entry says present, bit 62 swapped.
template <class Visit>
void for_each_touched(const u8* data, u64 size, u64 host_page, Visit visit) {
  constexpr u64 kTouched = u64{3} << 62;
  std::array<u64, 4096> entries;
  const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  for (u64 at = 0; at < size; at += entries.size() * host_page) {
    const u64 pages = std::min<u64>(entries.size(), (size - at + host_page - 1) / host_page);
    const u64 place = reinterpret_cast<u64>(data + at) / host_page * sizeof(u64);
    const auto wanted = static_cast<ssize_t>(pages * sizeof(u64));
    // A host that does not tell has touched everything, as far as we know.
    if (pread(pagemap, entries.data(), static_cast<usize>(wanted), static_cast<off_t>(place)) != wanted) {
      entries.fill(kTouched);
    }
    for (u64 page = 0; page < pages; page++) {
      const u64 offset = at + page * host_page;
      if ((entries[page] & kTouched) != 0) visit(offset, std::min(host_page, size - offset));
    }
  }
  if (pagemap >= 0) close(pagemap);
}

u64 host_page_size() { return static_cast<u64>(sysconf(_SC_PAGESIZE)); }

}  // namespace

Result<Ram, UserError> Ram::create(u64 size, HostPages pages) {
  CHECK(size != 0 && is_aligned(size, kPage), "RAM of {} bytes", size);
  // 2 MiB more, so that the base can be aligned and huge pages of the host coincide with blocks of the guest.
  const u64 reserved = size + kHugePage;
  void* raw = reserved < size
                  ? MAP_FAILED
                  : mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) {
    return UserError{
        fmt::format("memory: the host cannot reserve {} MiB of address space; ask for less with --memory", size >> 20)};
  }
  const u64 start = reinterpret_cast<u64>(raw);
  const u64 base = align_up(start, kHugePage);
  const u64 end = align_up(base + size, host_page_size());
  if (base != start) munmap(raw, base - start);
  if (end != start + reserved) munmap(reinterpret_cast<void*>(end), start + reserved - end);
  u8* data = reinterpret_cast<u8*>(base);
  // Advice only: the host may not know it.
  madvise(data, size, pages == HostPages::Huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  return Ram(data, size);
}

Ram::Ram(Ram&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Ram& Ram::operator=(Ram&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Ram::~Ram() { release(); }

void Ram::release() {
  if (data_ != nullptr) munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

u64 Ram::touched_bytes() const {
  u64 touched = 0;
  for_each_touched(data_, size_, host_page_size(), [&](u64, u64 bytes) { touched += bytes; });
  return touched;
}

void Ram::clear() {
  if (size_ == 0) return;
  // Private anonymous memory comes back as zeros after MADV_DONTNEED (madvise(2)); if it is refused, write them.
  if (madvise(data_, size_, MADV_DONTNEED) != 0) std::memset(data_, 0, size_);
}

void Ram::zero(u64 offset, u64 size) {
  CHECK(at(offset, size) != nullptr, "{} bytes at offset {:#x}", size, offset);
  // Asking the host pays from some pages on: it would have to find memory for each that is only to be zero.
  if (size <= 16 * kPage) {
    std::memset(data_ + offset, 0, size);
    return;
  }
  const u64 host_page = host_page_size();
  const u64 first = align_down(offset, host_page);
  for_each_touched(data_ + first, offset + size - first, host_page, [&](u64 at, u64 bytes) {
    const u64 from = std::max(first + at, offset);
    std::memset(data_ + from, 0, first + at + bytes - from);
  });
}

void Ram::visit_state(StateVisitor& visitor) {
  u64 size = size_;
  visitor.value("ram.size", size);
  if (size != size_) return;  // a snapshot of another machine: its owner notices by the device list
  std::vector<u64> pages;
  if (visitor.restoring()) {
    clear();
  } else {
    for_each_touched(data_, size_, host_page_size(), [&](u64 at, u64 bytes) {
      for (u64 page = at; page < at + bytes; page += kPage) {
        if (!all_zero(data_ + page)) pages.push_back(page / kPage);
      }
    });
  }
  const u64 count = visitor.count("ram.pages", pages.size(), size_ / kPage, sizeof(u64) + kPage);
  for (u64 i = 0; i < count; i++) {
    u64 page = visitor.restoring() ? 0 : pages[i];
    visitor.value("ram.page", page);
    // A snapshot of other memory than ours must not write outside of it.
    if (u8* bytes = page <= size_ / kPage ? at(page * kPage, kPage) : nullptr) {
      visitor.field("ram.bytes", bytes, kPage);
    } else {
      return;
    }
  }
}

}  // namespace farside::dev

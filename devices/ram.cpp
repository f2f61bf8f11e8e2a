// devices/ram.cpp - maps guest memory lazily and accounts for what the host really gave.
#include "devices/ram.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
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

/// Calls `visit(first host page, resident)` for windows of the region, so that the vector of mincore stays small.
template <class Visit>
void for_each_resident(u8* data, u64 size, u64 host_page, Visit visit) {
  constexpr u64 kWindowPages = 16384;
  std::vector<unsigned char> present(kWindowPages);
  for (u64 at = 0; at < size; at += kWindowPages * host_page) {
    const u64 length = std::min(size - at, kWindowPages * host_page);
    const u64 pages = (length + host_page - 1) / host_page;
    // A failure would only cost precision of the accounting, so it counts as "all there".
    if (mincore(data + at, length, present.data()) != 0) std::fill(present.begin(), present.end(), 1);
    for (u64 page = 0; page < pages; page++) {
      if (present[page] & 1) visit(at + page * host_page, std::min(host_page, length - page * host_page));
    }
  }
}

u64 host_page_size() { return static_cast<u64>(sysconf(_SC_PAGESIZE)); }

}  // namespace

Result<Ram, UserError> Ram::create(u64 size, HostHugePages huge_pages) {
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
  madvise(data, size, huge_pages == HostHugePages::Always ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
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
  for_each_resident(data_, size_, host_page_size(), [&](u64, u64 bytes) { touched += bytes; });
  return touched;
}

void Ram::clear() {
  if (size_ == 0) return;
  // Private anonymous memory comes back as zeros after MADV_DONTNEED (madvise(2)); if it is refused, write them.
  if (madvise(data_, size_, MADV_DONTNEED) != 0) std::memset(data_, 0, size_);
}

void Ram::visit_state(StateVisitor& visitor) {
  u64 size = size_;
  visitor.value("ram.size", size);
  if (size != size_) return;  // a snapshot of another machine: its owner notices by the device list
  std::vector<u64> pages;
  if (visitor.restoring()) {
    clear();
  } else {
    for_each_resident(data_, size_, host_page_size(), [&](u64 at, u64 bytes) {
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

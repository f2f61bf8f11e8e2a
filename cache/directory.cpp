// cache/directory.cpp - makes records.
#include "cache/directory.h"

namespace farside::cache {

LineInfo* Directory::create(u64 pa) {
  const u64 page = align_down(pa, 4096), number = pa / kRegion;
  u8* const memory = backing_ == nullptr ? nullptr : backing_->ram_page(Pa{page});
  if (memory == nullptr) return nullptr;
  if (number >= regions_.size()) regions_.resize(number + 1);
  if (regions_[number].data() == nullptr) {
    // A machine that uses little memory is better off with small pages.
    const bool first = pages_.empty();
    regions_[number] = HostMemory(first ? sizeof(Region) : kRegion, first ? HostPages::Small : HostPages::Huge);
    at(number).base = number * kRegion;
  }
  PageInfo& info = at(number).pages[pa % kRegion / 4096];
  info.memory = memory;
  pages_.push_back(&info);
  return &at(number).lines[pa % kRegion / kLine];
}

void Directory::clear() {
  regions_.clear();
  pages_.clear();
}

}  // namespace farside::cache

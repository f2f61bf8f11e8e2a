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
    const HostPages kind = pages_.empty() ? HostPages::Small : HostPages::Huge;
    regions_[number] = HostMemory(kRegion + kRegion / 4096 * sizeof(PageInfo), kind);
  }
  LineInfo& line = *reinterpret_cast<LineInfo*>(regions_[number].data() + align_down(pa % kRegion, kLine));
  PageInfo& info = page_of(line);
  info.pa = page;
  info.memory = memory;
  pages_.push_back(&info);
  return &line;
}

void Directory::clear() {
  regions_.clear();
  pages_.clear();
}

}  // namespace farside::cache

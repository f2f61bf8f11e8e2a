// devices/code_copies.cpp - copies pages at the first fetch, and lines again at maintenance.
#include "devices/code_copies.h"

#include <algorithm>
#include <cstring>

namespace farside::dev {

Result<std::unique_ptr<CodeCopies>, UserError> CodeCopies::create(Ram& ram, Changed changed) {
  Ram copies = TRY(Ram::create(ram.size()));
  return std::unique_ptr<CodeCopies>(new CodeCopies(ram, std::move(copies), std::move(changed)));
}

CodeCopies::CodeCopies(Ram& ram, Ram copies, Changed changed)
    : ram_(ram),
      copies_(std::move(copies)),
      changed_(std::move(changed)),
      copied_((ram.size() / Ram::kPage + 63) / 64) {}

void CodeCopies::copy(u64 number) {
  ++counters_.pages;
  copied_[number / 64] |= u64{1} << number % 64;
  pages_.push_back(number);
  std::memcpy(copies_.data() + number * Ram::kPage, ram_.data() + number * Ram::kPage, Ram::kPage);
}

void CodeCopies::renew_line(u64 offset) {
  u8* const line = copies_.data() + offset;
  if (std::memcmp(line, ram_.data() + offset, kLine) == 0) return;
  ++counters_.changed;
  std::memcpy(line, ram_.data() + offset, kLine);
  changed_(line, kLine);
}

void CodeCopies::renew_page(u64 number) {
  const u64 begin = number * Ram::kPage;
  if (std::memcmp(copies_.data() + begin, ram_.data() + begin, Ram::kPage) == 0) return;
  for (u64 line = 0; line < Ram::kPage; line += kLine) renew_line(begin + line);
}

void CodeCopies::renew(u64 offset, u64 size) {
  if (offset >= ram_.size()) return;
  const u64 end = offset + std::min(size, ram_.size() - offset);
  for (u64 line = align_down(offset, kLine); line < end;) {
    if (!copied(line / Ram::kPage)) {
      line = align_down(line, Ram::kPage) + Ram::kPage;
      continue;
    }
    ++counters_.lines;
    renew_line(line);
    line += kLine;
  }
}

void CodeCopies::renew_all() {
  ++counters_.all;
  for (u64 number : pages_) renew_page(number);
}

void CodeCopies::visit_state(StateVisitor& v) {
  if (v.restoring()) {
    std::fill(copied_.begin(), copied_.end(), 0);
    pages_.clear();
  }
  std::sort(pages_.begin(), pages_.end());
  const u64 most = ram_.size() / Ram::kPage;
  const u64 count = v.count("code.pages", pages_.size(), most, sizeof(u64) + 1);
  for (u64 i = 0; i < count; ++i) {
    u64 number = v.restoring() ? 0 : pages_[i];
    v.value("code.page", number);
    if (number >= most || (v.restoring() && copied(number))) return v.reject("code.page");
    if (v.restoring()) copy(number);
    u8* const page = copies_.data() + number * Ram::kPage;
    bool differs = std::memcmp(page, ram_.data() + number * Ram::kPage, Ram::kPage) != 0;
    v.value("code.differs", differs);
    if (differs) v.field("code.bytes", page, Ram::kPage);
  }
  if (v.restoring()) changed_(copies_.data(), copies_.size());
}

}  // namespace farside::dev

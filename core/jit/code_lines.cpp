// core/jit/code_lines.cpp - finds the record of a line of instructions by address and bytes.
#include "core/jit/code_lines.h"

#include <cstring>

namespace farside::jit {

CodeLine& CodeLines::find(u64 va, const u8* bytes, bool guarded, CodeLine* likely) {
  const u64 offset = reinterpret_cast<u64>(likely) - reinterpret_cast<u64>(lines_[guarded].data());
  if (offset < kMost * sizeof(CodeLine) && std::memcmp(likely->bytes.data(), bytes, 64) == 0) return *likely;
  const u64 key = align_down(va, 64) | kUsed | (guarded ? kGuarded : 0);
  Place& first = home(va);
  for (const Place* place = &first;; place = &others_[place->next - 1]) {
    if (place->key == key && std::memcmp(line_at(*place).bytes.data(), bytes, 64) == 0) return line_at(*place);
    if (place->next == 0) break;
  }
  const Place made{key, count_++, first.next};
  if (first.key == 0) {
    first = made;
  } else {
    others_.push_back(made);
    first.next = static_cast<u32>(others_.size());
  }
  CodeLine& line = line_at(made);
  std::memcpy(line.bytes.data(), bytes, 64);
  return line;
}

void CodeLines::clear() {
  homes_ = HostMemory(kHomes * sizeof(Place), HostPages::Small);
  for (HostMemory& lines : lines_) lines = HostMemory(kMost * sizeof(CodeLine), HostPages::Small);
  others_.clear();
  count_ = 0;
}

}  // namespace farside::jit

// core/jit/code_lines.cpp - finds the record of a line of instructions by address and bytes.
#include "core/jit/code_lines.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace farside::jit {

CodeLine& CodeLines::find(u64 va, const u8* bytes, bool guarded) {
  CodeLine*& head = buckets_[bucket(va)];
  for (CodeLine** place = &head; *place != nullptr; place = &(*place)->next) {
    CodeLine& line = **place;
    if (line.va != va || line.guarded != guarded || std::memcmp(line.bytes.data(), bytes, 64) != 0) continue;
    *place = std::exchange(line.next, head == &line ? line.next : head);
    head = &line;
    return line;
  }
  CodeLine& line = lines_.emplace_back();
  std::memcpy(line.bytes.data(), bytes, 64);
  line.va = va;
  line.guarded = guarded;
  line.next = head;
  head = &line;
  return line;
}

void CodeLines::clear() {
  std::fill(buckets_.begin(), buckets_.end(), nullptr);
  lines_.clear();
}

}  // namespace farside::jit

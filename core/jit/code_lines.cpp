// core/jit/code_lines.cpp - finds the record of a line of instructions by address and bytes.
#include "core/jit/code_lines.h"

#include <algorithm>
#include <cstring>

namespace farside::jit {

CodeLine& CodeLines::find(u64 va, const u8* bytes, bool guarded) {
  u64 hash = va;
  for (usize i = 0; i < 64; i += 8) {
    u64 word;
    std::memcpy(&word, bytes + i, sizeof word);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
  }
  CodeLine*& head = buckets_[hash >> 48];
  for (CodeLine* line = head; line != nullptr; line = line->next) {
    if (line->va == va && line->guarded == guarded && std::memcmp(line->bytes.data(), bytes, 64) == 0) return *line;
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

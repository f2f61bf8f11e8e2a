// core/jit/code_lines.cpp - finds the record of a line of instructions by address and bytes.
#include "core/jit/code_lines.h"

#include <cstring>
#include <utility>

namespace farside::jit {

CodeLine& CodeLines::find(u64 va, const u8* bytes, bool guarded) {
  CodeLine& first = home(va);
  for (CodeLine* line = &first; line != nullptr; line = line->next) {
    const bool same = line->va == va && line->guarded == guarded && line->used;
    if (same && std::memcmp(line->bytes.data(), bytes, 64) == 0) return *line;
  }
  CodeLine& line = first.used ? others_.emplace_back() : first;
  std::memcpy(line.bytes.data(), bytes, 64);
  line.va = va;
  line.guarded = guarded;
  line.used = true;
  if (&line != &first) line.next = std::exchange(first.next, &line);
  ++count_;
  return line;
}

void CodeLines::clear() {
  homes_ = HostMemory(kHomes * sizeof(CodeLine), HostPages::Small);
  others_.clear();
  count_ = 0;
}

}  // namespace farside::jit

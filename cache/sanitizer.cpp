// cache/sanitizer.cpp - names, repetitions and remedies of findings.
#include "cache/sanitizer.h"

#include <fmt/format.h>

#include "cache/remedy.h"

namespace farside::cache {

std::string_view name(Finding finding) {
  static constexpr std::string_view kNames[kFindings] = {"STALE_CACHED", "STALE_RAM",  "STALE_ICACHE",
                                                         "STALE_WALK",   "LOST_WRITE", "DISCARDED_DIRTY",
                                                         "AMBIGUOUS",    "MISMATCH"};
  return kNames[static_cast<usize>(finding)];
}

bool Sanitizer::is_new(Finding finding, u64 pc, Pa line) {
  // Advice would name every line of a large buffer: one per page is enough.
  const u64 place = is_advisory(finding) ? align_down(line.value, 4096) : line.value;
  if (!seen_.emplace(finding, pc, place).second) return false;
  ++counts_[static_cast<usize>(finding)];
  return true;
}

u64 Sanitizer::errors() const {
  u64 sum = 0;
  for (usize i = 0; i < static_cast<usize>(Finding::AMBIGUOUS); ++i) sum += counts_[i];
  return sum;
}

Remedy clean_remedy(Point point, std::string_view reader) {
  const std::string_view op = point == Point::PoU ? "DC CVAU" : "DC CVAC";
  return {.data = true,
          .action = Action::Clean,
          .point = point,
          .text = fmt::format("{} of this line, then DSB, after the last write and before {}", op, reader)};
}

Remedy invalidate_remedy(bool dirty) {
  if (dirty) {
    return {.data = true,
            .action = Action::CleanInvalidate,
            .after_writer = false,
            .text =
                "DC CIVAC of this line, then DSB, before the last write: "
                "the old copy is dirty and must not outlive it"};
  }
  return {.data = true,
          .action = Action::Invalidate,
          .text =
              "DC IVAC (or CIVAC) of this line, then DSB, after the last "
              "write and before this cacheable access"};
}

Remedy context_remedy() {
  return {.context = true,
          .text = "ISB on this core, after the new instruction was made visible and before this fetch"};
}

Remedy instruction_remedy(bool unclean) {
  if (!unclean) {
    return {.instruction = true,
            .text =
                "IC IVAU of this line, DSB, ISB, after the last write (and "
                "its clean) and before this fetch"};
  }
  return {.data = true,
          .action = Action::Clean,
          .point = Point::PoU,
          .instruction = true,
          .text =
              "DC CVAU, DSB, IC IVAU, DSB, ISB of this line after the last "
              "write and before this fetch"};
}

Remedy unification_remedy() {
  return {.data = true,
          .action = Action::Invalidate,
          .instruction = true,
          .text =
              "DC IVAC (or CIVAC), DSB, IC IVAU, DSB, ISB of this line after "
              "the last write and before this fetch"};
}

Remedy before_write_remedy() {
  return {.data = true,
          .action = Action::CleanInvalidate,
          .after_writer = false,
          .text =
              "DC CIVAC of this line, then DSB, before the write that was "
              "lost: no dirty copy may remain"};
}

Remedy instead_remedy() {
  return {.data = true,
          .action = Action::CleanInvalidate,
          .text =
              "DC CIVAC (or CISW) instead of this invalidation, or DC CVAC "
              "after the write"};
}

Remedy advice_remedy() {
  return {.data = true,
          .action = Action::CleanInvalidate,
          .text =
              "DC CIVAC of this line, then DSB, between uses of it with "
              "different attributes"};
}

}  // namespace farside::cache

// cache/sanitizer.cpp - names, repetitions, remedies and printing of findings.
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

std::string_view name(EventKind kind) {
  static constexpr std::string_view kNames[] = {"fill",
                                                "speculative fill",
                                                "instruction fill",
                                                "write",
                                                "write around caches",
                                                "DMA write",
                                                "clean",
                                                "invalidate",
                                                "instruction invalidate",
                                                "evict",
                                                "write-back",
                                                "snoop",
                                                "discard",
                                                "remark"};
  return kNames[static_cast<usize>(kind)];
}

std::string_view name(Level level) {
  static constexpr std::string_view kNames[] = {"L1D", "L1I", "L2", "memory"};
  return kNames[static_cast<usize>(level)];
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

namespace {

std::string_view kind_name(AccessKind kind) {
  static constexpr std::string_view kNames[] = {"load or store", "fetch", "table walk", "DMA", "host access"};
  return kNames[static_cast<usize>(kind)];
}

std::string attributes(const MemAttr& attr) {
  static constexpr std::string_view kDevice[] = {"nGnRnE", "nGnRE", "nGRE", "GRE"};
  static constexpr std::string_view kPolicy[] = {"NC", "WT", "WB"};
  if (attr.is_device()) return fmt::format("Device-{}", kDevice[static_cast<usize>(attr.type)]);
  const std::string_view sh = attr.shareability == Shareability::Non     ? "NSH"
                              : attr.shareability == Shareability::Inner ? "ISH"
                                                                         : "OSH";
  return fmt::format("Normal inner {} outer {} {}", kPolicy[static_cast<usize>(attr.inner.policy)],
                     kPolicy[static_cast<usize>(attr.outer.policy)], sh);
}

}  // namespace

std::string print(const Report& report) {
  const AccessInfo& a = report.access;
  std::string out = fmt::format("{} at {} by core {} EL{} pc {:#x} ({}, from {})\n", name(report.finding), report.pa,
                                a.core, number(a.el), a.pc, kind_name(a.kind), name(report.level));
  out += fmt::format("  va {:#x} ipa {:#x}; stage 1 {}; stage 2 {}; final {}\n", a.va, a.ipa, attributes(a.s1),
                     attributes(a.s2), attributes(a.attr));
  if (report.size != 0) {
    const unsigned shown = std::min(report.size, 16u);
    out += fmt::format("  seen     {:02x}\n", fmt::join(report.seen.begin(), report.seen.begin() + shown, " "));
    out += fmt::format("  expected {:02x}\n", fmt::join(report.expected.begin(), report.expected.begin() + shown, " "));
  }
  if (report.writer.sequence != 0) {
    out += fmt::format("  last written by core {} EL{} pc {:#x} ({}{})\n", report.writer.core, number(report.writer.el),
                       report.writer.pc, kind_name(report.writer.kind), report.writer.cached ? ", cached" : "");
  }
  for (const Event& e : report.history) {
    out += fmt::format("  #{} {} at {} by core {} EL{} pc {:#x} ({})\n", e.sequence, name(e.kind), name(e.level),
                       e.core, number(e.el), e.pc, kind_name(e.by));
  }
  return out + fmt::format("  missing: {}\n", report.remedy.text);
}

}  // namespace farside::cache

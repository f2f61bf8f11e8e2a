// cache/print.cpp - findings as text for people.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <iterator>

#include "cache/sanitizer.h"

namespace farside::cache {

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
  static constexpr std::string_view kNames[] = {"L1D", "L1I", "L2", "memory", "fetch buffer"};
  return kNames[static_cast<usize>(level)];
}

std::string_view name(RangeKind kind) {
  static constexpr std::string_view kNames[] = {"stage-2 map", "stage-2 unmap", "clean and invalidate",
                                                "instruction invalidate", "instruction invalidate all"};
  return kNames[static_cast<usize>(kind)];
}

std::string_view name(AccessKind kind) {
  static constexpr std::string_view kNames[] = {"load or store", "fetch", "table walk", "DMA", "host access"};
  return kNames[static_cast<usize>(kind)];
}

std::string text_of(const MemAttr& attr) {
  static constexpr std::string_view kDevice[] = {"nGnRnE", "nGnRE", "nGRE", "GRE"};
  static constexpr std::string_view kPolicy[] = {"NC", "WT", "WB"};
  if (attr.is_device()) return fmt::format("Device-{}", kDevice[static_cast<usize>(attr.type)]);
  const std::string_view sh = attr.shareability == Shareability::Non     ? "NSH"
                              : attr.shareability == Shareability::Inner ? "ISH"
                                                                         : "OSH";
  return fmt::format("Normal inner {} outer {} {}", kPolicy[static_cast<usize>(attr.inner.policy)],
                     kPolicy[static_cast<usize>(attr.outer.policy)], sh);
}

std::string stage2_text(const AccessInfo& access) {
  const bool overrides = access.attr.is_write_back() && !access.s1.is_write_back();
  return text_of(access.s2) + (overrides ? " whatever stage 1 says" : "");
}

std::vector<std::string_view> instructions_of(const Remedy& remedy) {
  std::vector<std::string_view> out;
  if (remedy.data) {
    switch (remedy.action) {
      case Action::Clean: out.push_back(remedy.point == Point::PoU ? "DC CVAU" : "DC CVAC"); break;
      case Action::Invalidate: out.push_back("DC IVAC"); break;
      case Action::CleanInvalidate: out.push_back("DC CIVAC"); break;
    }
    out.push_back("DSB");
  }
  if (remedy.instruction) out.insert(out.end(), {"IC IVAU", "DSB"});
  if (remedy.instruction || remedy.context) out.push_back("ISB");
  return out;
}

std::string text_of(const RangeEvent& event) {
  if (event.kind == RangeKind::ICacheInvalidateAll) return fmt::format("{} by the hypervisor", name(event.kind));
  const bool stage2 = event.kind == RangeKind::Stage2Map || event.kind == RangeKind::Stage2Unmap;
  std::string out(name(event.kind));
  if (stage2) fmt::format_to(std::back_inserter(out), " of ipa {:#x} to pa {:#x}", event.ipa, event.base);
  if (!stage2) fmt::format_to(std::back_inserter(out), " of pa {:#x}", event.base);
  return fmt::format("{}, {} KiB, by the hypervisor", out, event.size >> 10);
}

namespace {

/// "core 0 EL1 pc 0xffff800008010000 <memcpy+0x40>"; the host and devices have no program counter to speak of.
std::string who(AccessKind kind, u32 core, El el, u64 pc, const Names& names) {
  if (kind == AccessKind::Dma) return "a device";
  if (kind == AccessKind::Host) return "the host";
  if (pc == 0) return fmt::format("core {} unasked", core);
  std::string out = fmt::format("core {} EL{} pc {:#x}", core, number(el), pc);
  const std::string place = names.place ? names.place(pc, el) : std::string();
  return place.empty() ? out : fmt::format("{} <{}>", out, place);
}

std::string value_text(const Report& report, const std::array<u8, 64>& bytes, const Names& names) {
  const unsigned shown = std::min(report.size, 16u);
  std::string out = fmt::format("{:02x}", fmt::join(bytes.begin(), bytes.begin() + shown, " "));
  if (report.access.kind != AccessKind::Fetch || !names.instruction || !is_aligned(report.pa.value, 4)) return out;
  u32 word;
  std::memcpy(&word, bytes.data(), sizeof word);
  return fmt::format("{}  {}", out, names.instruction(report.access.pc, word));
}

void add_history(std::string& out, const Report& report, const Names& names) {
  auto range = report.ranges.begin();
  const auto add_ranges = [&](u64 down_to) {
    for (; range != report.ranges.end() && range->sequence >= down_to; ++range)
      fmt::format_to(std::back_inserter(out), "  #{} {}\n", range->sequence, text_of(*range));
  };
  for (const Event& e : report.history) {
    add_ranges(e.sequence);
    fmt::format_to(std::back_inserter(out), "  #{} {} at {} by {} ({})\n", e.sequence, name(e.kind), name(e.level),
                   who(e.by, e.core, e.el, e.pc, names), name(e.by));
  }
  add_ranges(0);
}

}  // namespace

std::string print(const Report& report, const Names& names) {
  const AccessInfo& a = report.access;
  std::string out = fmt::format("{} at {} by {} ({}, from {})\n", name(report.finding), report.pa,
                                who(a.kind, a.core, a.el, a.pc, names), name(a.kind), name(report.level));
  // A device has no stage 1, and the host none of the guest's addresses.
  if (a.kind == AccessKind::Dma) {
    fmt::format_to(std::back_inserter(out), "  ipa {:#x}; {}\n", a.ipa,
                   a.coherent_dma ? "snoops" : "around the caches");
  } else if (a.kind != AccessKind::Host) {
    fmt::format_to(std::back_inserter(out), "  va {:#x} ipa {:#x}; stage 1 {}; stage 2 {}; final {}\n", a.va, a.ipa,
                   text_of(a.s1), stage2_text(a), text_of(a.attr));
  }
  if (report.size != 0) {
    fmt::format_to(std::back_inserter(out), "  seen     {}\n  expected {}\n", value_text(report, report.seen, names),
                   value_text(report, report.expected, names));
  }
  const Writer& w = report.writer;
  if (w.sequence != 0) {
    fmt::format_to(std::back_inserter(out), "  last written by {} ({}{})\n", who(w.kind, w.core, w.el, w.pc, names),
                   name(w.kind), w.cached ? ", cached" : "");
  }
  add_history(out, report, names);
  return out + fmt::format("  missing: {}\n", report.remedy.text);
}

}  // namespace farside::cache

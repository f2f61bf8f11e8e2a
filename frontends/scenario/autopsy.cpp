// frontends/scenario/autopsy.cpp - findings and events as sentences.
#include "frontends/scenario/autopsy.h"

#include "frontends/scenario/world.h"

namespace farside::scenario {
namespace {

std::string core_name(World& world, u32 core) {
  return core == world.caches().host_core() ? "the host" : fmt::format("core {}", core);
}

std::string at_pc(u64 pc) { return pc == 0 ? "" : fmt::format(", pc {:#x}", pc); }

std::string verb(cache::AccessKind kind) {
  switch (kind) {
    case cache::AccessKind::Data: return "access";
    case cache::AccessKind::Fetch: return "instruction fetch";
    case cache::AccessKind::Walk: return "table walk";
    case cache::AccessKind::Dma: return "a device's DMA";
    case cache::AccessKind::Host: return "access";
  }
  return "";
}

}  // namespace

Autopsy autopsy(World& world, const cache::Report& report) {
  Autopsy out;
  out.finding = cache::name(report.finding);
  out.where = world.named_place(report.pa);
  out.seen = fmt::format("{:02x}", report.seen[0]);
  out.expected = fmt::format("{:02x}", report.expected[0]);
  out.reader = report.access.kind == cache::AccessKind::Dma
                   ? verb(report.access.kind)
                   : fmt::format("{} of {}{}", verb(report.access.kind), core_name(world, report.access.core),
                                 at_pc(report.access.pc));
  if (report.writer.sequence != 0) {
    out.writer = fmt::format("{}{}{}", core_name(world, report.writer.core), at_pc(report.writer.pc),
                             report.writer.cached ? ", into a cache" : ", around the caches");
  }
  out.life = life_of(world, report.history);
  out.missing = report.remedy.text;
  return out;
}

std::vector<std::string> life_of(World& world, const std::vector<cache::Event>& events) {
  std::vector<std::string> out;
  for (auto e = events.rbegin(); e != events.rend(); ++e) {
    out.push_back(fmt::format("#{} {}, {}, by {}{}", e->sequence, cache::name(e->kind), cache::name(e->level),
                              core_name(world, e->core), at_pc(e->pc)));
  }
  return out;
}

}  // namespace farside::scenario

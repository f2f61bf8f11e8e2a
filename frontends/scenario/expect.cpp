// frontends/scenario/expect.cpp - one function for each kind of expectation.
#include "frontends/scenario/expect.h"

#include <algorithm>
#include <cstring>

#include "frontends/scenario/names.h"
#include "mmu/descriptor.h"

namespace farside::scenario {
namespace {

using Mismatch = std::optional<std::string>;

bool holds(Compare compare, const std::vector<u64>& values, u64 seen) {
  switch (compare) {
    case Compare::Equal: return seen == values[0];
    case Compare::NotEqual: return seen != values[0];
    case Compare::AtLeast: return seen >= values[0];
    case Compare::AtMost: return seen <= values[0];
    case Compare::OneOf: return std::find(values.begin(), values.end(), seen) != values.end();
  }
  return false;
}

Mismatch compare_hex(const Expect& expect, u64 seen) {
  if (holds(expect.compare, expect.values, seen)) return std::nullopt;
  return fmt::format("is {:x}", seen);
}

Mismatch compare_decimal(const Expect& expect, u64 seen) {
  if (holds(expect.compare, expect.values, seen)) return std::nullopt;
  return fmt::format("is {}", seen);
}

u64 register_value(pe::Pe& pe, const RegisterName& reg) {
  switch (reg.kind) {
    case RegisterName::Kind::X: return pe.s.x[reg.number];
    case RegisterName::Kind::Sp: return pe.s.sp;
    case RegisterName::Kind::Pc: return pe.s.pc;
    case RegisterName::Kind::El: return number(pe.el());
    case RegisterName::Kind::System: break;
  }
  return bits(pe.read_register(static_cast<SysReg>(reg.number)), reg.hi, reg.lo);
}

class Checker {
 public:
  Checker(World& world, const Expect& expect) : world_(world), expect_(expect) {}

  Mismatch operator()(const ExpectRegister& what) {
    if (what.cpu >= world_.cpus()) return "there is no such cpu";
    return compare_hex(expect_, register_value(world_.core(what.cpu), what.reg));
  }

  Mismatch operator()(const ExpectNamed& what) {
    const auto found = world_.named.find(what.name);
    if (found == world_.named.end()) return fmt::format("nothing has been read as {}", what.name);
    return compare_hex(expect_, found->second);
  }

  Mismatch operator()(const ExpectMemory& what) {
    const auto pa = world_.physical(what.place);
    if (!pa) return "there is no memory";
    using View = ExpectMemory::View;
    if (!world_.caches().modelled()) return plain(what, *pa);
    if (what.view == View::Ram) return view(what, *pa, cache::View::Memory);
    if (what.view == View::Coherent) return view(what, *pa, cache::View::Cached);
    return copy(what, *pa);
  }

  Mismatch operator()(const ExpectExits& what) {
    const auto count = static_cast<u64>(
        std::count_if(world_.exits.begin(), world_.exits.end(), [&](const Exit& exit) { return matches(what, exit); }));
    if (!what.any) return compare_decimal(expect_, count);
    if (count != 0) return std::nullopt;
    return world_.exits.empty() ? "there was none" : "the last exit was " + describe(world_.exits.back().esr);
  }

  Mismatch operator()(const ExpectCount& what) {
    if (what.name == "lines_cleaned") return compare_decimal(expect_, world_.caches().counts().lines_cleaned);
    if (what.name == "lines_invalidated") return compare_decimal(expect_, world_.caches().counts().lines_invalidated);
    if (world_.vm() == nullptr) return "there is no hypervisor that counts";
    return compare_decimal(expect_, *hyp_count(world_.vm()->stats(), what.name));
  }

  Mismatch operator()(const ExpectReport& what) {
    const auto line = what.place ? world_.physical(*what.place) : std::nullopt;
    if (what.place && !line) return "there is no memory";
    for (const cache::Report& report : world_.reports) {
      const bool named =
          what.finding.empty() ? !cache::is_advisory(report.finding) : cache::name(report.finding) == what.finding;
      if (!named || (line && line->align_down(64) != report.pa.align_down(64))) continue;
      if (!what.none) return std::nullopt;
      return fmt::format("{} at {}", cache::name(report.finding), report.pa);
    }
    if (what.none) return std::nullopt;
    return "no such report";
  }

  Mismatch operator()(const ExpectStage2& what) {
    if (world_.vm() == nullptr) return "there is no hypervisor that maps";
    const auto leaf = world_.stage2_leaf(what.place.value);
    if (!leaf) return what.mapped ? Mismatch("unmapped") : std::nullopt;
    const std::string rights = rights_of(leaf->descriptor);
    const std::string is = fmt::format("is {} {} {}K", leaf->pa, rights, leaf->size / 1024);
    if (!what.mapped || what.rights != rights.substr(0, what.rights.size())) return is;
    if (what.size != 0 && what.size != leaf->size) return is;
    return std::nullopt;
  }

 private:
  static std::string rights_of(u64 descriptor) {
    const auto leaf = mmu::S2Leaf::of(descriptor);
    const bool x = (leaf[mmu::S2Leaf::XN] & 2) == 0;
    return fmt::format("{}{}{}", leaf[mmu::S2Leaf::S2AP_R] ? 'r' : '-', leaf[mmu::S2Leaf::S2AP_W] ? 'w' : '-',
                       x ? 'x' : '-');
  }

  static bool matches(const ExpectExits& what, const Exit& exit) {
    if (what.ec && static_cast<Ec>(*what.ec) != exit.esr[Esr::EC]) return false;
    for (const auto& [field, value] : what.fields) {
      const u64 seen = field == "ipa" ? exit.ipa : field == "far" ? exit.far : *esr_field(exit.esr, field);
      if (seen != value) return false;
    }
    return true;
  }

  /// Without caches every view is memory, and there are no copies of it.
  Mismatch plain(const ExpectMemory& what, Pa pa) {
    if (what.copy == ExpectMemory::Copy::Absent) return std::nullopt;
    if (expect_.values.empty()) return "no caches are modelled";
    u64 value = 0;
    world_.machine().peek_pa(pa.value, &value, what.size);
    return compare_hex(expect_, value);
  }

  Mismatch view(const ExpectMemory& what, Pa pa, cache::View view) {
    u64 value = 0;
    world_.caches().peek(pa, {reinterpret_cast<u8*>(&value), what.size}, view, world_.caches().host_core());
    return compare_hex(expect_, value);
  }

  Mismatch copy(const ExpectMemory& what, Pa pa) {
    using View = ExpectMemory::View;
    const cache::Level level = what.view == View::L2    ? cache::Level::L2
                               : what.view == View::L1i ? cache::Level::L1I
                                                        : cache::Level::L1D;
    const u32 core = what.view == View::Host ? world_.caches().host_core() : what.core;
    for (const cache::Copy& found : world_.caches().copies(pa.align_down(64))) {
      if (found.level != level || (level != cache::Level::L2 && found.core != core)) continue;
      return compare_copy(what, found, pa.offset_in(64));
    }
    if (what.copy == ExpectMemory::Copy::Absent) return std::nullopt;
    return "no copy there";
  }

  Mismatch compare_copy(const ExpectMemory& what, const cache::Copy& found, u64 offset) {
    using Copy = ExpectMemory::Copy;
    const bool dirty = found.dirty != 0;
    u64 value = 0;
    std::memcpy(&value, found.data.data() + offset, std::min<u64>(what.size, 64 - offset));
    const std::string is = fmt::format("is {:x} {}", value, dirty ? "dirty" : "clean");
    if (what.copy == Copy::Absent || (what.copy == Copy::Dirty && !dirty) || (what.copy == Copy::Clean && dirty))
      return is;
    if (!expect_.values.empty() && !holds(expect_.compare, expect_.values, value)) return is;
    return std::nullopt;
  }

  World& world_;
  const Expect& expect_;
};

}  // namespace

std::optional<std::string> mismatch(World& world, const Expect& expect) {
  return std::visit(Checker(world, expect), expect.what);
}

}  // namespace farside::scenario

// frontends/scenario/act.cpp - one function for each kind of step.
#include "frontends/scenario/act.h"

#include <bit>
#include <cstring>

#include "firmware/hyp/host/space.h"

namespace farside::scenario {
namespace {

using Problem = std::optional<std::string>;

/// Instructions after which a run step that names no number has failed.
constexpr u64 kPatience = 50'000;
constexpr MemAttr kUncached = normal_attr(kNonCacheable, kNonCacheable, Shareability::Outer);
constexpr const char* kNoMemory = "there is no memory";
constexpr const char* kNoCore = "there is no such core";
constexpr u64 kPage = 4096;
constexpr const char* kNeedsHypervisor = "needs el2=kvm";

cache::AccessInfo as(Agent agent, unsigned core) {
  cache::AccessInfo info{.core = core, .attr = cache::kWriteBackIsh};
  if (agent == Agent::Ram) info.attr = kUncached;
  if (agent == Agent::Fetch) info.kind = cache::AccessKind::Fetch;
  if (agent != Agent::Device && agent != Agent::CoherentDma) return info;
  info.kind = cache::AccessKind::Dma;
  info.attr = kUncached;
  info.coherent_dma = agent == Agent::CoherentDma;
  return info;
}

/// Why a run step ended, or did not.
class Runner {
 public:
  Runner(World& world, const RunCpu& step) : world_(world), step_(step), pe_(world.core(step.cpu)) {}

  Problem run() {
    world_.ensure_started(step_.cpu);
    world_.catch_hvc(wants(Until::What::Hvc));
    const Problem problem = loop();
    world_.catch_hvc(false);
    return problem;
  }

 private:
  using What = Until::What;

  bool wants(What what) const {
    for (const Until& until : step_.until) {
      if (until.what == what) return true;
    }
    return false;
  }

  u64 limit() const {
    for (const Until& until : step_.until) {
      if (until.what == What::Instructions) return until.number;
    }
    return kPatience;
  }

  /// One instruction at a time, so that nothing is missed. Where the only ending is a branch to itself there is nothing
  /// to miss.
  u64 slice_length() {
    constexpr u32 kBranchToItself = 0x14000000;
    if (world_.piece() == 1) return 1;
    for (const Until& until : step_.until) {
      u32 word = 0;
      const auto pa = until.what == What::Pc ? world_.physical({Space::Ipa, until.number}) : std::nullopt;
      if (!pa || !world_.machine().peek_pa(pa->value, &word, sizeof word)) return 1;
      if (word != kBranchToItself) return 1;
    }
    return world_.piece();
  }

  Problem loop() {
    const usize exits = world_.exits.size();
    const u64 exceptions = taken();
    const u64 most = limit(), slice = slice_length();
    for (u64 n = 0; n < most; n += slice) {
      if (n != 0 && at_pc()) return std::nullopt;
      if (!pe_.powered_on || pe_.waiting) return stopped("is off or waits");
      const auto ended = world_.machine().run_core(step_.cpu, slice);
      if (world_.take_hvc()) return std::nullopt;
      if (wants(What::Exit) && world_.exits.size() != exits) return std::nullopt;
      if (taken() != exceptions && wants_exception()) return std::nullopt;
      if (ended) return stopped(ended->text.empty() ? "has ended the run" : ended->text);
    }
    if (wants(What::Instructions) || at_pc()) return std::nullopt;
    return fmt::format("not reached after {} instructions: cpu{} is at pc {:#x} in EL{}", most, step_.cpu, pe_.s.pc,
                       number(pe_.el()));
  }

  /// Exceptions that EL1 has seen: those that the PE has taken, and those that the hypervisor has injected.
  u64 taken() {
    if (world_.exits.size() != counted_ && world_.vm() != nullptr) {
      const hyp::Stats stats = world_.vm()->stats();
      injected_ = stats.aborts_injected + stats.undefs_injected;
      counted_ = world_.exits.size();
    }
    return pe_.counters.exceptions_to[1] + injected_;
  }

  bool at_pc() const {
    for (const Until& until : step_.until) {
      if (until.what == What::Pc && until.number == pe_.s.pc) return true;
    }
    return false;
  }

  bool wants_exception() const {
    if (wants(What::Exception)) return true;
    return wants(What::Brk) && Esr::of(pe_.s.sys[SysReg::ESR_EL1])[Esr::EC] == Ec::BRK64;
  }

  Problem stopped(const std::string& why) const {
    if (wants(What::Off)) return std::nullopt;
    return fmt::format("not reached: cpu{} {}", step_.cpu, why);
  }

  World& world_;
  const RunCpu& step_;
  pe::Pe& pe_;
  usize counted_ = 0;  ///< exits when injected_ was read
  u64 injected_ = 0;
};

class Actor {
 public:
  explicit Actor(World& world) : world_(world) {}

  Problem operator()(const Expect&) { return std::nullopt; }

  Problem operator()(const SetRegisters& act) {
    if (act.cpu >= world_.cpus()) return "there is no such cpu";
    world_.ensure_started(act.cpu);
    for (const auto& [reg, value] : act.values) {
      if (reg.kind == RegisterName::Kind::El && value > 1) return "the guest has EL0 and EL1";
      set(world_.core(act.cpu), reg, value);
    }
    return std::nullopt;
  }

  Problem operator()(const RunCpu& act) {
    if (act.cpu >= world_.cpus()) return "there is no such cpu";
    return Runner(world_, act).run();
  }

  Problem operator()(const WriteMemory& act) {
    std::vector<u8> bytes;
    for (u64 value : act.values) {
      for (unsigned i = 0; i < act.size; ++i) bytes.push_back(static_cast<u8>(value >> (8 * i)));
    }
    if (act.agent == Agent::Host && !act.clean) {
      return world_.host_write(act.place, bytes) ? Problem() : kNoMemory;
    }
    const bool host = act.agent == Agent::Host;
    if (!host && act.core >= cores()) return kNoCore;
    cache::AccessInfo info = as(act.agent, host ? world_.caches().host_core() : act.core);
    if (host) info.kind = cache::AccessKind::Host;
    for (usize done = 0; done < bytes.size();) {
      const Place at{act.place.space, act.place.value + done};
      const usize piece = std::min<usize>(bytes.size() - done, kPage - at.value % kPage);
      const auto pa = world_.physical(at);
      if (!pa || !world_.access_write(info, *pa, std::span(bytes).subspan(done, piece))) return kNoMemory;
      if (act.clean) world_.maintain({.what = Maintain::What::Clean}, *pa);
      done += piece;
    }
    return std::nullopt;
  }

  Problem operator()(const ReadMemory& act) {
    u64 value = 0;
    const std::span<u8> out{reinterpret_cast<u8*>(&value), act.size};
    if (act.core >= cores()) return kNoCore;
    if (act.agent == Agent::Host) {
      if (!world_.host_read(act.place, out)) return kNoMemory;
    } else {
      const auto pa = world_.physical(act.place);
      if (!pa) return kNoMemory;
      if (act.agent == Agent::Fetch) return fetch(act, *pa);
      if (!world_.access_read(as(act.agent, act.core), *pa, out)) return kNoMemory;
    }
    if (!act.name.empty()) world_.named[act.name] = value;
    return std::nullopt;
  }

  Problem operator()(const Maintain& act) {
    if (act.size > world_.machine().config().memory) return kNoMemory;
    const auto pa = world_.physical(act.place);
    if (!pa) return kNoMemory;
    world_.maintain(act, *pa);
    return std::nullopt;
  }

  Problem operator()(const Speculate& act) {
    if (act.core.value_or(0) >= cores()) return kNoCore;
    const auto pa = world_.physical(act.place);
    if (!pa) return kNoMemory;
    world_.caches().speculative_fill(act.core.value_or(world_.caches().host_core()), *pa);
    return std::nullopt;
  }

  Problem operator()(const Evict& act) {
    const auto pa = world_.physical(act.place);
    if (!pa) return kNoMemory;
    world_.caches().evict_line(*pa);
    return std::nullopt;
  }

  Problem operator()(const HostAction& act) {
    if (world_.vm() == nullptr) return kNeedsHypervisor;
    using What = HostAction::What;
    hyp::host::Space& space = world_.vm()->space();
    if (act.what == What::Fork) return space.fork(), std::nullopt;
    const auto at = world_.hva(act.place.value);
    const auto other = act.what == What::Merge ? world_.hva(act.other.value) : at;
    if (!at || !other) return "no slot is there";
    const hyp::host::HvaRange range{*at, act.size};
    if ((range.base | range.size) % kPage != 0) return "the host maps whole pages";
    const char* refused = "the host refuses";
    switch (act.what) {
      case What::Munmap: space.munmap(range); break;
      case What::Remap: space.mmap_fixed({.range = range}); break;
      case What::Discard: space.madvise(range, hyp::host::Advice::DontNeed); break;
      case What::Protect: space.mprotect(range, true, act.writable); break;
      case What::Age: space.age(range, true); break;
      case What::SwapOut: return space.swap_out(*at) ? Problem() : refused;
      case What::Merge: return space.merge(*at, *other) ? Problem() : refused;
      case What::Move: return space.migrate(*at) ? Problem() : refused;
      case What::Collapse: return space.collapse(*at) ? Problem() : refused;
      case What::Fork: break;
    }
    return std::nullopt;
  }

  Problem operator()(const SlotAction& act) {
    if (world_.vm() == nullptr) return kNeedsHypervisor;
    if (act.what == SlotAction::What::Harvest) return harvest(act.slot.id);
    hyp::MemoryRegion region{.slot = act.slot.id};
    for (const hyp::SlotInfo& slot : world_.slots()) {
      if (slot.id != region.slot) continue;
      region.flags = slot.flags;
      region.guest = slot.guest;
      region.size = slot.size;
      region.hva = slot.hva;
    }
    if (region.size == 0) return "there is no such slot";
    if (act.what == SlotAction::What::Delete) region.size = 0;
    if (act.what == SlotAction::What::Move) region.guest = Ipa{act.slot.ipa};
    if (act.what == SlotAction::What::Log) {
      region.flags &= ~u32{hyp::kMemLogDirtyPages};
      if (act.slot.log) region.flags |= hyp::kMemLogDirtyPages;
    }
    const auto done = world_.vm()->set_user_memory_region(region);
    world_.slots_changed();
    return done ? Problem() : Problem(name(done.error()));
  }

  Problem operator()(const InitVcpu& act) {
    if (act.cpu >= world_.cpus()) return "there is no such cpu";
    world_.start(act.cpu, act.entry);
    return std::nullopt;
  }

  Problem operator()(const Migrate& act) {
    return world_.machine().migrate(act.cpu, act.pcpu) ? Problem() : "there is no such core: see pcpus";
  }

  Problem operator()(const LoadImage& act) {
    const CodeBlock& block = world_.scenario().code[act.block];
    WriteMemory write{.agent = act.host ? Agent::Host : Agent::Ram, .place = {Space::Ipa, block.address}, .size = 4};
    write.values.assign(block.words.begin(), block.words.end());
    return (*this)(write);
  }

 private:
  u32 cores() const { return world_.machine().board().physical().count(); }

  static void set(pe::Pe& pe, const RegisterName& reg, u64 value) {
    switch (reg.kind) {
      case RegisterName::Kind::X: pe.s.x[reg.number] = value; return;
      case RegisterName::Kind::Sp: pe.s.sp = value; return;
      case RegisterName::Kind::Pc: pe.s.pc = value; return;
      case RegisterName::Kind::El:
        pe.set_pstate(pe.pstate().with(Pstate::EL, static_cast<El>(value & 3)).with(Pstate::SP, value != 0));
        return;
      case RegisterName::Kind::System: break;
    }
    const auto which = static_cast<SysReg>(reg.number);
    pe.write_register(which, with_bits(pe.read_register(which), reg.hi, reg.lo, value));
  }

  Problem fetch(const ReadMemory& act, Pa pa) {
    if (!world_.caches().modelled()) return std::nullopt;
    cache::AccessInfo info = as(act.agent, act.core);
    info.va = pa.value;
    world_.caches().fetch(info, pa);
    return std::nullopt;
  }

  Problem harvest(u32 slot) {
    const auto log = world_.vm()->get_dirty_log(slot);
    if (!log) return Problem(name(log.error()));
    u64 pages = 0;
    for (u64 word : *log) pages += static_cast<u64>(std::popcount(word));
    world_.named["dirty_pages"] = pages;
    return std::nullopt;
  }

  World& world_;
};

}  // namespace

std::optional<std::string> carry_out(World& world, const Act& act) { return std::visit(Actor(world), act); }

}  // namespace farside::scenario

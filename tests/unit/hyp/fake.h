// tests/unit/hyp/fake.h - a machine of plain containers behind the hypervisor's ports, and a guest that faults.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/arch/esr.h"
#include "core/arch/pstate.h"
#include "firmware/hyp/host/space.h"
#include "firmware/hyp/pgtable.h"
#include "firmware/hyp/regs.h"
#include "firmware/hyp/vm.h"
// Last: it takes CHECK over for tests.
#include "tests/unit/catch.h"

namespace farside::hyp::test {

/// Memory, maintenance log, devices, power and yield points.
struct FakeMachine final : HostMemoryPort, MaintenancePort, MmioPort, WfxPort, PsciPort, YieldPort {
  // ---- memory ----
  mutable std::map<u64, std::vector<u8>> pages;
  std::vector<u8>& page(u64 pa) const {
    auto& p = pages[pa >> 12];
    if (p.empty()) p.assign(4096, 0xcd);  // never zero by luck
    return p;
  }
  u64 read_entry(Pa pa) const override {
    u64 v;
    std::memcpy(&v, &page(pa.value)[pa.value & 4095], 8);
    return v;
  }
  void write_entry(Pa pa, u64 value) override {
    const char* what = value == 0 ? "store 0" : (value & 3) == 3 && !(value >> 10 & 1) ? "store table" : "store leaf";
    log.push_back(what);
    std::memcpy(&page(pa.value)[pa.value & 4095], &value, 8);
  }
  void zero(Pa pa, u64 size) override {
    for (u64 o = 0; o < size; o += 4096) std::fill(page(pa.value + o).begin(), page(pa.value + o).end(), 0);
  }
  void copy(Pa to, Pa from, u64 size) override {
    for (u64 o = 0; o < size; o += 4096) {
      const std::vector<u8> bytes = page(from.value + o);
      page(to.value + o) = bytes;
    }
  }
  void read(Pa pa, std::span<u8> out) const override {
    for (u64 i = 0; i < out.size(); ++i) out[i] = page(pa.value + i)[(pa.value + i) & 4095];
  }
  void write(Pa pa, std::span<const u8> bytes) override {
    for (u64 i = 0; i < bytes.size(); ++i) page(pa.value + i)[(pa.value + i) & 4095] = bytes[i];
  }

  // ---- maintenance: the exact order of everything ----
  std::vector<std::string> log;
  void add(std::string text) { log.push_back(std::move(text)); }
  void tlbi_ipas2e1is(u16, Ipa ipa, unsigned level) override { add(fmt::format("ipas2e1is {} l{}", ipa, level)); }
  void tlbi_ipas2e1(unsigned, u16, Ipa ipa, unsigned level) override { add(fmt::format("ipas2e1 {} l{}", ipa, level)); }
  void tlbi_vmalle1is(u16) override { add("vmalle1is"); }
  void tlbi_vmalle1(unsigned, u16) override { add("vmalle1"); }
  void tlbi_vmalls12e1is(u16) override { add("vmalls12e1is"); }
  void tlbi_alle1is() override { add("alle1is"); }
  void dsb_ishst() override { add("dsb ishst"); }
  void dsb_ish() override { add("dsb ish"); }
  void dsb_nsh() override { add("dsb nsh"); }
  void isb() override { add("isb"); }
  void dc_civac(Pa, u64 size) override { add(fmt::format("civac {:x}", size)); }
  void ic_ivau(Pa, u64 size) override { add(fmt::format("ivau {:x}", size)); }
  void ic_ialluis() override { add("ialluis"); }
  void ic_iallu(unsigned) override { add("iallu"); }

  // ---- devices ----
  struct Io {
    bool write;
    Ipa ipa;
    unsigned size;
    u64 value;
  };
  std::vector<Io> kernel_io, vmm_io;
  bool kernel_claims = false;
  u64 device_value = 0;
  MmioReply vmm_reply = MmioReply::Done;
  u64 nisv_iss = 0;
  bool kernel_read(unsigned, Ipa ipa, unsigned size, u64& value) override {
    if (!kernel_claims) return false;
    kernel_io.push_back({false, ipa, size, value = device_value});
    return true;
  }
  bool kernel_write(unsigned, Ipa ipa, unsigned size, u64 value) override {
    if (!kernel_claims) return false;
    kernel_io.push_back({true, ipa, size, value});
    return true;
  }
  MmioReply vmm_read(unsigned, Ipa ipa, unsigned size, u64& value) override {
    vmm_io.push_back({false, ipa, size, value = device_value});
    return vmm_reply;
  }
  MmioReply vmm_write(unsigned, Ipa ipa, unsigned size, u64 value) override {
    vmm_io.push_back({true, ipa, size, value});
    return vmm_reply;
  }
  MmioReply vmm_nisv(unsigned, Ipa, u64 iss) override {
    nisv_iss = iss;
    return vmm_reply;
  }

  // ---- scheduler and power ----
  int waits = 0, yields = 0, offs = 0, system_offs = 0, resets = 0, suspends = 0;
  u64 on_mpidr = 0, on_entry = 0, on_context = 0;
  CpuOnResult on_result = CpuOnResult::Started;
  void wait_for_interrupt(unsigned) override { ++waits; }
  void yield(unsigned) override { ++yields; }
  CpuOnResult cpu_on(u64 mpidr, u64 entry, u64 context) override {
    on_mpidr = mpidr, on_entry = entry, on_context = context;
    return on_result;
  }
  void cpu_off(unsigned) override { ++offs; }
  void cpu_suspend(unsigned) override { ++suspends; }
  std::optional<AffinityState> affinity_info(u64 mpidr, unsigned) const override {
    if (mpidr > 1) return std::nullopt;
    return mpidr == 0 ? AffinityState::On : AffinityState::Off;
  }
  void system_off() override { ++system_offs; }
  void system_reset(ResetKind) override { ++resets; }

  // ---- yield points: each action runs once, at the first visit of its point ----
  std::map<YieldPoint, std::function<void()>> actions;
  void at(YieldPoint point) override {
    const auto it = actions.find(point);
    if (it == actions.end()) return;
    const auto action = it->second;
    actions.erase(it);
    action();
  }

  Trace trace;
  Ports ports() { return {*this, *this, *this, *this, *this, *this, trace}; }
};

/// One PE: registers, and stage 1 as a function.
struct FakePe final : VcpuPort {
  unsigned cpu = 0;
  std::map<Reg, u64> regs;
  u64 xs[31] = {};
  /// Stage 1 at EL2's AT; empty: a stage-1 fault.
  std::function<std::optional<Ipa>(Va)> stage1 = [](Va va) { return std::optional<Ipa>(Ipa{va.value}); };
  u64 s1_attr = 0;  ///< PAR_EL1.ATTR of every translation: Device-nGnRnE, as with the MMU off
  bool at_takes_exception = false;
  int ats = 0;
  std::map<u32, u64> ids;
  unsigned pcpu() const override { return cpu; }
  u64 read(Reg r) const override {
    const auto it = regs.find(r);
    return it == regs.end() ? 0 : it->second;
  }
  void write(Reg r, u64 v) override { regs[r] = v; }
  u64 x(unsigned n) const override { return xs[n]; }
  void set_x(unsigned n, u64 v) override { xs[n] = v; }
  bool at_s1e1r(Va va) override {
    ++ats;
    const auto ipa = stage1(va);
    regs[Reg::PAR_EL1] = ipa ? (ipa->value & ~u64{0xfff}) | s1_attr << 56 : 1;
    return !at_takes_exception;
  }
  u64 id_register(u32 encoding) const override {
    const auto it = ids.find(encoding);
    return it == ids.end() ? 0 : it->second;
  }
};

/// A guest access as the fake CPU makes it.
enum class Kind : u8 { Read, Write, Exec, NoSyndrome, Cas, Zva, At, Ivac, Civac };

/// Syndrome pieces of an abort.
struct AbortSpec {
  Ec ec = Ec::DABT_LOW;
  u64 fsc = 0;
  bool write = false, s1ptw = false, cm = false, isv = false;
  unsigned sas = 2, rt = 1;
  bool sse = false, sf = false;
};

inline Esr abort_esr(const AbortSpec& a) {
  IssAbort iss = IssAbort::of(0).with(IssAbort::FSC, a.fsc).with(IssAbort::WnR, a.write || a.cm);
  iss = iss.with(IssAbort::S1PTW, a.s1ptw).with(IssAbort::CM, a.cm);
  if (a.isv)
    iss = iss.with(IssAbort::ISV, true)
              .with(IssAbort::SAS, u64{a.sas})
              .with(IssAbort::SRT, u64{a.rt})
              .with(IssAbort::SSE, a.sse)
              .with(IssAbort::SF, a.sf);
  return make_esr(a.ec, iss.raw);
}

constexpr u64 kTf = 0x04, kAf = 0x08, kPf = 0x0c;
constexpr Ipa kRam{0x4000'0000}, kPt{0x5000'0000}, kHole{0x0900'0000};
constexpr u64 kPc = 0xffff'8000'0800'0000;
constexpr u64 kJunkHpfar = 0xdead'beef0;

struct Options {
  ThpMode thp = ThpMode::Never;
  VmConfig vm{};
  u64 ram = 128u << 20;
};

/// Host, VM and one PE per vCPU.
struct World {
  FakeMachine machine;
  std::unique_ptr<Hypervisor> hyp;
  Vm* vm = nullptr;
  FakePe pe, pe1;
  Resume last = Resume::Guest;
  bool s1_af = true;            ///< the stage-1 leaf's access flag (hardware updates it when clear)
  std::optional<Ipa> s1_table;  ///< where the walker reads its descriptor; none: no stage-1 walk modelled

  explicit World(Options o = {}) {
    o.vm.cpu.pa_bits = 40;
    if (o.vm.mpidr.size() == 1) o.vm.mpidr = {0x8000'0000, 0x8000'0001};
    auto made = Hypervisor::create(
        {.ram_base = Pa{0x8'0000'0000}, .ram_size = o.ram, .seed = 7, .pcpus = 2, .thp = o.thp}, machine.ports());
    hyp = std::move(*made);
    vm = *hyp->create_vm(o.vm);
    pe1.cpu = 1;
    for (FakePe* p : {&pe, &pe1}) {
      p->regs[Reg::SPSR_EL2] = Pstate{}.with(Pstate::EL, El::EL1).with(Pstate::SP, true).raw;
      p->regs[Reg::ELR_EL2] = kPc;
      p->regs[Reg::VBAR_EL1] = 0x1000;
    }
    vm->prepare_entry(0, pe);
    vm->prepare_entry(1, pe1);
    machine.log.clear();
  }

  /// Takes an abort to EL2 as hardware does: HPFAR is junk where it is UNKNOWN.
  Resume abort(const AbortSpec& a, Va far, Ipa ipa, unsigned vcpu = 0) {
    FakePe& p = vcpu == 0 ? pe : pe1;
    const bool unknown = (a.fsc >> 2) == 3 && !a.s1ptw;
    p.regs[Reg::ESR_EL2] = abort_esr(a).raw;
    p.regs[Reg::FAR_EL2] = far.value;
    p.regs[Reg::HPFAR_EL2] = unknown ? kJunkHpfar : (ipa.value >> 12) << 4;
    return last = vm->handle_exit(vcpu, p);
  }
  Resume abort(const AbortSpec& a, Ipa ipa) { return abort(a, Va{ipa.value}, ipa); }

  std::optional<LeafInfo> leaf(Ipa ipa) const {
    std::optional<LeafInfo> found;
    vm->for_each_leaf([&](const LeafInfo& l) {
      if (ipa.value - l.ipa.value < l.size) found = l;
    });
    return found;
  }
  static bool readable(const LeafInfo& l) { return bit(l.descriptor, 6); }
  static bool writable(const LeafInfo& l) { return bit(l.descriptor, 7); }
  static bool executable(const LeafInfo& l) { return !bit(l.descriptor, 54); }
  static bool young(const LeafInfo& l) { return bit(l.descriptor, 10); }
  /// `rwx` of the leaf at `ipa`, or "none".
  std::string rights(Ipa ipa) const {
    const auto l = leaf(ipa);
    if (!l) return "none";
    return fmt::format("{}{}{}", readable(*l) ? 'r' : '-', writable(*l) ? 'w' : '-', executable(*l) ? 'x' : '-');
  }

  /// The FSC that stage 2 gives an access with these needs, or 0.
  u64 check(Ipa ipa, bool write, bool exec) const {
    const auto l = leaf(ipa);
    if (!l) return kTf | 3;
    if (!young(*l)) return kAf | l->level;
    const bool ok = exec ? executable(*l) : write ? writable(*l) : readable(*l);
    return ok ? 0 : kPf | l->level;
  }

  /// Makes an access with all its replays. Returns how it ended: Guest means that it went through.
  Resume access(Kind kind, Ipa ipa, unsigned vcpu = 0, unsigned limit = 16) {
    for (unsigned i = 0; i < limit; ++i) {
      const auto fault = next_fault(kind, ipa);
      if (!fault) return Resume::Guest;
      const Resume r = abort(fault->first, Va{ipa.value}, fault->second, vcpu);
      if (r != Resume::Guest) return r;
    }
    FAIL("the guest does not get on");
    return Resume::Stop;
  }

 private:
  std::optional<std::pair<AbortSpec, Ipa>> next_fault(Kind kind, Ipa ipa) {
    const bool exec = kind == Kind::Exec;
    const Ec ec = exec ? Ec::IABT_LOW : Ec::DABT_LOW;
    const bool cm = kind == Kind::At || kind == Kind::Ivac || kind == Kind::Civac;
    const bool stores = kind == Kind::Write || kind == Kind::Zva;
    if (s1_table) {
      if (const u64 fsc = check(*s1_table, false, false))
        return std::pair{AbortSpec{.ec = ec, .fsc = fsc, .write = stores, .s1ptw = true, .cm = cm}, *s1_table};
      if (!s1_af) {  // the walker writes the descriptor
        if (const u64 fsc = check(*s1_table, true, false))
          return std::pair{AbortSpec{.ec = ec, .fsc = fsc, .write = stores, .s1ptw = true, .cm = cm}, *s1_table};
        s1_af = true;
      }
    }
    if (kind == Kind::At) return std::nullopt;
    AbortSpec a{.ec = ec, .write = stores, .cm = cm, .isv = kind == Kind::Read || kind == Kind::Write};
    const u64 as_read = check(ipa, false, exec);
    const bool needs_write = stores || kind == Kind::Cas || kind == Kind::Ivac;
    // An atomic reports a read when the read alone would fault (ISS.WnR).
    a.fsc = kind == Kind::Cas && as_read ? as_read : check(ipa, needs_write, exec);
    if (kind == Kind::Civac && (a.fsc >> 2) == 3) a.fsc = 0;  // CIVAC needs no stage-2 permission at EL1
    if (kind == Kind::Cas) a.write = as_read == 0;
    if (a.fsc == 0) return std::nullopt;
    return std::pair{a, ipa};
  }
};

inline std::vector<u8> bytes(std::initializer_list<u8> b) { return b; }

/// Makes the VMM touch every page of a range, so that the host's own entries are present and writable.
inline void populate(Vm& vm, Ipa ipa, u64 size) {
  const u8 one[] = {1};
  for (u64 o = 0; o < size; o += 4096) REQUIRE(vm.write_guest(ipa + o, one));
}

constexpr u64 kCachesOn = 5;  // SCTLR_EL1.{C,M}

/// Takes a trapped MSR, MRS or System instruction.
inline Resume trap(World& w, u32 op0, u32 op1, u32 crn, u32 crm, u32 op2, bool read, unsigned rt = 2) {
  const IssSys iss = IssSys{}
                         .with(IssSys::Op0, u64{op0})
                         .with(IssSys::Op1, u64{op1})
                         .with(IssSys::CRn, u64{crn})
                         .with(IssSys::CRm, u64{crm})
                         .with(IssSys::Op2, u64{op2})
                         .with(IssSys::Rt, u64{rt})
                         .with(IssSys::Direction, read);
  w.pe.regs[Reg::ESR_EL2] = make_esr(Ec::SYS64, iss.raw).raw;
  return w.vm->handle_exit(0, w.pe);
}
inline Resume write_sctlr(World& w, u64 value) {
  w.pe.xs[2] = value;
  return trap(w, 3, 0, 1, 0, 0, false);
}
inline Resume dc_cisw(World& w) { return trap(w, 1, 0, 7, 14, 2, false); }
inline bool tvm(const World& w) { return Hcr::of(w.pe.read(Reg::HCR_EL2))[Hcr::TVM]; }

/// Counters between two moments.
struct Delta {
  const Vm& vm;
  Stats before;
  explicit Delta(const Vm& v) : vm(v), before(v.stats()) {}
  template <class Member>
  u64 operator()(Member member) const {
    return vm.stats().*member - before.*member;
  }
  u64 faults() const { return vm.stats().fault_count() - before.fault_count(); }
};

}  // namespace farside::hyp::test

// firmware/hyp/sysreg_trap.cpp - the trap table's handlers.
#include "firmware/hyp/sysreg_trap.h"

#include <algorithm>

#include "core/arch/esr.h"
#include "firmware/hyp/inject.h"
#include "firmware/hyp/set_way.h"

namespace farside::hyp {
namespace {

/// One trapped access, decoded.
struct Trapped {
  u32 encoding;
  unsigned rt;
  bool read;
};

/// What a handler needs.
struct TrapContext {
  VmState& vm;
  VcpuState& vcpu;
  VcpuPort& port;
  const Trapped& access;
  u64 written() const { return access.rt == 31 ? 0 : port.x(access.rt); }
  void give(u64 value) const {
    if (access.rt != 31) port.set_x(access.rt, value);
  }
};

// Fields that KVM hides because it does not virtualise the feature.
constexpr u64 field(unsigned lo) { return u64{0xf} << lo; }
constexpr u64 kSveAmuMpam = field(32) | field(44) | field(40);
constexpr u64 kMteSme = field(8) | field(24);
constexpr u64 kProfilingTrace = field(32) | field(40) | field(44);  // PMSVer, TraceFilt, TraceBuffer
constexpr u64 kLimitedOrdering = field(16);

/// False: UNDEFINED.
using Handler = bool (*)(const TrapContext&, u64 argument);

/// access_dcsw: the operation itself is never executed.
bool set_way(const TrapContext& c, u64) {
  if (c.access.read) return false;
  set_way_flush(c.vm, c.vcpu, c.port);
  return true;
}

/// access_vm_reg: TVM traps writes only.
bool vm_register(const TrapContext& c, u64 argument) {
  const Reg reg = static_cast<Reg>(argument);
  if (c.access.read) {
    c.give(c.port.read(reg));
    return true;
  }
  const bool was_on = guest_caches_on(c.port);
  c.port.write(reg, c.written());
  toggle_cache(c.vm, c.vcpu, c.port, was_on);
  return true;
}

/// access_actlr: reads see the register, writes are ignored.
bool actlr(const TrapContext& c, u64) {
  if (c.access.read) c.give(c.port.read(Reg::ACTLR_EL1));
  return true;
}

bool id_register(const TrapContext& c, u64 hidden) {
  if (!c.access.read) return false;
  c.give(c.port.id_register(c.access.encoding) & ~hidden);
  return true;
}

struct Row {
  std::string_view name;
  u32 encoding;
  Handler handler;
  u64 argument;
};

constexpr Row kRows[] = {
#define TRAP(name, op0, op1, crn, crm, op2, handler, argument) \
  {#name, sys_encoding(op0, op1, crn, crm, op2), handler, static_cast<u64>(argument)},
#include "firmware/hyp/sysreg_trap.def"
#undef TRAP
};
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows),
                             [](const Row& a, const Row& b) { return a.encoding < b.encoding; }));

/// The identification space that HCR_EL2.TID3 traps: S3_0_C0_C1_0 to S3_0_C0_C7_7; what has no row is not filtered.
bool in_id_space(u32 encoding) {
  return encoding >= sys_encoding(3, 0, 0, 1, 0) && encoding <= sys_encoding(3, 0, 0, 7, 7);
}

Row find_row(u32 encoding) {
  const auto it = std::lower_bound(std::begin(kRows), std::end(kRows), encoding,
                                   [](const Row& row, u32 e) { return row.encoding < e; });
  if (it != std::end(kRows) && it->encoding == encoding) return *it;
  if (in_id_space(encoding)) return {"ID", encoding, id_register, 0};
  return {"unknown", encoding, nullptr, 0};
}

Trapped decode(Esr esr) {
  const IssSys iss = IssSys::of(esr[Esr::ISS]);
  const auto part = [&iss](auto field) { return static_cast<u32>(iss[field]); };
  return {sys_encoding(part(IssSys::Op0), part(IssSys::Op1), part(IssSys::CRn), part(IssSys::CRm), part(IssSys::Op2)),
          part(IssSys::Rt), iss[IssSys::Direction]};
}

}  // namespace

Resume handle_sys_register(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  const Trapped access = decode(Esr::of(port.read(Reg::ESR_EL2)));
  const Row row = find_row(access.encoding);
  if (vm.trace().on(TraceGroup::Kvm))
    vm.trace().emit(TraceGroup::Kvm, vcpu.index, "kvm_sys_access",
                    {{"pc", port.read(Reg::ELR_EL2)}, {"name", access.encoding, row.name}, {"is_write", !access.read}});
  if (!row.handler || !row.handler({vm, vcpu, port, access}, row.argument)) {
    inject_undef(vm, vcpu, port);
    return Resume::Injected;
  }
  skip_instruction(vcpu);
  return Resume::SkipInsn;
}

}  // namespace farside::hyp

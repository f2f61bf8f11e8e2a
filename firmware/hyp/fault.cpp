// firmware/hyp/fault.cpp - reads the abort's registers, resolving FAR again where HPFAR_EL2 is UNKNOWN.
#include "firmware/hyp/fault.h"

namespace farside::hyp {

FscType fsc_type(u64 fsc) {
  // Sync external, on a walk of level 0..3, and the ECC forms of both (spec 1.2).
  if (fsc == 0x10 || (fsc >= 0x14 && fsc <= 0x17) || fsc == 0x18 || (fsc >= 0x1c && fsc <= 0x1f))
    return FscType::External;
  const u64 group = fsc >> 2;
  return group <= 3 ? static_cast<FscType>(group) : FscType::Other;
}

bool is_write_fault(WriteFaultRule rule, Esr esr, FscType type) {
  const IssAbort iss = IssAbort::of(esr[Esr::ISS]);
  const bool fetch = esr[Esr::EC] == Ec::IABT_LOW;
  const bool walk = iss[IssAbort::S1PTW];
  switch (rule) {
    case WriteFaultRule::UnlessKnownRead: return !fetch && !(iss[IssAbort::ISV] && !iss[IssAbort::WnR]);
    case WriteFaultRule::Wnr: break;
    case WriteFaultRule::DataWalkIsWrite:
      if (walk && !fetch) return true;
      break;
    case WriteFaultRule::AnyWalkIsWrite:
      if (walk) return true;
      break;
    case WriteFaultRule::WalkByType:
      if (walk) return type == FscType::Permission;
      break;
  }
  return !fetch && iss[IssAbort::WnR];
}

bool must_resolve_far(Esr esr, FscType type) {
  return type == FscType::Permission && !IssAbort::of(esr[Esr::ISS])[IssAbort::S1PTW];
}

namespace {

/// Does the era handle a translation fault of a cache operation as the fault of a read?
bool cmo_maps_as_read(CmoRule rule) { return rule == CmoRule::Inject || rule == CmoRule::Perform; }

}  // namespace

std::optional<Par> ask_stage1(VcpuPort& port, const Policy& policy, Va far, Stats& stats) {
  ++stats.at;
  const u64 guest_par = port.read(Reg::PAR_EL1);
  const bool executed = port.at_s1e1r(far);
  const Par par = Par::of(port.read(Reg::PAR_EL1));
  if (policy.preserve_par) port.write(Reg::PAR_EL1, guest_par);
  if (!executed || par[Par::F]) return std::nullopt;
  return par;
}

std::optional<Stage2Fault> read_fault(VcpuPort& port, const Policy& policy, YieldPort& yield, Stats& stats) {
  Stage2Fault fault;
  fault.esr = Esr::of(port.read(Reg::ESR_EL2));
  fault.iss = IssAbort::of(fault.esr[Esr::ISS]);
  const u64 fsc = fault.iss[IssAbort::FSC];
  fault.type = fsc_type(fsc);
  fault.level = static_cast<int>(fsc & 3);
  fault.far = Va{port.read(Reg::FAR_EL2)};
  fault.s1ptw = fault.iss[IssAbort::S1PTW];
  fault.instruction = fault.esr[Esr::EC] == Ec::IABT_LOW;
  fault.exec = fault.instruction && !fault.s1ptw;
  fault.cm = !fault.instruction && fault.iss[IssAbort::CM];
  fault.write = is_write_fault(policy.write_fault, fault.esr, fault.type);
  // Posted for review in 2021, never merged: the first fault of a cache operation maps read-only.
  if (fault.cm && fault.type == FscType::Translation && cmo_maps_as_read(policy.cmo)) fault.write = false;
  if (!must_resolve_far(fault.esr, fault.type)) {
    fault.ipa = Ipa{Hpfar::of(port.read(Reg::HPFAR_EL2))[Hpfar::FIPA] << 12};
    return fault;
  }
  yield.at(YieldPoint::HpfarResolve);
  const auto par = ask_stage1(port, policy, fault.far, stats);
  if (!par) return std::nullopt;
  fault.ipa = Ipa{(*par)[Par::PA] << 12};
  return fault;
}

void count_fault(Stats& stats, const Stage2Fault& fault) {
  const auto type = fault.type == FscType::Translation  ? FaultType::Translation
                    : fault.type == FscType::AccessFlag ? FaultType::AccessFlag
                    : fault.type == FscType::Permission ? FaultType::Permission
                                                        : FaultType::Other;
  const auto access = fault.s1ptw                                      ? FaultAccess::Walk
                      : fault.exec                                     ? FaultAccess::Exec
                      : !fault.instruction && fault.iss[IssAbort::WnR] ? FaultAccess::Write
                                                                       : FaultAccess::Read;
  ++stats.faults[static_cast<usize>(type)][static_cast<usize>(access)];
}

}  // namespace farside::hyp

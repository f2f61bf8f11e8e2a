// firmware/hyp/fault.h - a stage-2 abort as a constant value, built from ESR, FAR and HPFAR alone.
#pragma once
#include "core/arch/esr.h"
#include "firmware/hyp/policy.h"
#include "firmware/hyp/ports.h"
#include "firmware/hyp/regs.h"
#include "firmware/hyp/stats.h"

namespace farside::hyp {

/// The type bits FSC[5:2] as K6.1 classifies them.
enum class FscType : u8 { AddressSize = 0, Translation = 1, AccessFlag = 2, Permission = 3, External, Other };

/// Everything that the decision about a stage-2 abort may look at.
struct Stage2Fault {
  Esr esr{};
  IssAbort iss{};
  FscType type = FscType::Other;
  int level = 0;  ///< FSC[1:0]: level of the faulting entry
  Va far{};
  Ipa ipa{};                 ///< page address; the low 12 bits are FAR's
  bool instruction = false;  ///< EC IABT_LOW, table walks for a fetch included
  bool exec = false;         ///< a fetch that is not a table walk
  bool write = false;        ///< after the era's rule (kvm_is_write_fault)
  bool s1ptw = false, cm = false;

  /// IPA with the page offset, as devices see it.
  Ipa exact_ipa() const { return ipa + (far.value & 0xfff); }
};

/// FSC without its level.
FscType fsc_type(u64 fsc);
/// kvm_is_write_fault in the era of `rule`.
bool is_write_fault(WriteFaultRule rule, Esr esr, FscType type);
/// True when the architecture leaves HPFAR_EL2 UNKNOWN for this abort, so that FAR must be translated again.
bool must_resolve_far(Esr esr, FscType type);
/// AT S1E1R of `far` with the guest's own tables (__translate_far_to_hpfar). PAR_EL1 belongs to the guest and survives,
/// where the policy says so. Empty when `far` does not translate at stage 1, or only through memory that stage 2 has
/// not mapped.
std::optional<Par> ask_stage1(VcpuPort& port, const Policy& policy, Va far, Stats& stats);
/// Builds the fault from the registers of `port`. Empty when FAR no longer translates: the guest changed its stage 1
/// meanwhile, and the access is simply replayed (__get_fault_info).
std::optional<Stage2Fault> read_fault(VcpuPort& port, const Policy& policy, YieldPort& yield, Stats& stats);
/// Counts `fault` under its kind and access.
void count_fault(Stats& stats, const Stage2Fault& fault);

}  // namespace farside::hyp

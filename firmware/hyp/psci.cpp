// firmware/hyp/psci.cpp - the table of PSCI and SMCCC functions, and what each does to the machine.
#include "firmware/hyp/psci.h"

#include "core/base/bits.h"

namespace farside::hyp {
namespace {

// Arm DEN0022 table 5: return codes.
constexpr i64 kSuccess = 0, kNotSupported = -1, kInvalidParameters = -2, kAlreadyOn = -4, kOnPending = -5,
              kInternalFailure = -6, kInvalidAddress = -9;
constexpr u64 kVersion = 1 << 16 | 1;      // 1.1, both for PSCI and for SMCCC
constexpr u64 kMigrateNotRequired = 2;     // no trusted OS, or one that is multiprocessor capable
constexpr i64 kWorkaroundNotRequired = 1;  // this CPU does not need it; calling it is harmless
constexpr u32 k64Bit = 1u << 30;           // SMC64 calling convention
constexpr u64 kAffinityMask = 0xff'00ff'ffff;
constexpr u64 kVendorReset = 0x8000'0000;  // first vendor-specific SYSTEM_RESET2 type

/// Functions by identifier, without the SMC64 bit.
enum : u32 {
  kSmcccVersion = 0x8000'0000,
  kArchFeatures = 0x8000'0001,
  kWorkaround3 = 0x8000'3fff,
  kWorkaround2 = 0x8000'7fff,
  kWorkaround1 = 0x8000'8000,
  kPsciVersion = 0x8400'0000,
  kCpuSuspend = 0x8400'0001,
  kCpuOff = 0x8400'0002,
  kCpuOn = 0x8400'0003,
  kAffinityInfo = 0x8400'0004,
  kMigrateInfoType = 0x8400'0006,
  kSystemOff = 0x8400'0008,
  kSystemReset = 0x8400'0009,
  kPsciFeatures = 0x8400'000a,
  kSystemReset2 = 0x8400'0012,
};

SmcccReply reply(i64 x0, PsciFlow flow = PsciFlow::Continue) { return {{static_cast<u64>(x0), 0, 0, 0}, flow}; }

/// Functions that also exist with 64-bit arguments.
bool has_64bit_form(u32 function) {
  return function == kCpuSuspend || function == kCpuOn || function == kAffinityInfo || function == kSystemReset2;
}

i64 psci_features(u32 function) {
  const u32 base = function & ~k64Bit;
  if ((function & k64Bit) && !has_64bit_form(base)) return kNotSupported;
  switch (base) {
    case kPsciVersion:
    case kCpuSuspend:
    case kCpuOff:
    case kCpuOn:
    case kAffinityInfo:
    case kMigrateInfoType:
    case kSystemOff:
    case kSystemReset:
    case kPsciFeatures:
    case kSystemReset2:
    case kSmcccVersion: return kSuccess;
    default: return kNotSupported;
  }
}

i64 arch_features(u32 function) {
  switch (function) {
    case kSmcccVersion:
    case kArchFeatures: return kSuccess;
    case kWorkaround1:
    case kWorkaround2:
    case kWorkaround3: return kWorkaroundNotRequired;
    default: return kNotSupported;
  }
}

i64 cpu_on(PsciPort& power, u64 mpidr, u64 entry, u64 context) {
  if (mpidr & ~kAffinityMask) return kInvalidParameters;
  switch (power.cpu_on(mpidr, entry, context)) {
    case CpuOnResult::Started: return kSuccess;
    case CpuOnResult::AlreadyOn: return kAlreadyOn;
    case CpuOnResult::OnPending: return kOnPending;
    case CpuOnResult::NoSuchCpu: return kInvalidParameters;
    case CpuOnResult::InvalidAddress: return kInvalidAddress;
  }
  return kInternalFailure;
}

i64 affinity_info(const PsciPort& power, u64 mpidr, u64 level) {
  if (level > 3) return kInvalidParameters;
  const auto state = power.affinity_info(mpidr & kAffinityMask, static_cast<unsigned>(level));
  return state ? static_cast<i64>(*state) : kInvalidParameters;
}

/// x0 already says INTERNAL_FAILURE should the machine ever come back from switching off.
SmcccReply system_off(PsciPort& power) {
  power.system_off();
  return reply(kInternalFailure, PsciFlow::SystemOff);
}

SmcccReply system_reset(PsciPort& power, ResetKind kind) {
  power.system_reset(kind);
  return reply(kInternalFailure, PsciFlow::SystemReset);
}

SmcccReply system_reset2(PsciPort& power, u64 type) {
  if (type != 0 && type < kVendorReset) return reply(kInvalidParameters);
  return system_reset(power, ResetKind::Reset2Warm);
}

}  // namespace

SmcccReply smccc_call(PsciPort& power, unsigned vcpu, const SmcccArgs& args) {
  const u32 function = static_cast<u32>(args[0]);
  const u32 base = function & ~k64Bit;
  const bool wide = function & k64Bit;
  if (wide && !has_64bit_form(base)) return reply(kNotSupported);
  const u64 mask = wide ? ~u64{0} : ones(32);
  const u64 a1 = args[1] & mask, a2 = args[2] & mask, a3 = args[3] & mask;
  switch (base) {
    case kSmcccVersion:
    case kPsciVersion: return reply(kVersion);
    case kArchFeatures: return reply(arch_features(static_cast<u32>(a1)));
    case kWorkaround1:
    case kWorkaround2:
    case kWorkaround3: return reply(kSuccess);
    case kPsciFeatures: return reply(psci_features(static_cast<u32>(a1)));
    case kMigrateInfoType: return reply(kMigrateNotRequired);
    case kCpuSuspend: power.cpu_suspend(vcpu); return reply(kSuccess);  // every state is a standby state
    case kCpuOff: power.cpu_off(vcpu); return reply(kInternalFailure, PsciFlow::CpuOff);
    case kCpuOn: return reply(cpu_on(power, a1, a2, a3));
    case kAffinityInfo: return reply(affinity_info(power, a1, a2));
    case kSystemOff: return system_off(power);
    case kSystemReset: return system_reset(power, ResetKind::Reset);
    case kSystemReset2: return system_reset2(power, a1);
    default: return reply(kNotSupported);
  }
}

}  // namespace farside::hyp

// core/pe/maintenance.cpp - system instructions: DC and IC by VA and by set/way, TLBI, AT; traps, then the effect.
#include <algorithm>
#include <array>

#include "core/pe/piece.h"
#include "mmu/at.h"

namespace farside::pe {
namespace {

using cache::Action;
using cache::Point;
using cache::Scope;

constexpr u64 hcr_bit(unsigned n) { return u64{1} << n; }
// HCR_EL2 trap bits for maintenance (Arm ARM, HCR_EL2).
constexpr u64 kTSW = hcr_bit(22), kTPCP = hcr_bit(23), kTPU = hcr_bit(24), kTTLB = hcr_bit(25), kTDZ = hcr_bit(28),
              kTICAB = hcr_bit(50), kTOCU = hcr_bit(52), kTTLBIS = hcr_bit(54), kTTLBOS = hcr_bit(55);
constexpr u64 kVM = hcr_bit(0), kSWIO = hcr_bit(1), kFB = hcr_bit(9), kDC = hcr_bit(12), kTGE = hcr_bit(27),
              kE2H = hcr_bit(34), kAT = hcr_bit(44);
// SCTLR_EL1 bits that give EL0 access.
constexpr u64 kDZE = hcr_bit(14), kUCI = hcr_bit(26);

enum class Effect : u8 { DataByVa, InstructionByVa, SetWay, InvalidateAllI, ZeroBlock };

/// One cache maintenance instruction.
struct CacheInsn {
  SysRegEncoding encoding;
  Effect effect;
  Action action;
  Point point;
  u64 el0_enable;  ///< SCTLR_EL1 bit that allows EL0; 0: UNDEFINED at EL0
  u64 hcr_traps;   ///< any of these HCR_EL2 bits traps EL0 and EL1
  bool Features::*feature;
};

constexpr SysRegEncoding sys(unsigned op1, unsigned crn, unsigned crm, unsigned op2) {
  return encode_sysreg(1, op1, crn, crm, op2);
}

// In the order of Arm ARM C5.3, "A64 System instructions for cache maintenance".
constexpr CacheInsn kCacheInsns[] = {
    {sys(0, 7, 1, 0), Effect::InvalidateAllI, Action::Invalidate, Point::PoU, 0, kTPU | kTICAB,
     &Features::BASE},  // IC IALLUIS
    {sys(0, 7, 5, 0), Effect::InvalidateAllI, Action::Invalidate, Point::PoU, 0, kTPU | kTOCU,
     &Features::BASE},  // IC IALLU
    {sys(3, 7, 5, 1), Effect::InstructionByVa, Action::Invalidate, Point::PoU, kUCI, kTPU | kTOCU,
     &Features::BASE},                                                                                     // IC IVAU
    {sys(0, 7, 6, 1), Effect::DataByVa, Action::Invalidate, Point::PoC, 0, kTPCP, &Features::BASE},        // DC IVAC
    {sys(0, 7, 6, 2), Effect::SetWay, Action::Invalidate, Point::PoC, 0, kTSW, &Features::BASE},           // DC ISW
    {sys(3, 7, 10, 1), Effect::DataByVa, Action::Clean, Point::PoC, kUCI, kTPCP, &Features::BASE},         // DC CVAC
    {sys(0, 7, 10, 2), Effect::SetWay, Action::Clean, Point::PoC, 0, kTSW, &Features::BASE},               // DC CSW
    {sys(3, 7, 11, 1), Effect::DataByVa, Action::Clean, Point::PoU, kUCI, kTPU | kTOCU, &Features::BASE},  // DC CVAU
    {sys(3, 7, 12, 1), Effect::DataByVa, Action::Clean, Point::PoP, kUCI, kTPCP, &Features::DPB},          // DC CVAP
    {sys(3, 7, 13, 1), Effect::DataByVa, Action::Clean, Point::PoP, kUCI, kTPCP, &Features::DPB2},         // DC CVADP
    {sys(3, 7, 14, 1), Effect::DataByVa, Action::CleanInvalidate, Point::PoC, kUCI, kTPCP,
     &Features::BASE},                                                                                  // DC CIVAC
    {sys(0, 7, 14, 2), Effect::SetWay, Action::CleanInvalidate, Point::PoC, 0, kTSW, &Features::BASE},  // DC CISW
    {sys(3, 7, 4, 1), Effect::ZeroBlock, Action::Clean, Point::PoC, kDZE, kTDZ, &Features::BASE},       // DC ZVA
};
constexpr SysRegEncoding kDcIvac = sys(0, 7, 6, 1), kDcIsw = sys(0, 7, 6, 2), kIcIalluis = sys(0, 7, 1, 0);

Scope scope_of(const MemAttr& attr) {
  switch (with_effective_shareability(attr).shareability) {
    case Shareability::Non: return Scope::ThisPe;
    case Shareability::Inner: return Scope::InnerShareable;
    default: return Scope::OuterShareable;
  }
}

/// ISS of a trapped System instruction; they count as writes.
u64 trap_iss(SysRegEncoding e, unsigned rt) {
  return bits(e, 15, 14) << 20 | bits(e, 2, 0) << 17 | bits(e, 13, 11) << 14 | bits(e, 10, 7) << 10 | u64{rt} << 5 |
         bits(e, 6, 3) << 1;
}

}  // namespace

bool Pe::trap_system_instruction(SysRegEncoding encoding, unsigned rt, El target) {
  raise(Ec::SYS64, trap_iss(encoding, rt), 0, target);
  return false;
}

bool Pe::undefined_instruction() {
  raise(Ec::UNKNOWN, 0);
  return false;
}

/// HCR_EL2 as it applies to trapping from EL0 and EL1: nothing is trapped from EL2, from a PE without EL2, or from EL0
/// in the EL2&0 regime.
u64 Pe::trapping_hcr() const {
  const u64 hcr = s.sys[SysReg::HCR_EL2];
  if (!features().el2 || el() == El::EL2) return 0;
  if (el() == El::EL0 && (hcr & (kE2H | kTGE)) == (kE2H | kTGE)) return 0;
  return hcr;
}

bool Pe::system_instruction(SysRegEncoding encoding, unsigned rt, u64 value) {
  const unsigned crn = bits(encoding, 10, 7), crm = bits(encoding, 6, 3);
  if (crn == 8 || crn == 9) return tlb_maintenance(encoding, rt, value);
  if (crn == 7 && (crm == 8 || crm == 9)) return address_translation(encoding, rt, value);
  for (const CacheInsn& insn : kCacheInsns) {
    if (insn.encoding != encoding) continue;
    if (!(features().*insn.feature)) return undefined_instruction();
    if (el() == El::EL0) {
      if (insn.el0_enable == 0) return undefined_instruction();
      if ((sctlr() & insn.el0_enable) == 0) return trap_system_instruction(encoding, rt, El::EL1);
    }
    if ((trapping_hcr() & insn.hcr_traps) != 0) return trap_system_instruction(encoding, rt, El::EL2);
    switch (insn.effect) {
      case Effect::ZeroBlock: return zero_block(value);
      case Effect::SetWay: {
        // DC ISW behaves as CISW where an invalidation could destroy another owner's data (HCR_EL2.{VM,DC,SWIO}).
        const bool upgrade = encoding == kDcIsw && (trapping_hcr() & (kVM | kDC | kSWIO)) != 0;
        ports.system->cache_op(*this, cache::CacheOpBySetWay{upgrade ? Action::CleanInvalidate : insn.action, value});
        return true;
      }
      case Effect::InvalidateAllI: {
        const bool broadcast = encoding == kIcIalluis || (trapping_hcr() & kFB) != 0;
        ports.system->cache_op(*this, cache::ICacheInvalidateAll{broadcast ? Scope::InnerShareable : Scope::ThisPe});
        return true;
      }
      case Effect::DataByVa:
      case Effect::InstructionByVa:
        return cache_maintenance_by_va(value, insn.effect == Effect::InstructionByVa, encoding == kDcIvac, insn.action,
                                       insn.point);
    }
  }
  return undefined_instruction();
}

bool Pe::cache_maintenance_by_va(u64 va, bool instruction, bool ivac, Action action, Point point) {
  Access access = make_access(AccessKind::CacheMaintenance, va, 1, {});
  // DC IVAC acts as CIVAC under a hypervisor (HCR_EL2.{VM,DC}), and still checks permissions as itself.
  const bool upgraded = ivac && (trapping_hcr() & (kVM | kDC)) != 0;
  access.ivac = ivac && (!upgraded || tlb.knobs().ivac_checks_write);
  Piece piece;
  if (!translate_piece(va, 1, access, piece)) return false;
  if (upgraded) action = Action::CleanInvalidate;
  const mmu::Regime& own = regime(access.el);
  ports.system->cache_op(*this, cache::CacheOpByPa{.instruction = instruction,
                                                   .action = action,
                                                   .point = point,
                                                   .scope = scope_of(piece.t.attr),
                                                   .base = piece.t.pa,
                                                   .has_va = instruction,
                                                   .vmid = own.s2_enabled ? own.vmid : u16{0},
                                                   .va = va});
  return true;
}

bool Pe::tlb_maintenance(SysRegEncoding encoding, unsigned rt, u64 value) {
  const unsigned op1 = bits(encoding, 13, 11), crn = bits(encoding, 10, 7), crm = bits(encoding, 6, 3),
                 op2 = bits(encoding, 2, 0);
  const u64 hcr = s.sys[SysReg::HCR_EL2];
  const bool for_el2 = op1 == 4;
  if (el() == El::EL0 || (for_el2 && (el() != El::EL2 || !features().el2))) return undefined_instruction();
  const mmu::Regime& own = regime(RegimeId::EL10);
  // Which TCR says how wide ASIDs are: EL2 operations with E2H, and EL1 operations of a host (E2H and TGE) are EL2&0.
  const bool el20 = (hcr & kE2H) != 0 && (for_el2 || (el() == El::EL2 && (hcr & kTGE) != 0));
  const mmu::TlbiContext context{.el = el(),
                                 .vmid = own.vmid,
                                 .e2h = (hcr & kE2H) != 0,
                                 .tge = (hcr & kTGE) != 0,
                                 .fb = (trapping_hcr() & kFB) != 0,
                                 .asid16 = bit(s.sys[el20 ? SysReg::TCR_EL2 : SysReg::TCR_EL1], 36),
                                 .features = features()};
  const auto op = mmu::decode_tlbi(op1, crn, crm, op2, value, context);
  if (!op) return undefined_instruction();
  const bool outer = crm == 1 || crm == 5 || (crm == 4 && !for_el2);
  const bool inner = crm == 3 || crm == 2 || crm == 0;
  u64 traps = kTTLB;
  if (outer) traps |= kTTLBOS;
  if (inner) traps |= kTTLBIS;
  if ((trapping_hcr() & traps) != 0) return trap_system_instruction(encoding, rt, El::EL2);
  if (ports.trace->on(TraceGroup::Tlb)) {
    ports.trace->emit(
        TraceGroup::Tlb, index_, "tlbi",
        {{"op", 0, op->name()}, {"base", op->base}, {"size", op->size}, {"asid", op->asid}, {"vmid", op->vmid}});
  }
  if (op->scope == mmu::TlbiScope::Local) {
    apply_tlbi(*op);
  } else {
    ports.system->broadcast_tlbi(*this, *op);
  }
  return true;
}

bool Pe::address_translation(SysRegEncoding encoding, unsigned rt, u64 value) {
  const unsigned op1 = bits(encoding, 13, 11), crm = bits(encoding, 6, 3), op2 = bits(encoding, 2, 0);
  const u64 hcr = s.sys[SysReg::HCR_EL2];
  const bool for_el2 = op1 == 4;
  if (el() == El::EL0 || (for_el2 && (el() != El::EL2 || !features().el2))) return undefined_instruction();
  const auto op = mmu::decode_at(op1, crm, op2, el() == El::EL2 ? hcr : 0, features());
  if (!op) return undefined_instruction();
  if (!for_el2 && (trapping_hcr() & kAT) != 0) return trap_system_instruction(encoding, rt, El::EL2);
  auto par = at(*op, Va{value});
  if (!par.ok()) {
    raise(par.error());
    return false;
  }
  s.sys[SysReg::PAR_EL1] = *par;
  return true;
}

}  // namespace farside::pe

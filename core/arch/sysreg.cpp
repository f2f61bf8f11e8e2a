// core/arch/sysreg.cpp - the table of system registers, look-up by encoding, and which bits are legal to write.
#include "core/arch/sysreg.h"

#include <fmt/format.h>

#include "core/arch/sysreg_fields.h"

namespace farside {
namespace {

constexpr std::array<SysRegInfo, kSysRegCount> kTable{{
#define SYSREG(name, op0, op1, crn, crm, op2, access, trap, kind, feature, writable, res1) \
  {#name,                                                                                  \
   encode_sysreg(op0, op1, crn, crm, op2),                                                 \
   SysRegAccess::access,                                                                   \
   TrapGroup::trap,                                                                        \
   SysRegKind::kind,                                                                       \
   &Features::feature,                                                                     \
   writable,                                                                               \
   res1},
#include "core/arch/sysreg.def"
#undef SYSREG
}};

/// op0 is 2 or 3, so bit 15 is always set: 32768 encodings. An entry is the register's number plus one.
constexpr unsigned kEncodings = 1 << 15;
struct Index {
  u16 entry[kEncodings] = {};
};
constexpr Index make_index() {
  Index index{};
  for (unsigned i = 0; i < kSysRegCount; ++i)
    index.entry[kTable[i].encoding & (kEncodings - 1)] = static_cast<u16>(i + 1);
  return index;
}
constexpr Index kIndex = make_index();

constexpr bool encodings_are_unique() {
  for (unsigned i = 0; i < kSysRegCount; ++i)
    if (kIndex.entry[kTable[i].encoding & (kEncodings - 1)] != i + 1 || kTable[i].encoding < kEncodings) return false;
  return true;
}
static_assert(encodings_are_unique(), "two rows of sysreg.def have one encoding");

u64 sctlr_writable(const Features& f) {
  u64 mask = kSctlrBase;
  if (f.PAN) mask |= Sctlr::SPAN.mask;
  if (f.RAS) mask |= Sctlr::IESB.mask;
  if (f.PAuth) mask |= Sctlr::EnIA.mask | Sctlr::EnIB.mask | Sctlr::EnDA.mask | Sctlr::EnDB.mask;
  if (f.BTI) mask |= Sctlr::BT0.mask | Sctlr::BT1.mask;
  if (f.SSBS) mask |= Sctlr::DSSBS.mask;
  return mask;
}

u64 hcr_writable(const Features& f) {
  u64 mask = kHcrBase;
  if (f.VHE) mask |= Hcr::E2H.mask;
  if (f.LOR) mask |= Hcr::TLOR.mask;
  if (f.RAS) mask |= Hcr::TERR.mask | Hcr::TEA.mask;
  if (f.PAuth) mask |= Hcr::APK.mask | Hcr::API.mask;
  if (f.S2FWB) mask |= u64{1} << 46;
  if (f.EVT) mask |= Hcr::TID4.mask | Hcr::TICAB.mask | Hcr::TOCU.mask | Hcr::TTLBIS.mask | Hcr::TTLBOS.mask;
  return mask;
}

u64 tcr_writable(const Features& f) {
  u64 mask = kTcrBase;
  if (f.HAFDBS) mask |= u64{3} << 39;
  if (f.HPDS) mask |= u64{3} << 41;
  if (f.PAuth) mask |= u64{3} << 51;
  if (f.E0PD) mask |= u64{3} << 55;
  return mask;
}

/// The EL2 layout of TCR (E2H = 0) is a subset of the EL1 layout's bits, apart from RES1.
u64 tcr_el2_writable(const Features& f) {
  if (f.VHE) return tcr_writable(f);
  u64 mask = 0x3f | 0xff00 | u64{7} << 16 | u64{1} << 20;
  if (f.HAFDBS) mask |= u64{3} << 21;
  if (f.HPDS) mask |= u64{1} << 24;
  if (f.PAuth) mask |= u64{1} << 29;
  return mask;
}

}  // namespace

const SysRegInfo& sysreg_info(SysReg reg) { return kTable[static_cast<usize>(reg)]; }

std::optional<SysReg> find_sysreg(SysRegEncoding encoding) {
  const u16 entry = encoding >= kEncodings ? kIndex.entry[encoding & (kEncodings - 1)] : 0;
  if (entry == 0) return std::nullopt;
  return static_cast<SysReg>(entry - 1);
}

std::optional<SysReg> find_sysreg(std::string_view name) {
  for (unsigned i = 0; i < kSysRegCount; ++i)
    if (kTable[i].name == name) return static_cast<SysReg>(i);
  return std::nullopt;
}

std::string_view sysreg_name(SysRegEncoding e, std::array<char, 20>& buffer) {
  if (const auto reg = find_sysreg(e)) return sysreg_info(*reg).name;
  const auto end = fmt::format_to_n(buffer.data(), buffer.size(), "S{}_{}_C{}_C{}_{}", sysreg_op0(e), sysreg_op1(e),
                                    sysreg_crn(e), sysreg_crm(e), sysreg_op2(e));
  return {buffer.data(), end.size};
}

u64 sysreg_writable(SysReg reg, const Features& f) {
  const u64 base = sysreg_info(reg).writable;
  switch (reg) {
    case SysReg::SCTLR_EL1:
    case SysReg::SCTLR_EL2: return sctlr_writable(f);
    case SysReg::HCR_EL2: return hcr_writable(f);
    case SysReg::TCR_EL1: return tcr_writable(f);
    case SysReg::TCR_EL2: return tcr_el2_writable(f);
    case SysReg::VTCR_EL2: return base | (f.VMID16 ? u64{1} << 19 : 0) | (f.HAFDBS ? u64{3} << 21 : 0);
    case SysReg::TTBR0_EL1:
    case SysReg::TTBR1_EL1:
    case SysReg::TTBR0_EL2:
    case SysReg::TTBR1_EL2: return base | u64{f.TTCNP};
    case SysReg::VTTBR_EL2: return base | u64{f.TTCNP} | (f.VMID16 ? u64{0xff} << 56 : 0);
    case SysReg::MDCR_EL2: return f.pmu_version >= 4 ? base : base & ~MdcrEl2::HPMD.mask;
    default: return base;
  }
}

u64 sysreg_res1(SysReg reg, const Features& f, bool e2h) {
  const u64 base = sysreg_info(reg).res1;
  switch (reg) {
    case SysReg::SCTLR_EL1: return base & ~sctlr_writable(f);
    case SysReg::SCTLR_EL2: return (f.VHE ? kSctlrEl1Res1 : base) & ~(f.VHE ? sctlr_writable(f) : 0);
    case SysReg::TCR_EL2: return f.VHE ? 0 : 0x80800000;
    case SysReg::CPTR_EL2: return e2h ? 0 : base;
    default: return base;
  }
}

}  // namespace farside

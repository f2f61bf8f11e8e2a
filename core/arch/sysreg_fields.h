// core/arch/sysreg_fields.h - fields of the control registers that the PE itself looks at, and legal-bit masks.
#pragma once
#include "core/base/field.h"

namespace farside {

/// SCTLR_EL1; SCTLR_EL2 has the same layout where HCR_EL2.E2H is 1 and a subset of it where not.
struct Sctlr : Reg<Sctlr> {
  static constexpr Bit<0> M{};
  static constexpr Bit<1> A{};
  static constexpr Bit<2> C{};
  static constexpr Bit<3> SA{};
  static constexpr Bit<4> SA0{};
  static constexpr Bit<9> UMA{};
  static constexpr Bit<12> I{};
  static constexpr Bit<13> EnDB{};
  static constexpr Bit<14> DZE{};
  static constexpr Bit<15> UCT{};
  static constexpr Bit<16> nTWI{};
  static constexpr Bit<18> nTWE{};
  static constexpr Bit<19> WXN{};
  static constexpr Bit<21> IESB{};
  static constexpr Bit<23> SPAN{};
  static constexpr Bit<26> UCI{};
  static constexpr Bit<27> EnDA{};
  static constexpr Bit<30> EnIB{};
  static constexpr Bit<31> EnIA{};
  static constexpr Bit<35> BT0{};
  static constexpr Bit<36> BT1{};
  static constexpr Bit<44> DSSBS{};
};

struct Hcr : Reg<Hcr> {
  static constexpr Bit<0> VM{};
  static constexpr Bit<3> FMO{};
  static constexpr Bit<4> IMO{};
  static constexpr Bit<5> AMO{};
  static constexpr Bit<6> VF{};
  static constexpr Bit<7> VI{};
  static constexpr Bit<8> VSE{};
  static constexpr Bit<9> FB{};
  static constexpr Bit<12> DC{};
  static constexpr Bit<13> TWI{};
  static constexpr Bit<14> TWE{};
  static constexpr Bit<16> TID1{};
  static constexpr Bit<17> TID2{};
  static constexpr Bit<18> TID3{};
  static constexpr Bit<19> TSC{};
  static constexpr Bit<20> TIDCP{};
  static constexpr Bit<21> TACR{};
  static constexpr Bit<22> TSW{};
  static constexpr Bit<23> TPCP{};
  static constexpr Bit<24> TPU{};
  static constexpr Bit<25> TTLB{};
  static constexpr Bit<26> TVM{};
  static constexpr Bit<27> TGE{};
  static constexpr Bit<28> TDZ{};
  static constexpr Bit<29> HCD{};
  static constexpr Bit<30> TRVM{};
  static constexpr Bit<31> RW{};
  static constexpr Bit<34> E2H{};
  static constexpr Bit<35> TLOR{};
  static constexpr Bit<36> TERR{};
  static constexpr Bit<37> TEA{};
  static constexpr Bit<40> APK{};
  static constexpr Bit<41> API{};
  static constexpr Bit<49> TID4{};
  static constexpr Bit<50> TICAB{};
  static constexpr Bit<52> TOCU{};
  static constexpr Bit<54> TTLBIS{};
  static constexpr Bit<55> TTLBOS{};
};

struct Mdscr : Reg<Mdscr> {
  static constexpr Bit<0> SS{};
  static constexpr Bit<12> TDCC{};
  static constexpr Bit<13> KDE{};
  static constexpr Bit<15> MDE{};
};

struct MdcrEl2 : Reg<MdcrEl2> {
  static constexpr Field<4, 0> HPMN{};
  static constexpr Bit<5> TPMCR{};
  static constexpr Bit<6> TPM{};
  static constexpr Bit<7> HPME{};
  static constexpr Bit<8> TDE{};
  static constexpr Bit<9> TDA{};
  static constexpr Bit<10> TDOSA{};
  static constexpr Bit<11> TDRA{};
  static constexpr Bit<17> HPMD{};
};

/// CNTKCTL_EL1, and CNTHCTL_EL2 where HCR_EL2.E2H is 1.
struct Cntkctl : Reg<Cntkctl> {
  static constexpr Bit<0> EL0PCTEN{};
  static constexpr Bit<1> EL0VCTEN{};
  static constexpr Bit<2> EVNTEN{};
  static constexpr Bit<3> EVNTDIR{};
  static constexpr Field<7, 4> EVNTI{};
  static constexpr Bit<8> EL0VTEN{};
  static constexpr Bit<9> EL0PTEN{};
};

/// CNTHCTL_EL2: EL1 access to the physical counter and timer, in both of its layouts.
struct Cnthctl : Reg<Cnthctl> {
  static constexpr Bit<0> EL1PCTEN{};
  static constexpr Bit<1> EL1PCEN{};
  static constexpr Bit<10> EL1PCTEN_E2H{};
  static constexpr Bit<11> EL1PTEN_E2H{};
};

/// CNTP_CTL_EL0 and its siblings.
struct CntCtl : Reg<CntCtl> {
  static constexpr Bit<0> ENABLE{};
  static constexpr Bit<1> IMASK{};
  static constexpr Bit<2> ISTATUS{};
};

struct Pmcr : Reg<Pmcr> {
  static constexpr Bit<0> E{};
  static constexpr Bit<1> P{};
  static constexpr Bit<2> C{};
  static constexpr Bit<3> D{};
  static constexpr Bit<5> DP{};
  static constexpr Bit<6> LC{};
  static constexpr Field<15, 11> N{};
};

/// PMEVTYPER<n>_EL0 and PMCCFILTR_EL0.
struct PmFilter : Reg<PmFilter> {
  static constexpr Bit<31> P{};
  static constexpr Bit<30> U{};
  static constexpr Bit<29> NSK{};
  static constexpr Bit<28> NSU{};
  static constexpr Bit<27> NSH{};
  static constexpr Field<15, 0> evtCount{};
};

struct Dbgbcr : Reg<Dbgbcr> {
  static constexpr Bit<0> E{};
  static constexpr Field<2, 1> PMC{};
  static constexpr Field<8, 5> BAS{};
  static constexpr Bit<13> HMC{};
  static constexpr Field<15, 14> SSC{};
  static constexpr Field<19, 16> LBN{};
  static constexpr Field<23, 20> BT{};
};

struct Dbgwcr : Reg<Dbgwcr> {
  static constexpr Bit<0> E{};
  static constexpr Field<2, 1> PAC{};
  static constexpr Field<4, 3> LSC{};
  static constexpr Field<12, 5> BAS{};
  static constexpr Bit<13> HMC{};
  static constexpr Field<15, 14> SSC{};
  static constexpr Field<19, 16> LBN{};
  static constexpr Bit<20> WT{};
  static constexpr Field<28, 24> MASK{};
};

/// SCTLR_ELx bits of ARMv8.0; no mixed endianness, no AArch32.
constexpr u64 kSctlrBase = 0x1f | Sctlr::UMA.mask | Sctlr::I.mask | Sctlr::DZE.mask | Sctlr::UCT.mask |
                           Sctlr::nTWI.mask | Sctlr::nTWE.mask | Sctlr::WXN.mask | Sctlr::UCI.mask;
/// nTLSMD, LSMAOE, SPAN, EIS, TSCXT, EOS, SED and ITD read as one while nothing implements them.
constexpr u64 kSctlrEl1Res1 = 0x30d00980;
constexpr u64 kSctlrEl2Res1 = 0x30c50830;
/// HCR_EL2 of ARMv8.0, without TID0 (AArch32 only).
constexpr u64 kHcrBase = ones(34) & ~(u64{1} << 15);
/// TCR_EL1 of ARMv8.0: bits 6 and 35 are RES0.
constexpr u64 kTcrBase = ones(39) & ~(u64{1} << 6 | u64{1} << 35);
/// TTBRn_ELx without CnP; VTTBR_EL2 with an 8-bit VMID.
constexpr u64 kTtbrBase = ~u64{1};
constexpr u64 kVttbrBase = ones(56) & ~u64{1};

}  // namespace farside

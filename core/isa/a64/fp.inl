// core/isa/a64/fp.inl - semantics of fp.def: scalar floating point.
#pragma once
#include "core/isa/a64/fp_ops.h"
#include "core/isa/exec.h"

namespace farside::isa::a64 {
namespace fp_detail {

/// Runs `body(T{})` for the format that ftype names; reserved formats are undefined before FP access is checked.
template <class X, class Body>
inline Flow with_format(X& x, Imm<2> ftype, Body&& body) {
  if (ftype == 2 || (ftype == 3 && !x.features().FP16)) return x.undefined();
  TRY_VOID(x.fp_access());
  switch (ftype) {
    case 0: body(u32{}); break;
    case 1: body(u64{}); break;
    default: body(u16{}); break;
  }
  return Flow::Next;
}

template <class Op, class X>
inline Flow one_source(X& x, Imm<2> ftype, RegNo n, RegNo d) {
  return with_format(x, ftype, [&]<class T>(T) { x.set_vec(d, x.call_fp(ops::scalar1<Op, T>, x.vec(n))); });
}
template <class Op, class X>
inline Flow two_source(X& x, Imm<2> ftype, RegNo m, RegNo n, RegNo d) {
  return with_format(x, ftype, [&]<class T>(T) { x.set_vec(d, x.call_fp(ops::scalar2<Op, T>, x.vec(n), x.vec(m))); });
}
template <class Op, class X>
inline Flow three_source(X& x, Imm<2> ftype, RegNo m, RegNo a, RegNo n, RegNo d) {
  return with_format(x, ftype,
                     [&]<class T>(T) { x.set_vec(d, x.call_fp(ops::scalar3<Op, T>, x.vec(a), x.vec(n), x.vec(m))); });
}
/// FRINT32 and FRINT64 exist for single and double precision only.
template <class Op, class X>
inline Flow round_n(X& x, Imm<1> sz, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, sz ? x.call_fp(ops::scalar1<Op, u64>, x.vec(n)) : x.call_fp(ops::scalar1<Op, u32>, x.vec(n)));
  return Flow::Next;
}

template <class X>
inline Flow to_int(X& x, Imm<1> sf, Imm<2> ftype, RegNo n, RegNo d, ops::ToInt how) {
  return with_format(x, ftype,
                     [&]<class T>(T) { x.set_reg(d, sf, x.call_fp(ops::to_general<T>, x.vec(n), how, sf ? 64 : 32)); });
}
template <class X>
inline Flow from_int(X& x, Imm<1> sf, Imm<2> ftype, RegNo n, RegNo d, ops::FromInt how) {
  return with_format(
      x, ftype, [&]<class T>(T) { x.set_vec(d, x.call_fp(ops::from_general<T>, x.reg(n, sf), how, sf ? 64 : 32)); });
}
/// 32-bit registers hold at most 32 fraction bits.
inline bool fixed_reserved(Imm<1> sf, Imm<6> scale) { return !sf && !scale.bit(5); }
inline int fraction_bits(Imm<6> scale) { return 64 - static_cast<int>(scale.raw); }

template <class X>
inline Flow compare(X& x, Imm<2> ftype, RegNo n, RegNo m, bool signal_all) {
  return with_format(x, ftype,
                     [&]<class T>(T) { x.set_nzcv(x.call_fp(ops::compare<T>, x.vec(n), x.vec(m), signal_all)); });
}
template <class X>
inline Flow compare_zero(X& x, Imm<2> ftype, RegNo n, bool signal_all) {
  return with_format(x, ftype, [&]<class T>(T) {
    x.set_nzcv(x.call_fp(ops::compare<T>, x.vec(n), x.call(ops::from_value<u64>, x.imm(0)), signal_all));
  });
}
template <class X>
inline auto condition_value(X& x, Imm<4> cond) {
  return x.select(x.cond(static_cast<CondCode>(cond.raw)), x.imm(1), x.imm(0));
}
template <class X>
inline Flow compare_if(X& x, Imm<2> ftype, RegNo m, Imm<4> cond, RegNo n, Imm<4> nzcv, bool signal_all) {
  return with_format(x, ftype, [&]<class T>(T) {
    x.set_nzcv(
        x.call_fp(ops::compare_if<T>, condition_value(x, cond), x.vec(n), x.vec(m), signal_all, nzcv.zext() << 28));
  });
}

}  // namespace fp_detail

// Fixed-point.
template <class X>
Flow SCVTF_float_fix(X& x, Imm<1> sf, Imm<2> ftype, Imm<6> scale, RegNo n, RegNo d) {
  if (fp_detail::fixed_reserved(sf, scale)) return x.undefined();
  return fp_detail::from_int(x, sf, ftype, n, d, {false, fp_detail::fraction_bits(scale)});
}
template <class X>
Flow UCVTF_float_fix(X& x, Imm<1> sf, Imm<2> ftype, Imm<6> scale, RegNo n, RegNo d) {
  if (fp_detail::fixed_reserved(sf, scale)) return x.undefined();
  return fp_detail::from_int(x, sf, ftype, n, d, {true, fp_detail::fraction_bits(scale)});
}
template <class X>
Flow FCVTZS_float_fix(X& x, Imm<1> sf, Imm<2> ftype, Imm<6> scale, RegNo n, RegNo d) {
  if (fp_detail::fixed_reserved(sf, scale)) return x.undefined();
  return fp_detail::to_int(x, sf, ftype, n, d, {Rounding::Zero, false, fp_detail::fraction_bits(scale)});
}
template <class X>
Flow FCVTZU_float_fix(X& x, Imm<1> sf, Imm<2> ftype, Imm<6> scale, RegNo n, RegNo d) {
  if (fp_detail::fixed_reserved(sf, scale)) return x.undefined();
  return fp_detail::to_int(x, sf, ftype, n, d, {Rounding::Zero, true, fp_detail::fraction_bits(scale)});
}

// Integer.
#define FARSIDE_TO_INT(name, mode, is_unsigned)                           \
  template <class X>                                                      \
  Flow name(X& x, Imm<1> sf, Imm<2> ftype, RegNo n, RegNo d) {            \
    return fp_detail::to_int(x, sf, ftype, n, d, {mode, is_unsigned, 0}); \
  }
FARSIDE_TO_INT(FCVTNS_float, Rounding::TieEven, false)
FARSIDE_TO_INT(FCVTNU_float, Rounding::TieEven, true)
FARSIDE_TO_INT(FCVTAS_float, Rounding::TieAway, false)
FARSIDE_TO_INT(FCVTAU_float, Rounding::TieAway, true)
FARSIDE_TO_INT(FCVTPS_float, Rounding::PlusInf, false)
FARSIDE_TO_INT(FCVTPU_float, Rounding::PlusInf, true)
FARSIDE_TO_INT(FCVTMS_float, Rounding::MinusInf, false)
FARSIDE_TO_INT(FCVTMU_float, Rounding::MinusInf, true)
FARSIDE_TO_INT(FCVTZS_float_int, Rounding::Zero, false)
FARSIDE_TO_INT(FCVTZU_float_int, Rounding::Zero, true)
#undef FARSIDE_TO_INT

template <class X>
Flow SCVTF_float_int(X& x, Imm<1> sf, Imm<2> ftype, RegNo n, RegNo d) {
  return fp_detail::from_int(x, sf, ftype, n, d, {false, 0});
}
template <class X>
Flow UCVTF_float_int(X& x, Imm<1> sf, Imm<2> ftype, RegNo n, RegNo d) {
  return fp_detail::from_int(x, sf, ftype, n, d, {true, 0});
}
/// FJCVTZS: Z tells whether the conversion was exact; N, C and V are 0.
template <class X>
Flow FJCVTZS(X& x, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  const auto result = x.call_fp(ops::to_int_js, x.vec(n));
  x.set_nzcv(x.lsl(x.lsr(result, x.imm(32), true), x.imm(30), true));
  x.set_reg(d, false, x.zext(result, 32));
  return Flow::Next;
}

namespace fp_detail {
/// FMOV between files: sizes must agree, except that a half value fits both W and X.
inline bool moves_reserved(Imm<1> sf, Imm<2> ftype) { return ftype != 3 && ftype.raw != sf.raw; }
}  // namespace fp_detail

template <class X>
Flow FMOV_float_to_gen(X& x, Imm<1> sf, Imm<2> ftype, RegNo n, RegNo d) {
  if (fp_detail::moves_reserved(sf, ftype)) return x.undefined();
  return fp_detail::with_format(x, ftype, [&]<class T>(T) { x.set_reg(d, sf, x.call(ops::low_value<T>, x.vec(n))); });
}
template <class X>
Flow FMOV_gen_to_float(X& x, Imm<1> sf, Imm<2> ftype, RegNo n, RegNo d) {
  if (fp_detail::moves_reserved(sf, ftype)) return x.undefined();
  return fp_detail::with_format(x, ftype, [&]<class T>(T) { x.set_vec(d, x.call(ops::from_value<T>, x.reg(n, sf))); });
}
template <class X>
Flow FMOV_top_to_gen(X& x, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_reg(d, true, x.call(ops::upper_value, x.vec(n)));
  return Flow::Next;
}
template <class X>
Flow FMOV_gen_to_top(X& x, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call(ops::with_upper, x.vec(d), x.reg(n, true)));
  return Flow::Next;
}

// One source.
template <class X>
Flow FMOV_float(X& x, Imm<2> ftype, RegNo n, RegNo d) {
  return fp_detail::with_format(
      x, ftype, [&]<class T>(T) { x.set_vec(d, x.call(ops::from_value<T>, x.call(ops::low_value<T>, x.vec(n)))); });
}
#define FARSIDE_ONE_SOURCE(name, Op)                  \
  template <class X>                                  \
  Flow name(X& x, Imm<2> ftype, RegNo n, RegNo d) {   \
    return fp_detail::one_source<Op>(x, ftype, n, d); \
  }
FARSIDE_ONE_SOURCE(FABS_float, ops::Abs)
FARSIDE_ONE_SOURCE(FNEG_float, ops::Neg)
FARSIDE_ONE_SOURCE(FSQRT_float, ops::Sqrt)
FARSIDE_ONE_SOURCE(FRINTN_float, ops::Round<Rounding::TieEven>)
FARSIDE_ONE_SOURCE(FRINTP_float, ops::Round<Rounding::PlusInf>)
FARSIDE_ONE_SOURCE(FRINTM_float, ops::Round<Rounding::MinusInf>)
FARSIDE_ONE_SOURCE(FRINTZ_float, ops::Round<Rounding::Zero>)
FARSIDE_ONE_SOURCE(FRINTA_float, ops::Round<Rounding::TieAway>)
FARSIDE_ONE_SOURCE(FRINTX_float, ops::RoundX)
FARSIDE_ONE_SOURCE(FRINTI_float, ops::RoundI)
#undef FARSIDE_ONE_SOURCE

#define FARSIDE_ROUND_N(name, int_bits, towards_zero)                            \
  template <class X>                                                             \
  Flow name(X& x, Imm<1> sz, RegNo n, RegNo d) {                                 \
    return fp_detail::round_n<ops::RoundN<int_bits, towards_zero>>(x, sz, n, d); \
  }
FARSIDE_ROUND_N(FRINT32Z_float, 32, true)
FARSIDE_ROUND_N(FRINT32X_float, 32, false)
FARSIDE_ROUND_N(FRINT64Z_float, 64, true)
FARSIDE_ROUND_N(FRINT64X_float, 64, false)
#undef FARSIDE_ROUND_N

/// FCVT: half precision is part of ARMv8.0 here.
template <class X>
Flow FCVT_float(X& x, Imm<2> ftype, Imm<2> opc, RegNo n, RegNo d) {
  if (ftype == opc || ftype == 2 || opc == 2) return x.undefined();
  TRY_VOID(x.fp_access());
  switch (ftype << 2 | opc) {
    case 0b0001: x.set_vec(d, x.call_fp(ops::scalar_convert<u64, u32>, x.vec(n))); break;
    case 0b0011: x.set_vec(d, x.call_fp(ops::scalar_convert<u16, u32>, x.vec(n))); break;
    case 0b0100: x.set_vec(d, x.call_fp(ops::scalar_convert<u32, u64>, x.vec(n))); break;
    case 0b0111: x.set_vec(d, x.call_fp(ops::scalar_convert<u16, u64>, x.vec(n))); break;
    case 0b1100: x.set_vec(d, x.call_fp(ops::scalar_convert<u32, u16>, x.vec(n))); break;
    default: x.set_vec(d, x.call_fp(ops::scalar_convert<u64, u16>, x.vec(n))); break;
  }
  return Flow::Next;
}

// Compare, immediate, select.
template <class X>
Flow FCMP_float(X& x, Imm<2> ftype, RegNo m, RegNo n) {
  return fp_detail::compare(x, ftype, n, m, false);
}
template <class X>
Flow FCMPE_float(X& x, Imm<2> ftype, RegNo m, RegNo n) {
  return fp_detail::compare(x, ftype, n, m, true);
}
template <class X>
Flow FCMP_zero_float(X& x, Imm<2> ftype, RegNo n) {
  return fp_detail::compare_zero(x, ftype, n, false);
}
template <class X>
Flow FCMPE_zero_float(X& x, Imm<2> ftype, RegNo n) {
  return fp_detail::compare_zero(x, ftype, n, true);
}
template <class X>
Flow FCCMP_float(X& x, Imm<2> ftype, RegNo m, Imm<4> cond, RegNo n, Imm<4> nzcv) {
  return fp_detail::compare_if(x, ftype, m, cond, n, nzcv, false);
}
template <class X>
Flow FCCMPE_float(X& x, Imm<2> ftype, RegNo m, Imm<4> cond, RegNo n, Imm<4> nzcv) {
  return fp_detail::compare_if(x, ftype, m, cond, n, nzcv, true);
}
template <class X>
Flow FCSEL_float(X& x, Imm<2> ftype, RegNo m, Imm<4> cond, RegNo n, RegNo d) {
  return fp_detail::with_format(x, ftype, [&]<class T>(T) {
    x.set_vec(d, x.call(ops::select<T>, fp_detail::condition_value(x, cond), x.vec(n), x.vec(m)));
  });
}
template <class X>
Flow FMOV_float_imm(X& x, Imm<2> ftype, Imm<8> imm8, RegNo d) {
  return fp_detail::with_format(
      x, ftype, [&]<class T>(T) { x.set_vec(d, x.call(ops::from_value<T>, x.imm(ops::expand_imm<T>(imm8)))); });
}

// Two sources.
#define FARSIDE_TWO_SOURCE(name, Op)                         \
  template <class X>                                         \
  Flow name(X& x, Imm<2> ftype, RegNo m, RegNo n, RegNo d) { \
    return fp_detail::two_source<Op>(x, ftype, m, n, d);     \
  }
FARSIDE_TWO_SOURCE(FMUL_float, ops::Mul)
FARSIDE_TWO_SOURCE(FDIV_float, ops::Div)
FARSIDE_TWO_SOURCE(FADD_float, ops::Add)
FARSIDE_TWO_SOURCE(FSUB_float, ops::Sub)
FARSIDE_TWO_SOURCE(FMAX_float, ops::Max)
FARSIDE_TWO_SOURCE(FMIN_float, ops::Min)
FARSIDE_TWO_SOURCE(FMAXNM_float, ops::MaxNum)
FARSIDE_TWO_SOURCE(FMINNM_float, ops::MinNum)
FARSIDE_TWO_SOURCE(FNMUL_float, ops::NegMul)
#undef FARSIDE_TWO_SOURCE

// Three sources.
#define FARSIDE_THREE_SOURCE(name, Op)                                \
  template <class X>                                                  \
  Flow name(X& x, Imm<2> ftype, RegNo m, RegNo a, RegNo n, RegNo d) { \
    return fp_detail::three_source<Op>(x, ftype, m, a, n, d);         \
  }
FARSIDE_THREE_SOURCE(FMADD_float, ops::MulAdd)
FARSIDE_THREE_SOURCE(FMSUB_float, ops::MulSub)
FARSIDE_THREE_SOURCE(FNMADD_float, ops::NegMulAdd)
FARSIDE_THREE_SOURCE(FNMSUB_float, ops::NegMulSub)
#undef FARSIDE_THREE_SOURCE

}  // namespace farside::isa::a64

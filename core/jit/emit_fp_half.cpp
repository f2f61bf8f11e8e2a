// core/jit/emit_fp_half.cpp - half precision: converted, computed with in single precision, and rounded again.
//
// A sum, product, quotient or square root that has been rounded to the 24 bits of single precision and then to the 11
// of half precision is what one rounding would have made of it, whatever the mode, and so are its flags (24 is at least
// twice 11 and 2 more). Fused operations are not: they are the interpreter's.
#include "core/isa/a64/fp_ops.h"
#include "core/jit/emit_fp.h"

namespace farside::jit {
namespace {

using namespace isa::a64;
using namespace lanes;
using fp_check::reject_nan;
namespace I = asmjit::x86::Inst;

/// The host can, and the unit is in use.
bool ready(PureCall& c) {
  if (!c.kit.host().f16c) {
    c.x.decline();
    return false;
  }
  c.x.need_fp_unit();
  return true;
}

/// Leaves the fast path for NaNs and plus or minus the least normal number in any lane.
void reject_half(PureCall& c, u8 value) {
  VectorKit& k = c.kit;
  const u8 magnitude = k.two(kAnd, value, k.splat(0x7fff, 1)), wrong = k.two(kEqual[1], magnitude, k.splat(0x0400, 1));
  k.on(kGreater[1], magnitude, k.splat(0x7c00, 1));
  k.on(kOr, wrong, magnitude);
  k.release(magnitude);
  fp_check::reject_any(c, wrong);
}

/// The four numbers in the low 64 bits.
u8 to_single(VectorKit& k, u8 a) {
  const u8 out = k.fresh();
  k.x86().emit(I::kIdVcvtph2ps, xmm(out), xmm(a));
  k.changed(out);
  return out;
}
/// The one in the low 16 bits, zero above.
u8 lowest_to_single(VectorKit& k, u8 a) { return k.known_zero(to_single(k, only_lowest(k, 1, a)), 4); }
/// In the low 64 bits, zero above; rounded as MXCSR says.
u8 to_half(VectorKit& k, u8 a) {
  const u8 out = k.fresh();
  k.x86().emit(I::kIdVcvtps2ph, xmm(out), xmm(a), 4);
  k.changed(out);
  return k.known_zero(out, 8);
}
/// The result of a scalar operation: `a` has zeros above its low 32 bits.
void scalar_out(PureCall& c, u8 a) {
  const u8 out = to_half(c.kit, a);
  reject_half(c, out);
  c.out(c.kit.known_zero(out, 2));
}

// Conversions.

void half_to_single(PureCall& c, const PureRow&) {
  if (!ready(c)) return;
  const u8 out = lowest_to_single(c.kit, c.in(0));
  reject_nan(c, out, false, false);
  c.out(out);
}
void half_to_double(PureCall& c, const PureRow&) {
  if (!ready(c)) return;
  const u8 out = c.kit.scalar(FARSIDE_VOP(C, c, vtss2sd), 3, c.kit.zero(), lowest_to_single(c.kit, c.in(0)));
  reject_nan(c, out, false, true);
  c.out(out);
}
void single_to_half(PureCall& c, const PureRow&) {
  if (ready(c)) scalar_out(c, only_lowest(c.kit, 2, c.in(0)));
}
/// FCVTL, FCVTL2.
void lengthen_halves(PureCall& c, const PureRow&) {
  if (!ready(c)) return;
  const u8 out = to_single(c.kit, c.number(0) != 0 ? high_half(c.kit, c.in(0)) : c.in(0));
  reject_nan(c, out, true, false);
  c.out(out);
}
/// FCVTN, FCVTN2.
void shorten_singles(PureCall& c, const PureRow&) {
  if (!ready(c)) return;
  const u8 out = to_half(c.kit, c.in(1));
  reject_half(c, out);
  c.out(c.number(0) != 0 ? c.kit.two(kZipLow[3], c.in(0), out) : out);
}

// Arithmetic.

void scalar_two(PureCall& c, const PureRow& r) {
  if (!ready(c)) return;
  const u8 a = lowest_to_single(c.kit, c.in(0)), b = lowest_to_single(c.kit, c.in(1));
  scalar_out(c, c.kit.scalar(r.op, 2, a, b));
}
void scalar_root(PureCall& c, const PureRow& r) {
  if (!ready(c)) return;
  const u8 a = lowest_to_single(c.kit, c.in(0));
  scalar_out(c, c.kit.scalar(r.op, 2, a, a));
}

/// `compute` makes four results of the four lanes from byte 0 or 8 on.
template <class Compute>
void vector_out(PureCall& c, Compute compute) {
  VectorKit& k = c.kit;
  u8 out = to_half(k, compute(false));
  if (c.number(0) != 0) out = k.two(kZipLow[3], out, to_half(k, compute(true)));
  reject_half(c, out);
  c.out(out);
}
u8 four_of(PureCall& c, unsigned argument, bool upper) {
  const u8 a = c.in(argument);
  return to_single(c.kit, upper ? high_half(c.kit, a) : a);
}
void vector_two(PureCall& c, const PureRow& r) {
  if (!ready(c)) return;
  vector_out(c, [&](bool upper) {
    const u8 a = four_of(c, 0, upper);
    c.kit.on(r.op, a, four_of(c, 1, upper));
    return a;
  });
}
void vector_root(PureCall& c, const PureRow& r) {
  if (!ready(c)) return;
  vector_out(c, [&](bool upper) { return c.kit.one(r.op, four_of(c, 0, upper)); });
}

/// FCMP, FCMPE.
void compare_scalars(PureCall& c, const PureRow&) {
  if (!ready(c)) return;
  const u8 a = lowest_to_single(c.kit, c.in(0)), b = lowest_to_single(c.kit, c.in(1));
  c.kit.x86().emit(c.number(0) != 0 ? I::kIdVcomiss : I::kIdVucomiss, xmm(a), xmm(b));
  c.x.clobber_flags();
  c.x.slow_if(Cc::P);
  c.value = {Value::Kind::Ordered};
}

template <class Op>
void set_two(PureTable& t, VectorOp scalar, VectorOp packed) {
  t.set(&ops::scalar2<Op, u16>, {.emit = &scalar_two, .op = scalar});
  t.set(&ops::vector2<Op, u16>, {.emit = &vector_two, .op = packed});
}

}  // namespace

void register_fp_half(PureTable& t) {
  t.set(&ops::scalar_convert<u32, u16>, {.emit = &half_to_single});
  t.set(&ops::scalar_convert<u64, u16>, {.emit = &half_to_double});
  t.set(&ops::scalar_convert<u16, u32>, {.emit = &single_to_half});
  t.set(&ops::lengthen<u32, u16>, {.emit = &lengthen_halves});
  t.set(&ops::shorten<u16, u32, false>, {.emit = &shorten_singles});
  set_two<ops::Add>(t, FARSIDE_VOP(A, a, ddss), FARSIDE_VOP(A, a, ddps));
  set_two<ops::Sub>(t, FARSIDE_VOP(S, s, ubss), FARSIDE_VOP(S, s, ubps));
  set_two<ops::Mul>(t, FARSIDE_VOP(M, m, ulss), FARSIDE_VOP(M, m, ulps));
  set_two<ops::Div>(t, FARSIDE_VOP(D, d, ivss), FARSIDE_VOP(D, d, ivps));
  t.set(&ops::scalar1<ops::Sqrt, u16>, {.emit = &scalar_root, .op = FARSIDE_VOP(S, s, qrtss)});
  t.set(&ops::vector1<ops::Sqrt, u16>, {.emit = &vector_root, .op = FARSIDE_VOP(S, s, qrtps)});
  t.set(&ops::compare<u16>, {.emit = &compare_scalars});
}

}  // namespace farside::jit

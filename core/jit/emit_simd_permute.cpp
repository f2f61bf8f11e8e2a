// core/jit/emit_simd_permute.cpp - vector functions that move elements: parts of registers, lanes, tables, zip and
// unzip.
#include "core/isa/simd/permute.h"

#include "core/jit/pure.h"
#include "core/jit/vector_lanes.h"

namespace farside::jit {
namespace {

using namespace isa::simd;
using namespace lanes;

// Parts of registers.

u8 keep(VectorKit& k, u8 a, u64 bits) {
  return bits == 128 ? a : only_lowest(k, static_cast<unsigned>(log2_floor(bits)) - 3, a);
}
void keep_low_bits(PureCall& c, const PureRow&) {
  // Bytes and words from memory have nothing above them.
  const VectorValue v = c.vectors[0];
  if (v.kind == VectorValue::Kind::Guest && c.number(0) == 64 && !c.kit.cached(v.index))
    return c.out(c.kit.load_64(vector_slot(v.index)));
  c.out(keep(c.kit, c.in(0), c.number(0)));
}
void upper_half(PureCall& c, const PureRow&) { c.out(high_half(c.kit, c.in(0))); }
void join_two(PureCall& c, const PureRow&) { c.out(c.kit.two(kZipLow[3], c.in(0), c.in(1))); }
void halves(PureCall& c, const PureRow&) {
  for (unsigned i = 0; i < 2; ++i)
    if (c.values[i].kind != Value::Kind::Constant) return c.x.decline();
  c.out(c.kit.from_halves(c.number(0), c.number(1)));
}

// Lanes and general registers.

/// `value` in the low lane; what lies above is undefined.
u8 from_general(PureCall& c, const Value& value, bool wide) {
  const HostReg r = c.x.temp();
  c.x.into(value, r);
  return c.kit.from_general(r, wide);
}

void dup_general(PureCall& c, const PureRow& r) {
  if (c.values[0].kind == Value::Kind::Constant) return c.out(c.kit.splat(c.number(0), r.size_log2));
  c.out(spread_lowest(c.kit, r.size_log2, from_general(c, c.values[0], r.size_log2 == 3)));
}
void dup_element(PureCall& c, const PureRow& r) {
  const unsigned index = static_cast<unsigned>(c.number(0));
  const u8 a = c.in(0);
  if (r.size_log2 == 2) return c.out(c.kit.one(kShuffleWords, a, index * 0x55));
  if (r.size_log2 == 3) return c.out(c.kit.one(kShuffleWords, a, index == 0 ? 0x44 : 0xee));
  const u8 moved = index == 0 ? a : c.kit.shift(kBytesRight, a, index << r.size_log2);
  c.out(spread_lowest(c.kit, r.size_log2, moved));
}

/// From memory, which always holds what registers do, unless the register is one of this instruction.
void get_element(PureCall& c, const PureRow& r) {
  const unsigned index = static_cast<unsigned>(c.number(0));
  if (c.vectors[0].kind != VectorValue::Kind::Guest) return c.x.decline();
  HostMem from = vector_slot(c.vectors[0].index);
  from.disp += static_cast<i32>(index << r.size_log2);
  const HostReg to = c.x.temp();
  c.x.code().load_extended(to, from, 1u << r.size_log2, false, false);
  c.value = c.x.temp_value(to, r.size_log2 < 3);
}
void set_element(PureCall& c, const PureRow& r) {
  const unsigned index = static_cast<unsigned>(c.number(0));
  static constexpr VectorOp kInsert[4] = {FARSIDE_VOP(P, p, insrb), FARSIDE_VOP(P, p, insrw), FARSIDE_VOP(P, p, insrd),
                                          FARSIDE_VOP(P, p, insrq)};
  VectorKit& k = c.kit;
  const HostReg from = c.x.temp();
  c.x.into(c.values[1], from);
  const auto source = gp(r.size_log2 == 3, from);
  const u8 a = c.in(0), to = k.fresh();
  if (k.host().avx) {
    k.x86().emit(kInsert[r.size_log2].avx, xmm(to), xmm(a), source, index);
  } else {
    k.x86().movaps(xmm(to), xmm(a));
    k.x86().emit(kInsert[r.size_log2].sse, xmm(to), source, index);
  }
  c.out(to);
}

// EXT, TBL, and the permutations.

void extract_bytes(PureCall& c, const PureRow&) {
  const unsigned first = static_cast<unsigned>(c.number(0));
  const u8 a = c.in(0), b = c.in(1);
  if (c.number(1) == 128) return c.out(c.kit.two(FARSIDE_VOP(P, p, alignr), b, a, first));
  const u8 both = c.kit.two(kZipLow[3], a, b);
  c.kit.shift_on(kBytesRight, both, first);
  c.out(c.kit.low_64(both));
}

/// PSHUFB takes the low four bits of an index, or zero where bit 7 is set: so 0x70 is added, saturating.
void look_up_bytes(PureCall& c, const PureRow&) {
  VectorKit& k = c.kit;
  const u64 base = c.number(0);
  const u8 table = c.in(1), indices = c.in(2), at = k.copy(indices);
  const auto with = [&](VectorOp op, u64 value) {
    const u8 all = k.splat(value, 0);
    k.on(op, at, all);
    k.release(all);
  };
  if (base != 0) with(kSub[0], base);
  with(FARSIDE_VOP(P, p, addusb), 0x70);
  const u8 found = k.two(kShuffleBytes, table, at);
  // Bytes that were not found keep what they were.
  const u8 missing = k.zero();
  k.on(kGreater[0], missing, at);
  const u8 before = c.in(0);
  k.on(kAnd, missing, before);
  k.on(kOr, found, missing);
  for (u8 r : {at, missing, before}) k.release(r);
  c.out(found);
}

void zip_lanes(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const u8 a = c.in(0), b = c.in(1);
  if (c.number(0) == 128) return c.out(k.two(r.imm == 0 ? kZipLow[r.size_log2] : kZipHigh[r.size_log2], a, b));
  const u8 both = k.two(kZipLow[r.size_log2], a, b);
  c.out(r.imm == 0 ? k.low_64(both) : high_half(k, both));
}
void unzip_lanes(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  u8 a = c.in(0), b = c.in(1);
  if (c.number(0) == 128) return c.out(unzip(k, r.size_log2, r.imm, a, b));
  a = k.two(kZipLow[3], a, b);
  c.out(k.low_64(unzip(k, r.size_log2, r.imm, a, a)));
}
void transpose_lanes(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const u8 a = c.in(0), b = c.in(1);
  u8 out;
  if (r.size_log2 == 3) {
    out = k.two(r.imm == 0 ? kZipLow[3] : kZipHigh[3], a, b);
  } else if (r.size_log2 == 2) {
    out = k.one(kShuffleWords, k.two(FARSIDE_VOP(S, s, hufps), a, b, r.imm == 0 ? 0x88 : 0xdd), 0xd8);
  } else {
    const unsigned bits = width(r.size_log2), wide = r.size_log2 + 1u;
    const u8 low = r.imm == 0 ? shift_left(k, wide, a, bits) : shift_right(k, wide, false, a, bits);
    const u8 high = r.imm == 0 ? b : shift_right(k, wide, false, b, bits);
    out = shift_left(k, wide, high, bits);
    k.on(kOr, out, r.imm == 0 ? shift_right(k, wide, false, low, bits) : low);
  }
  c.out(keep(k, out, c.number(0)));
}

template <class T>
constexpr PureRow row(void (*emit)(PureCall&, const PureRow&), u8 part = 0) {
  return {emit, {}, {}, static_cast<u8>(log2_floor(sizeof(T))), false, part};
}
template <class T>
void set(PureTable& t) {
  t.set(&dup<T>, row<T>(&dup_general));
  t.set(&dup_lane<T>, row<T>(&dup_element));
  t.set(&get_lane<T>, row<T>(&get_element));
  t.set(&with_lane<T>, row<T>(&set_element));
  t.set(&zip<T, 0>, row<T>(&zip_lanes, 0));
  t.set(&zip<T, 1>, row<T>(&zip_lanes, 1));
  t.set(&isa::simd::unzip<T, 0>, row<T>(&unzip_lanes, 0));
  t.set(&isa::simd::unzip<T, 1>, row<T>(&unzip_lanes, 1));
  t.set(&transpose<T, 0>, row<T>(&transpose_lanes, 0));
  t.set(&transpose<T, 1>, row<T>(&transpose_lanes, 1));
}

}  // namespace

void register_simd_permute(PureTable& t) {
  set<u8>(t), set<u16>(t), set<u32>(t), set<u64>(t);
  t.set(&keep_low, {.emit = &keep_low_bits});
  t.set(&isa::simd::high_half, {.emit = &upper_half});
  t.set(&join_halves, {.emit = &join_two});
  t.set(&from_halves, {.emit = &halves});
  t.set(&extract, {.emit = &extract_bytes});
  t.set(&look_up, {.emit = &look_up_bytes});
}

}  // namespace farside::jit

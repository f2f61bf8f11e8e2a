// core/jit/emit_simd_load_store.cpp - LD1 to LD4 and ST1 to ST4: one probe for the whole list, then shuffles.
#include "core/base/result.h"
#include "core/isa/simd_structures.h"
#include "core/jit/emitters.h"
#include "core/jit/vector_lanes.h"

namespace farside::jit {
namespace {

using namespace lanes;
using isa::Imm, isa::LaneAt, isa::ListShape;

struct Fields {
  explicit Fields(u32 word)
      : q(bit(word, 30)),
        load(bit(word, 22)),
        post(bit(word, 23)),
        size(word >> 10 & 3),
        rm{word >> 16 & 31},
        rn{word >> 5 & 31},
        rt{word & 31} {}
  bool q, load, post;
  u32 size;
  RegNo rm, rn, rt;
  RegNo listed(unsigned i) const { return {(rt.raw + i) & 31}; }
};

HostMem at(unsigned offset) { return {RCX, static_cast<i32>(offset), RDX}; }

/// Finds `bytes` bytes at the base register; its value is for finish().
Value begin(EmitExec& x, const Fields& f, unsigned bytes) {
  x.fp_access();
  const Value base = x.base(f.rn).value();
  x.host_address(base, bytes, !f.load, {});
  return base;
}
void finish(EmitExec& x, const Fields& f, const Value& base, unsigned bytes) {
  if (!f.post) return;
  const Value step = f.rm.is31() ? x.imm(bytes) : x.reg(f.rm, true);
  x.set_reg_sp(f.rn, true, x.add(base, step, true));
}

void load_interleaved(EmitExec& x, const Fields& f, unsigned selem) {
  VectorKit& k = x.kit();
  const auto put = [&](unsigned i, u8 r) { x.set_vec(f.listed(i), EmitExec::vector_temp(f.q ? r : k.low_64(r))); };
  // All elements with even numbers, then all with odd ones; of four, each again.
  const unsigned words = selem * (f.q ? 16 : 8) / 16;
  std::array<u8, 4> r{};
  for (unsigned i = 0; i < words; ++i) r[i] = k.load(at(i * 16));
  if (selem == 2) {
    const u8 second = f.q ? r[1] : r[0], even = unzip(k, f.size, 0, r[0], second);
    const u8 odd = unzip(k, f.size, 1, r[0], second);
    put(0, even);
    return put(1, odd);
  }
  for (unsigned part = 0; part < 2; ++part) {
    const u8 low = unzip(k, f.size, part, r[0], r[1]), high = f.q ? unzip(k, f.size, part, r[2], r[3]) : low;
    const u8 first = unzip(k, f.size, 0, low, high), second = unzip(k, f.size, 1, low, high);
    k.release(low);
    if (f.q) k.release(high);
    put(part, first);
    put(part + 2, second);
  }
}

void store_interleaved(EmitExec& x, const Fields& f, unsigned selem) {
  VectorKit& k = x.kit();
  std::array<u8, 4> v{};
  for (unsigned i = 0; i < selem; ++i) v[i] = x.in_vector(x.vec(f.listed(i)));
  const VectorOp low = kZipLow[f.size], high = kZipHigh[f.size];
  if (selem == 2) {
    k.store(at(0), k.two(low, v[0], v[1]));
    if (f.q) k.store(at(16), k.two(high, v[0], v[1]));
    return;
  }
  for (unsigned part = 0; part < (f.q ? 2u : 1u); ++part) {
    const VectorOp half = part == 0 ? low : high;
    const u8 even = k.two(half, v[0], v[2]), odd = k.two(half, v[1], v[3]);
    const u8 first = k.two(low, even, odd), second = k.two(high, even, odd);
    k.store(at(part * 32), first);
    k.store(at(part * 32 + 16), second);
    for (u8 r : {even, odd, first, second}) k.release(r);
  }
}

// Structures of three elements: each register from three parts of memory, and the other way round.

/// Byte i of the result is byte `from[i]` of the sources one behind the other, or zero if it is kNone.
constexpr u8 kNone = 0xff;
u8 collect(VectorKit& k, const std::array<u8, 3>& sources, const std::array<u8, 16>& from) {
  u8 out = k.zero();
  for (u8 s = 0; s < 3; ++s) {
    std::array<u64, 2> order{~u64{0}, ~u64{0}};
    bool used = false;
    for (unsigned i = 0; i < 16; ++i) {
      if (from[i] == kNone || from[i] / 16 != s) continue;
      order[i / 8] = with_bits(order[i / 8], i % 8 * 8 + 7, i % 8 * 8, from[i] % 16u);
      used = true;
    }
    if (!used) continue;
    const u8 mask = k.from_halves(order[0], order[1]), part = k.two(kShuffleBytes, sources[s], mask);
    k.on(kOr, out, part);
    k.release(mask);
    k.release(part);
  }
  return out;
}

void load_threes(EmitExec& x, const Fields& f) {
  VectorKit& k = x.kit();
  const unsigned bytes = f.q ? 16 : 8, element = 1u << f.size;
  std::array<u8, 3> parts{};
  for (unsigned i = 0; i < 3; ++i) {
    if (i * 16 < 3 * bytes) parts[i] = i * 16 + 16 <= 3 * bytes ? k.load(at(i * 16)) : k.load_64(at(i * 16));
  }
  for (unsigned r = 0; r < 3; ++r) {
    std::array<u8, 16> from;
    from.fill(kNone);
    for (unsigned i = 0; i < bytes; ++i) from[i] = static_cast<u8>((i / element * 3 + r) * element + i % element);
    x.set_vec(f.listed(r), EmitExec::vector_temp(collect(k, parts, from)));
  }
}

void store_threes(EmitExec& x, const Fields& f) {
  VectorKit& k = x.kit();
  const unsigned bytes = f.q ? 16 : 8, element = 1u << f.size;
  std::array<u8, 3> registers{};
  for (unsigned i = 0; i < 3; ++i) registers[i] = x.in_vector(x.vec(f.listed(i)));
  for (unsigned part = 0; part * 16 < 3 * bytes; ++part) {
    std::array<u8, 16> from;
    from.fill(kNone);
    for (unsigned i = 0; i < 16 && part * 16 + i < 3 * bytes; ++i) {
      const unsigned to = part * 16 + i, which = to / element;
      from[i] = static_cast<u8>(which % 3 * 16 + which / 3 * element + to % element);
    }
    const u8 out = collect(k, registers, from);
    if (part * 16 + 16 <= 3 * bytes) {
      k.store(at(part * 16), out);
    } else {
      x.store_vector_at(part * 16, 8, EmitExec::vector_temp(out));
    }
    k.release(out);
  }
}

/// Multiple structures. Bits 15:12 say how many registers, and whether elements are interleaved.
void structures(EmitExec& x, u32 word) {
  const Fields f(word);
  static constexpr u8 kCount[16] = {4, 0, 4, 0, 3, 0, 3, 1, 2, 0, 2};
  const u32 opcode = word >> 12 & 15;
  const unsigned count = kCount[opcode];
  const bool interleaved = opcode == 0 || opcode == 4 || opcode == 8;
  const ListShape shape{f.q, f.size, count, interleaved ? count : 1};
  if (!shape.allocated()) return x.decline();
  const Value base = begin(x, f, shape.bytes());
  if (shape.selem == 3) {
    f.load ? load_threes(x, f) : store_threes(x, f);
  } else if (interleaved) {
    f.load ? load_interleaved(x, f, count) : store_interleaved(x, f, count);
  } else {
    const u8 bytes = static_cast<u8>(shape.register_bytes());
    for (unsigned i = 0; i < count; ++i) {
      const u8 offset = static_cast<u8>(i * bytes);
      if (f.load) {
        x.set_vec(f.listed(i), {VectorValue::Kind::Loaded, 0, bytes, offset});
      } else {
        x.store_vector_at(offset, bytes, x.vec(f.listed(i)));
      }
    }
  }
  finish(x, f, base, shape.bytes());
}

/// Elements of a structure that single lanes are loaded from, stored to or replicated from: bit 13, then bit 21.
unsigned single_elements(u32 word) { return (word >> 13 & 1) * 2 + (word >> 21 & 1) + 1; }

/// One lane of one to four registers.
void lane(EmitExec& x, u32 word) {
  const Fields f(word);
  const LaneAt where = isa::lane_at(Imm<1>{f.q}, Imm<2>{word >> 14 & 3}, Imm<1>{word >> 12 & 1}, Imm<2>{f.size});
  if (!where.allocated) return x.decline();
  static constexpr VectorOp kInsert[4] = {FARSIDE_VOP(P, p, insrb), FARSIDE_VOP(P, p, insrw), FARSIDE_VOP(P, p, insrd),
                                          FARSIDE_VOP(P, p, insrq)};
  static constexpr VectorOp kExtract[4] = {FARSIDE_VOP(P, p, extrb), FARSIDE_VOP(P, p, extrw), FARSIDE_VOP(P, p, extrd),
                                           FARSIDE_VOP(P, p, extrq)};
  const unsigned bytes = 1u << where.size_log2, count = single_elements(word);
  const Value base = begin(x, f, count * bytes);
  VectorKit& k = x.kit();
  const bool avx = k.host().avx;
  for (unsigned i = 0; i < count; ++i) {
    const u8 v = x.in_vector(x.vec(f.listed(i)));
    if (!f.load) {
      const VectorOp op = kExtract[where.size_log2];
      k.x86().emit(avx ? op.avx : op.sse, mem(at(i * bytes), bytes), xmm(v), where.index);
      continue;
    }
    const VectorOp op = kInsert[where.size_log2];
    const u8 to = avx ? k.fresh() : k.copy(v);
    if (avx) {
      k.x86().emit(op.avx, xmm(to), xmm(v), mem(at(i * bytes), bytes), where.index);
    } else {
      k.x86().emit(op.sse, xmm(to), mem(at(i * bytes), bytes), where.index);
    }
    k.changed(to);
    x.set_vec(f.listed(i), EmitExec::vector_temp(to));
  }
  finish(x, f, base, count * bytes);
}

/// LD1R to LD4R.
void replicated(EmitExec& x, u32 word) {
  const Fields f(word);
  const u8 bytes = static_cast<u8>(1u << f.size);
  const unsigned count = single_elements(word);
  const Value base = begin(x, f, count * bytes);
  for (unsigned i = 0; i < count; ++i) {
    const u8 low = x.in_vector({VectorValue::Kind::Loaded, 0, bytes, static_cast<u8>(i * bytes)});
    const u8 all = spread_lowest(x.kit(), f.size, low);
    x.set_vec(f.listed(i), EmitExec::vector_temp(f.q ? all : x.kit().low_64(all)));
  }
  finish(x, f, base, count * bytes);
}

}  // namespace

void register_simd_load_store(EmitterTable& table) {
  using isa::A64;
  for (A64 form = A64::ST4_multi; form <= A64::LD1_multix2_post; form = static_cast<A64>(static_cast<u16>(form) + 1))
    table.set(form, &structures);
  for (A64 form :
       {A64::ST1_single, A64::ST2_single, A64::ST3_single, A64::ST4_single, A64::LD1_single, A64::LD2_single,
        A64::LD3_single, A64::LD4_single, A64::ST1_single_post, A64::ST2_single_post, A64::ST3_single_post,
        A64::ST4_single_post, A64::LD1_single_post, A64::LD2_single_post, A64::LD3_single_post, A64::LD4_single_post})
    table.set(form, &lane);
  for (A64 form :
       {A64::LD1R, A64::LD2R, A64::LD3R, A64::LD4R, A64::LD1R_post, A64::LD2R_post, A64::LD3R_post, A64::LD4R_post})
    table.set(form, &replicated);
}

}  // namespace farside::jit

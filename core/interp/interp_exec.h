// core/interp/interp_exec.h - the executor that computes: every operation of core/isa/exec.h on plain values.
#pragma once
#include <cstring>

#include "core/isa/exec.h"
#include "core/pe/pe.h"

namespace farside::interp {

using isa::AtomicOp;
using isa::Block;
using isa::CondCode;
using isa::Flow;
using isa::Mem;
using isa::Nothing;
using isa::Outcome;
using isa::Pair;
using isa::RegNo;

class InterpExec {
 public:
  using Val = u64;
  using Cond = bool;
  using Vec = farside::Vec;

  explicit InterpExec(pe::Pe& pe) : pe_(pe), s(pe.s) {}
  pe::Pe& pe() { return pe_; }
  const Features& features() const { return pe_.features(); }

  // Registers.
  Val reg(RegNo r, bool sf) const { return cut(s.x[r], sf); }
  Val reg_sp(RegNo r, bool sf) const { return cut(r.is31() ? s.sp : s.x[r], sf); }
  void set_reg(RegNo r, bool sf, Val v) {
    s.x[r] = cut(v, sf);
    s.x[31] = 0;
  }
  void set_reg_sp(RegNo r, bool sf, Val v) { (r.is31() ? s.sp : s.x[r]) = cut(v, sf); }
  Vec vec(RegNo r) const { return s.v[r]; }
  void set_vec(RegNo r, const Vec& v) { s.v[r] = v; }
  Val pc() const { return s.pc; }
  Val imm(u64 k) const { return k; }
  /// The address of this instruction as a number that the engine knows before it runs it.
  u64 fixed_pc() const { return s.pc; }
  /// The instruction is in a guarded page (BTI).
  bool guarded_page() const { return pe_.fetch_page.guarded; }

  // Arithmetic and logic.
  Val add(Val a, Val b, bool sf) const { return cut(a + b, sf); }
  Val sub(Val a, Val b, bool sf) const { return cut(a - b, sf); }
  Val mul(Val a, Val b, bool sf) const { return cut(a * b, sf); }
  Val umulh(Val a, Val b) const { return static_cast<u64>((static_cast<u128>(a) * b) >> 64); }
  Val smulh(Val a, Val b) const {
    return static_cast<u64>((static_cast<i128>(static_cast<i64>(a)) * static_cast<i64>(b)) >> 64);
  }
  Val udiv(Val a, Val b, bool) const { return b == 0 ? 0 : a / b; }
  Val sdiv(Val a, Val b, bool sf) const {
    const i64 n = sf ? static_cast<i64>(a) : static_cast<i32>(a), d = sf ? static_cast<i64>(b) : static_cast<i32>(b);
    if (d == 0) return 0;
    if (d == -1) return cut(~static_cast<u64>(n) + 1, sf);  // also INT_MIN / -1, which wraps
    return cut(static_cast<u64>(n / d), sf);
  }
  Val and_(Val a, Val b) const { return a & b; }
  Val orr(Val a, Val b) const { return a | b; }
  Val eor(Val a, Val b) const { return a ^ b; }
  Val not_(Val a, bool sf) const { return cut(~a, sf); }
  Val lsl(Val a, Val n, bool sf) const { return cut(a << (n & (sf ? 63 : 31)), sf); }
  Val lsr(Val a, Val n, bool sf) const { return a >> (n & (sf ? 63 : 31)); }
  Val asr(Val a, Val n, bool sf) const {
    return sf ? static_cast<u64>(static_cast<i64>(a) >> (n & 63)) : static_cast<u32>(static_cast<i32>(a) >> (n & 31));
  }
  Val ror(Val a, Val n, bool sf) const {
    return sf ? std::rotr(a, static_cast<int>(n & 63)) : std::rotr(static_cast<u32>(a), static_cast<int>(n & 31));
  }
  Val clz(Val a, bool sf) const { return sf ? std::countl_zero(a) : std::countl_zero(static_cast<u32>(a)); }
  /// Count of bits below the sign bit that equal it: the leading zeros of a ^ (a << 1), bit 0 aside.
  Val cls(Val a, bool sf) const {
    return sf ? std::countl_zero((a ^ (a << 1)) | 1) : std::countl_zero(static_cast<u32>(a ^ (a << 1)) | 1);
  }
  Val rbit(Val a, bool sf) const {
    a = ((a >> 1) & 0x5555555555555555) | ((a & 0x5555555555555555) << 1);
    a = ((a >> 2) & 0x3333333333333333) | ((a & 0x3333333333333333) << 2);
    a = ((a >> 4) & 0x0f0f0f0f0f0f0f0f) | ((a & 0x0f0f0f0f0f0f0f0f) << 4);
    a = __builtin_bswap64(a);
    return sf ? a : a >> 32;
  }
  Val sext(Val a, unsigned from) const { return static_cast<u64>(sign_extend(a, from)); }
  Val zext(Val a, unsigned from) const { return a & ones(from); }

  // Flags: NZCV in bits 31:28.
  Val add_flags(Val a, Val b, bool sf) { return add_with_carry(a, b, 0, sf); }
  Val sub_flags(Val a, Val b, bool sf) { return add_with_carry(a, cut(~b, sf), 1, sf); }
  Val adc(Val a, Val b, bool sf) const { return cut(a + b + carry(), sf); }
  Val sbc(Val a, Val b, bool sf) const { return cut(a + ~b + carry(), sf); }
  Val adc_flags(Val a, Val b, bool sf) { return add_with_carry(a, b, carry(), sf); }
  Val sbc_flags(Val a, Val b, bool sf) { return add_with_carry(a, cut(~b, sf), carry(), sf); }
  void logic_flags(Val v, bool sf) { s.nzcv = (sf ? v >> 63 : (v >> 31) & 1) << 31 | u64{v == 0} << 30; }
  Val nzcv() const { return s.nzcv; }
  void set_nzcv(Val v) { s.nzcv = v & 0xf0000000; }
  Cond cond(CondCode c) const {
    // Row c has bit NZCV set where condition c holds for those flags (ConditionHolds).
    static constexpr u16 kHolds[16] = {0xf0f0, 0x0f0f, 0xcccc, 0x3333, 0xff00, 0x00ff, 0xaaaa, 0x5555,
                                       0x0c0c, 0xf3f3, 0xaa55, 0x55aa, 0x0a05, 0xf5fa, 0xffff, 0xffff};
    return (kHolds[static_cast<unsigned>(c)] >> (s.nzcv >> 28)) & 1;
  }
  Cond is_zero(Val v, bool sf) const { return cut(v, sf) == 0; }
  Cond test_bit(Val v, unsigned n) const { return bit(v, n); }
  Cond not_cond(Cond c) const { return !c; }
  Cond equal(Val a, Val b) const { return a == b; }
  Val select(Cond c, Val a, Val b) const { return c ? a : b; }

  // Calls to pure functions: values only, or values with the floating-point environment.
  template <class F, class... Args>
  auto call(F&& fn, Args&&... args) {
    return fn(std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  auto call_fp(F&& fn, Args&&... args) {
    return fn(s.fp, std::forward<Args>(args)...);
  }
  /// Work that only the PE can do (system registers, exceptions, hints): fn(Pe&, args...) returns a Flow.
  template <class F, class... Args>
  Flow call_pe(F&& fn, Args&&... args) {
    return fn(pe_, std::forward<Args>(args)...);
  }

  /// A barrier matters to modelled caches alone: without them memory is sequentially consistent.
  void barrier(isa::BarrierKind kind) {
    if (pe_.ports.caches == nullptr) [[likely]]
      return;
    constexpr cache::Barrier kKinds[] = {cache::Barrier::Dmb, cache::Barrier::Dsb, cache::Barrier::Isb};
    pe_.cache_barrier(kKinds[static_cast<usize>(kind)]);
  }

  // FEAT_PAuth; the PE has the keys, the enables and the traps.
  Outcome<Val> add_pac(Val pointer, Val modifier, PacKey key) {
    const bool good = pe_.add_pac(pointer, modifier, key);
    return {pointer, good};
  }
  Outcome<Val> auth_pac(Val pointer, Val modifier, PacKey key) {
    const bool good = pe_.auth_pac(pointer, modifier, key);
    return {pointer, good};
  }
  Outcome<Val> generic_pac(Val value, Val modifier) {
    Val code = 0;
    const bool good = pe_.generic_pac(code, value, modifier);
    return {code, good};
  }
  Val strip_pac(Val pointer, bool instruction) const { return pe_.strip_pac(pointer, instruction); }

  // Control flow.
  Flow jump(Val target) {
    s.pc = target;
    return Flow::Jump;
  }
  /// An indirect branch: sets PSTATE.BTYPE for BTI.
  Flow jump_indirect(Val target, unsigned btype) {
    s.pc = target;
    s.btype = features().BTI ? static_cast<u8>(btype) : 0;
    return Flow::Jump;
  }
  Flow branch_if(Cond c, u64 target) {
    if (!c) return Flow::Next;
    s.pc = target;
    return Flow::Jump;
  }
  Flow undefined() {
    pe_.raise(Ec::UNKNOWN, 0);
    return Flow::Raise;
  }
  /// CheckFPAdvSIMDEnabled64: fails with the trap pending.
  Outcome<Nothing> fp_access() {
    if (pe_.fp_enabled()) [[likely]]
      return {};
    pe_.raise_fp_trap();
    return Outcome<Nothing>::raised();
  }

  // Memory. Sizes are bytes; loads zero-extend.
  Outcome<Val> base(RegNo n) {
    if (!n.is31()) return {s.x[n]};
    if ((s.sp & 15) != 0 && pe_.sp_alignment_checked()) [[unlikely]] {
      pe_.raise_sp_alignment();
      return Outcome<Val>::raised();
    }
    return {s.sp};
  }
  template <class T>
  Outcome<T> load_as(Val address, Mem how) {
    const pe::L0Entry& entry = context(how).read[pe::L0Context::index(address)];
    const u64 offset = address ^ entry.tag;
    T out;
    if (!(how.acquire_release && (address & (sizeof(T) - 1))) && offset <= pe::kL0PageSize - sizeof(T)) [[likely]] {
      std::memcpy(&out, entry.host + offset, sizeof(T));
      return {out};
    }
    if (!pe_.load_slow(address, sizeof(T), request(how, sizeof(T)), &out)) return Outcome<T>::raised();
    return {out};
  }
  template <class T>
  Outcome<Nothing> store_as(Val address, const T& data, Mem how) {
    const pe::L0Entry& entry = context(how).write[pe::L0Context::index(address)];
    const u64 offset = address ^ entry.tag;
    if (!(how.acquire_release && (address & (sizeof(T) - 1))) && offset <= pe::kL0PageSize - sizeof(T)) [[likely]] {
      std::memcpy(entry.host + offset, &data, sizeof(T));
      return {};
    }
    if (!pe_.store_slow(address, sizeof(T), request(how, sizeof(T)), &data)) return Outcome<Nothing>::raised();
    return {};
  }
  Outcome<Val> load(Val address, unsigned size, Mem how) {
    switch (size) {
      case 1: return widen(load_as<u8>(address, how));
      case 2: return widen(load_as<u16>(address, how));
      case 4: return widen(load_as<u32>(address, how));
      default: return load_as<u64>(address, how);
    }
  }
  Outcome<Nothing> store(Val address, unsigned size, Val data, Mem how) {
    switch (size) {
      case 1: return store_as<u8>(address, static_cast<u8>(data), how);
      case 2: return store_as<u16>(address, static_cast<u16>(data), how);
      case 4: return store_as<u32>(address, static_cast<u32>(data), how);
      default: return store_as<u64>(address, data, how);
    }
  }
  /// Two registers of `size` bytes (4 or 8) at once: LDP, STP. One access of twice the size, as the L0 sees it.
  Outcome<Pair<Val>> load_pair(Val address, unsigned size, Mem how) {
    how.element = static_cast<u8>(size);
    if (size == 8) {
      auto both = load_as<Pair<u64>>(address, how);
      return {{both.v.first, both.v.second}, both.good};
    }
    auto both = load_as<Pair<u32>>(address, how);
    return {{both.v.first, both.v.second}, both.good};
  }
  Outcome<Nothing> store_pair(Val address, unsigned size, Val first, Val second, Mem how) {
    how.element = static_cast<u8>(size);
    if (size == 8) return store_as(address, Pair<u64>{first, second}, how);
    return store_as(address, Pair<u32>{static_cast<u32>(first), static_cast<u32>(second)}, how);
  }
  /// The low `size` bytes (1..16) of a SIMD&FP register, the rest zero.
  Outcome<Vec> load_vec(Val address, unsigned size, Mem how) {
    Outcome<Vec> out;
    if (size == 16) return load_as<Vec>(address, how);
    const auto low = load(address, size, how);
    out.good = low.good;
    out.v.lo = low.v;
    return out;
  }
  Outcome<Nothing> store_vec(Val address, unsigned size, const Vec& data, Mem how) {
    return size == 16 ? store_as<Vec>(address, data, how) : store(address, size, data.lo, how);
  }
  Outcome<Pair<Vec>> load_vec_pair(Val address, unsigned size, Mem how) {
    how.element = static_cast<u8>(size);
    if (size == 16) return load_as<Pair<Vec>>(address, how);
    Outcome<Pair<Vec>> out;
    const auto both = load_pair(address, size, how);
    out.good = both.good;
    out.v.first.lo = both.v.first;
    out.v.second.lo = both.v.second;
    return out;
  }
  Outcome<Nothing> store_vec_pair(Val address, unsigned size, const Vec& first, const Vec& second, Mem how) {
    how.element = static_cast<u8>(size);
    if (size == 16) return store_as(address, Pair<Vec>{first, second}, how);
    return store_pair(address, size, first.lo, second.lo, how);
  }

  /// `bytes` (1..64) as one access whose alignment is that of an element.
  Outcome<Block> load_block(Val address, unsigned bytes, unsigned element) {
    const pe::L0Entry& entry = pe_.l0_context->read[pe::L0Context::index(address)];
    const u64 offset = address ^ entry.tag;
    Outcome<Block> out;
    if (offset <= pe::kL0PageSize - bytes) [[likely]] {
      std::memcpy(out.v.bytes, entry.host + offset, bytes);
    } else {
      out.good = pe_.load_slow(address, bytes, {.element = static_cast<u8>(element)}, out.v.bytes);
    }
    return out;
  }
  Outcome<Nothing> store_block(Val address, unsigned bytes, unsigned element, const Block& data) {
    const pe::L0Entry& entry = pe_.l0_context->write[pe::L0Context::index(address)];
    const u64 offset = address ^ entry.tag;
    if (offset <= pe::kL0PageSize - bytes) [[likely]] {
      std::memcpy(entry.host + offset, data.bytes, bytes);
      return {};
    }
    return {{}, pe_.store_slow(address, bytes, {.element = static_cast<u8>(element)}, data.bytes)};
  }

  // Exclusives, atomics, DC ZVA.
  /// `size` is one register's bytes; `pair` loads two. Values zero-extend.
  Outcome<Pair<Val>> load_exclusive(Val address, unsigned size, bool pair, bool acquire) {
    u64 out[2] = {};
    if (!pe_.load_exclusive(address, size, pair, acquire, out)) return Outcome<Pair<Val>>::raised();
    return {{out[0], out[1]}};
  }
  /// The status value: 0 when the store happened, 1 when not.
  Outcome<Val> store_exclusive(Val address, unsigned size, bool pair, bool release, Val first, Val second) {
    const u64 in[2] = {first, second};
    bool failed = false;
    if (!pe_.store_exclusive(address, size, pair, release, in, failed)) return Outcome<Val>::raised();
    return {failed};
  }
  /// LSE read-modify-write; returns the old value, zero-extended.
  Outcome<Val> atomic(AtomicOp op, Val address, unsigned size, Val operand, bool acquire_release) {
    u64 old = 0;
    if (!pe_.atomic(static_cast<unsigned>(op), address, size, operand, acquire_release, old))
      return Outcome<Val>::raised();
    return {old};
  }
  /// CAS and CASP: compares `size` bytes (twice that for pairs); returns the old values.
  Outcome<Pair<Val>> compare_and_swap(Val address, unsigned size, bool pair, Pair<Val> expected, Pair<Val> desired,
                                      bool acquire_release) {
    const u64 want[2] = {expected.first, expected.second}, put[2] = {desired.first, desired.second};
    u64 old[2] = {};
    if (!pe_.compare_and_swap(address, size, pair, want, put, acquire_release, old))
      return Outcome<Pair<Val>>::raised();
    return {{old[0], old[1]}};
  }

 private:
  pe::L0Context& context(Mem how) { return how.unprivileged ? pe_.unprivileged_context() : *pe_.l0_context; }
  static Val cut(Val v, bool sf) { return sf ? v : static_cast<u32>(v); }
  template <class T>
  static Outcome<Val> widen(Outcome<T> o) {
    return {static_cast<u64>(o.v), o.good};
  }
  u64 carry() const { return (s.nzcv >> 29) & 1; }
  /// AddWithCarry of the Arm ARM; operands are already cut to the width.
  Val add_with_carry(Val a, Val b, u64 carry_in, bool sf) {
    u64 result;
    bool n, c, v;
    if (sf) {
      u64 partial;
      const bool c1 = __builtin_add_overflow(a, b, &partial), c2 = __builtin_add_overflow(partial, carry_in, &result);
      c = c1 | c2;
      v = ((a ^ result) & (b ^ result)) >> 63;
      n = result >> 63;
    } else {
      const u64 wide = a + b + carry_in;
      result = static_cast<u32>(wide);
      c = wide >> 32;
      v = ((a ^ result) & (b ^ result)) >> 31 & 1;
      n = result >> 31;
    }
    s.nzcv = u64{n} << 31 | u64{result == 0} << 30 | u64{c} << 29 | u64{v} << 28;
    return result;
  }
  static pe::MemRequest request(Mem how, unsigned size) {
    pe::MemRequest r{.unprivileged = how.unprivileged, .acquire_release = how.acquire_release, .element = how.element};
    if (how.isv) {
      r.syndrome = {.isv = true,
                    .sas = static_cast<u8>(log2_floor(size)),
                    .sse = how.sse,
                    .srt = how.srt,
                    .sf = how.sf,
                    .ar = how.acquire_release};
    }
    return r;
  }

  pe::Pe& pe_;

 public:
  pe::State& s;
};

}  // namespace farside::interp

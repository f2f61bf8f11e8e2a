// core/jit/pure.h - calls of pure functions in the semantics, by the function that is called.
//
// The semantics hand whatever has no operation of its own to `call` and `call_fp` as a function of values
// (core/isa/exec.h). So a function is all that an emitter has to know: each2<Add, u8> is PADDB wherever it is called,
// whatever the instruction. A function without a row is declined.
#pragma once
#include <cstring>
#include <unordered_map>

#include "core/jit/emit_exec.h"
#include "core/jit/vector_kit.h"

namespace farside::jit {

struct PureRow;

/// A call that is being emitted: its arguments by kind, in order, and room for its result.
struct PureCall {
  EmitExec& x;
  VectorKit& kit;
  std::array<VectorValue, 4> vectors{};
  std::array<Value, 4> values{};  ///< integers, whether known now or at run time
  std::array<u8, 16> raw{};       ///< an argument of any other type, byte by byte
  u8 vector_count = 0, value_count = 0;
  VectorValue vector{};  ///< the result, for functions that return a Vec
  Value value{};         ///< the result, for others

  /// Argument `i` in a host register, to be read only.
  u8 in(unsigned i) { return x.in_vector(vectors[i]); }
  /// Integer argument `i`, known now.
  u64 number(unsigned i) const { return values[i].constant; }
  /// The result is in `r`, which belongs to this instruction.
  void out(u8 r) { vector = EmitExec::vector_temp(r); }
  template <class T>
  T argument() const {
    T out;
    std::memcpy(&out, raw.data(), sizeof out);
    return out;
  }
};

/// How a function is emitted; the fields beyond `emit` are for emitters that serve several functions.
struct PureRow {
  void (*emit)(PureCall&, const PureRow&) = nullptr;
  VectorOp op{}, other{};
  u8 size_log2 = 0;  ///< of a lane
  bool is_signed = false;
  u8 imm = 0;
};

class PureTable {
 public:
  PureTable();
  const PureRow* find(const void* function) const {
    const auto found = rows_.find(function);
    return found == rows_.end() ? nullptr : &found->second;
  }
  template <class R, class... P>
  void set(R (*function)(P...), const PureRow& row) {
    rows_[reinterpret_cast<const void*>(function)] = row;
  }

 private:
  std::unordered_map<const void*, PureRow> rows_;  // only looked up, never walked
};

const PureTable& pure_table();

/// Emits the call of `function`, or declines.
void emit_pure(PureCall& call, const void* function);

namespace detail {
inline void add_argument(PureCall& c, const VectorValue& v) { c.vectors[c.vector_count++] = v; }
inline void add_argument(PureCall& c, const Value& v) { c.values[c.value_count++] = v; }
template <class T>
requires(std::is_integral_v<T>) inline void add_argument(PureCall& c, T v) {
  add_argument(c, c.x.imm(static_cast<u64>(v)));
}
template <class T>
requires(!std::is_integral_v<T> && std::is_trivially_copyable_v<T>) inline void add_argument(PureCall& c, const T& v) {
  static_assert(sizeof v <= sizeof c.raw);
  std::memcpy(c.raw.data(), &v, sizeof v);
}
}  // namespace detail

template <class R, class... P, class... Args>
auto EmitExec::call(R (*fn)(P...), const Args&... args) {
  PureCall c{*this, kit_};
  (detail::add_argument(c, args), ...);
  if (!declined_) emit_pure(c, reinterpret_cast<const void*>(fn));
  if constexpr (std::is_same_v<R, farside::Vec>) {
    return c.vector;
  } else {
    return c.value;
  }
}
template <class R, class... P, class... Args>
auto EmitExec::call_fp(R (*fn)(P...), const Args&... args) {
  return call(fn, args...);
}

/// FPSR.QC is set if `difference` is not zero, by code that does not run once QC is set.
template <class Difference>
void note_saturation(PureCall& c, Difference&& difference) {
  VectorKit& k = c.kit;
  Asm& a = k.code();
  constexpr u32 kByte = Fpsr::QC.lo / 8, kBit = u32{1} << Fpsr::QC.lo % 8;
  const HostMem qc{kFpsrSlot.base, kFpsrSlot.disp + static_cast<i32>(kByte)};
  a.x86().test(mem(qc, 1), kBit);
  c.x.clobber_flags();
  u8* const known = a.jcc_short(Cc::NE);
  k.test_zero(difference());
  u8* const none = a.jcc_short(Cc::E);
  a.x86().or_(mem(qc, 1), kBit);
  a.bind_short(known);
  a.bind_short(none);
}

void register_simd_integer(PureTable& table);
void register_simd_shift(PureTable& table);
void register_simd_permute(PureTable& table);
void register_fp_arithmetic(PureTable& table);
void register_fp_convert(PureTable& table);
void register_fp_half(PureTable& table);
void register_crypto(PureTable& table);

}  // namespace farside::jit

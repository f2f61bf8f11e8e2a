// tests/unit/fp/test_exec.h - a small executor without a PE, and the table of floating-point forms that run on it.
#pragma once
#include <vector>

#include "core/isa/a64/fp.inl"
#include "core/isa/a64/simd_fp.inl"
#include "core/isa/decode.h"

namespace farside::fp::test {

/// What a floating-point instruction can read or change.
struct FpState {
  u64 x[32] = {};  ///< x[31] stays 0
  Vec v[32];
  u64 nzcv = 0;  ///< in bits 31:28
  FpEnv env;
};

/// The part of the Executor concept that floating point uses.
class TestExec {
 public:
  using Val = u64;
  using Cond = bool;
  using Vec = farside::Vec;

  explicit TestExec(const Features& features) : features_(features) {}
  FpState s;
  bool undefined_seen = false;
  bool fp_enabled = true;

  const Features& features() const { return features_; }
  Val reg(isa::RegNo r, bool sf) const { return sf ? s.x[r] : static_cast<u32>(s.x[r]); }
  void set_reg(isa::RegNo r, bool sf, Val v) {
    s.x[r] = sf ? v : static_cast<u32>(v);
    s.x[31] = 0;
  }
  Vec vec(isa::RegNo r) const { return s.v[r]; }
  void set_vec(isa::RegNo r, const Vec& v) { s.v[r] = v; }
  Val imm(u64 k) const { return k; }
  Val lsl(Val a, Val n, bool) const { return a << n; }
  Val lsr(Val a, Val n, bool) const { return a >> n; }
  Val zext(Val a, unsigned from) const { return a & ones(from); }
  Val select(Cond c, Val a, Val b) const { return c ? a : b; }
  void set_nzcv(Val v) { s.nzcv = v & 0xf0000000; }
  Cond cond(isa::CondCode code) const {
    const bool n = bit(s.nzcv, 31), z = bit(s.nzcv, 30), c = bit(s.nzcv, 29), v = bit(s.nzcv, 28);
    const unsigned number = static_cast<unsigned>(code);
    const bool base[] = {z, c, n, v, c && !z, n == v, n == v && !z, true};
    return base[number >> 1] != ((number & 1) && number != 15);
  }
  isa::Flow undefined() {
    undefined_seen = true;
    return isa::Flow::Raise;
  }
  isa::Outcome<isa::Nothing> fp_access() {
    return fp_enabled ? isa::Outcome<isa::Nothing>{} : isa::Outcome<isa::Nothing>::raised();
  }
  template <class F, class... Args>
  auto call(F&& fn, Args&&... args) {
    return fn(std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  auto call_fp(F&& fn, Args&&... args) {
    return fn(s.env, std::forward<Args>(args)...);
  }

 private:
  const Features& features_;
};

struct Form {
  const char* name;
  isa::Pattern pattern;
  bool Features::*feature;
  isa::Flow (*run)(TestExec&, u32 word);
};

/// Every form of fp.def and simd_fp.def.
const std::vector<Form>& forms();
/// The form that decodes `word` (most fixed bits first), or nullptr.
const Form* find_form(u32 word, const Features& features);
/// A CPU with every floating-point extension.
Features all_features();

}  // namespace farside::fp::test

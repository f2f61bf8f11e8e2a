// tests/unit/simd/simd_exec.h - a small executor without a PE, and the table of SIMD forms that run on it.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "core/arch/fp_env.h"
#include "core/isa/decode.h"
#include "core/isa/exec.h"

namespace farside::isa::simd::test {

/// What an integer SIMD instruction can read or change.
struct State {
  u64 x[32] = {};  ///< x[31] stays 0
  Vec v[32];
  FpEnv fp;
};

/// The part of the Executor concept that integer SIMD uses.
class TestExec {
 public:
  using Val = u64;
  using Vec = farside::Vec;

  State s;
  bool fp_enabled = true;

  Val reg(RegNo r, bool sf) const { return sf ? s.x[r] : static_cast<u32>(s.x[r]); }
  void set_reg(RegNo r, bool sf, Val v) {
    if (!r.is31()) s.x[r] = sf ? v : static_cast<u32>(v);
  }
  Vec vec(RegNo r) const { return s.v[r]; }
  void set_vec(RegNo r, const Vec& v) { s.v[r] = v; }
  Val imm(u64 k) const { return k; }
  Val sext(Val a, unsigned from) const { return static_cast<u64>(sign_extend(a, from)); }
  Flow undefined() { return undefined_seen = true, Flow::Raise; }
  Outcome<Nothing> fp_access() { return fp_enabled ? Outcome<Nothing>{} : Outcome<Nothing>::raised(); }
  template <class F, class... Args>
  auto call(F&& fn, Args&&... args) {
    return fn(std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  auto call_fp(F&& fn, Args&&... args) {
    return fn(s.fp, std::forward<Args>(args)...);
  }

  bool undefined_seen = false;
};

struct Form {
  const char* name;
  Pattern pattern;
  Flow (*run)(TestExec&, u32 word);
};

/// Every form of simd_int.def, simd_permute.def and crypto.def.
std::span<const Form> forms();
/// The form that decodes `word` (most fixed bits first), or nullptr.
const Form* find_form(u32 word);
/// The form called `name`, which must exist.
const Form& form_named(std::string_view name);

/// A word of the form called `name`: `fields` go into the fields that are not fixed, in the pattern's order.
u32 encode(std::string_view name, std::initializer_list<u32> fields);

}  // namespace farside::isa::simd::test

// tests/unit/fp/test_exec.cpp - the floating-point forms, instantiated for the test executor.
#include "tests/unit/fp/test_exec.h"

namespace farside::fp::test {

using isa::Flow;

const std::vector<Form>& forms() {
  static const std::vector<Form> all = {
#define INST(name, title, pattern, feature)                \
  {#name, isa::parse_pattern(pattern), &Features::feature, \
   [](TestExec& x, u32 word) { return isa::call_with_fields<pattern>(&isa::a64::name<TestExec>, x, word); }},
#include "core/isa/a64/fp.def"
#include "core/isa/a64/simd_fp.def"
#undef INST
  };
  return all;
}

const Form* find_form(u32 word, const Features& features) {
  const Form* best = nullptr;
  for (const Form& form : forms()) {
    if ((word & form.pattern.mask) != form.pattern.value || !(features.*form.feature)) continue;
    if (!best || std::popcount(form.pattern.mask) > std::popcount(best->pattern.mask)) best = &form;
  }
  return best;
}

Features all_features() {
  Features f;
  f.FP16 = f.FHM = f.FCMA = f.JSCVT = f.FRINTTS = true;
  return f;
}

}  // namespace farside::fp::test

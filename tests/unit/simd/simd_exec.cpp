// tests/unit/simd/simd_exec.cpp - instantiates the SIMD semantics over the test executor.
#include "tests/unit/simd/simd_exec.h"

#include <array>
#include <bit>

#include "core/base/check.h"
#include "core/isa/a64/crypto.inl"
#include "core/isa/a64/simd_int.inl"
#include "core/isa/a64/simd_permute.inl"

namespace farside::isa::simd::test {
namespace {

const Form kForms[] = {
#define INST(name, title, pattern, feature) \
  {#name, parse_pattern(pattern),           \
   [](TestExec& x, u32 word) { return call_with_fields<pattern>(&a64::name<TestExec>, x, word); }},
#include "core/isa/a64/crypto.def"
#include "core/isa/a64/simd_int.def"
#include "core/isa/a64/simd_permute.def"
#undef INST
};

}  // namespace

std::span<const Form> forms() { return kForms; }

const Form* find_form(u32 word) {
  const Form* best = nullptr;
  for (const Form& form : kForms) {
    if ((word & form.pattern.mask) != form.pattern.value) continue;
    if (best == nullptr || std::popcount(form.pattern.mask) > std::popcount(best->pattern.mask)) best = &form;
  }
  return best;
}

const Form& form_named(std::string_view name) {
  for (const Form& form : kForms)
    if (form.name == name) return form;
  CHECK(false, "no such form");
  return kForms[0];
}

u32 encode(std::string_view name, std::initializer_list<u32> fields) {
  const Pattern& pattern = form_named(name).pattern;
  CHECK(fields.size() == pattern.field_count, "as many values as fields");
  u32 word = pattern.value;
  unsigned i = 0;
  for (u32 value : fields) word |= value << pattern.fields[i++].lo;
  return word;
}

}  // namespace farside::isa::simd::test

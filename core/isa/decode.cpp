// core/isa/decode.cpp - the A64 table and its lookup by the bits that distinguish most forms.
#include "core/isa/decode.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace farside::isa {
namespace {

constexpr InsnInfo make_info(const char* name, const char* title, const char* pattern, bool Features::*feature) {
  const Pattern p = parse_pattern(pattern);
  return {name, title, pattern, p.mask, p.value, feature};
}

// In a .def line `feature` is the name of a member of Features.
constexpr std::array<InsnInfo, kA64Count> kTable{{
#define INST(name, title, pattern, feature) make_info(#name, title, pattern, &Features::feature),
#include "core/isa/a64.def"
#undef INST
}};

// Buckets over word<31:22>: every form is in each bucket that its fixed bits allow, most specific first.
constexpr unsigned kIndexLo = 22;
using Bucket = std::vector<u16>;

std::vector<Bucket> build_buckets() {
  std::vector<u16> by_specificity(kA64Count);
  for (usize i = 0; i < kA64Count; ++i) by_specificity[i] = static_cast<u16>(i);
  std::stable_sort(by_specificity.begin(), by_specificity.end(),
                   [](u16 a, u16 b) { return std::popcount(kTable[a].mask) > std::popcount(kTable[b].mask); });
  std::vector<Bucket> buckets(usize{1} << (32 - kIndexLo));
  for (usize index = 0; index < buckets.size(); ++index) {
    const u32 word = static_cast<u32>(index) << kIndexLo;
    for (u16 id : by_specificity)
      if (((word ^ kTable[id].value) & kTable[id].mask & (~u32{0} << kIndexLo)) == 0) buckets[index].push_back(id);
  }
  return buckets;
}

}  // namespace

const std::array<InsnInfo, kA64Count>& a64_table() { return kTable; }

A64 decode_a64(u32 word, const Features& features) {
  static const std::vector<Bucket> buckets = build_buckets();
  for (u16 id : buckets[word >> kIndexLo]) {
    const InsnInfo& info = kTable[id];
    if ((word & info.mask) != info.value) continue;
    if (!(features.*info.feature)) continue;
    return static_cast<A64>(id);
  }
  return A64::Undefined;
}

}  // namespace farside::isa

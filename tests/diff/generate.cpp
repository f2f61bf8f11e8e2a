// tests/diff/generate.cpp - what random words and states look like.
#include "tests/diff/generate.h"

#include <string>

namespace farside::diff {
namespace {

struct GroupRange {
  Group group;
  const char* name;
  usize count;
};

// How many lines each .def file has, in the order of a64.def.
constexpr GroupRange kGroups[] = {
#define INST(...) +1
    {Group::Alu, "alu", usize{0}
#include "core/isa/a64/alu.def"
    },
    {Group::Branch, "branch", usize{0}
#include "core/isa/a64/branch.def"
    },
    {Group::System, "system", usize{0}
#include "core/isa/a64/system.def"
    },
    {Group::LoadStore, "load_store", usize{0}
#include "core/isa/a64/load_store.def"
    },
    {Group::Atomic, "atomic", usize{0}
#include "core/isa/a64/atomic.def"
    },
    {Group::Fp, "fp", usize{0}
#include "core/isa/a64/fp.def"
    },
    {Group::SimdLoadStore, "simd_load_store", usize{0}
#include "core/isa/a64/simd_load_store.def"
    },
    {Group::SimdInt, "simd_int", usize{0}
#include "core/isa/a64/simd_int.def"
    },
    {Group::SimdFp, "simd_fp", usize{0}
#include "core/isa/a64/simd_fp.def"
    },
    {Group::SimdPermute, "simd_permute", usize{0}
#include "core/isa/a64/simd_permute.def"
    },
    {Group::Crypto, "crypto", usize{0}
#include "core/isa/a64/crypto.def"
    },
#undef INST
};

u64 special_integer(Random& random) {
  switch (random.below(8)) {
    case 0: return random.below(4);
    case 1: return ~random.below(4);
    case 2: return (u64{1} << random.below(64)) - random.below(3) + 1;
    case 3: return 0x7fffffffffffffff + random.below(2);
    case 4: return 0x7fffffff + random.below(2);
    case 5: return 0xffffffff - random.below(2);
    case 6: return random.next() >> random.below(64);
    default: return random.next();
  }
}

/// A floating-point datum of 1 + e + f bits: zeros, subnormals, ones, infinities, NaNs, limits, or random.
u64 special_float(Random& random, unsigned e, unsigned f) {
  const u64 sign = random.below(2) << (e + f), top = ones(e) << f, bias = ones(e - 1);
  switch (random.below(12)) {
    case 0: return sign;
    case 1: return sign | (random.next() & ones(f));                                   // subnormal
    case 2: return sign | 1;                                                           // the smallest
    case 3: return sign | top;                                                         // infinity
    case 4: return sign | top | u64{1} << (f - 1) | (random.next() & ones(f - 1));     // quiet NaN
    case 5: return sign | top | (random.next() & ones(f - 1)) | 1;                     // signalling NaN
    case 6: return sign | (top - 1);                                                   // near the largest
    case 7: return sign | u64{1} << f;                                                 // the smallest normal
    case 8: return sign | (bias + random.below(3)) << f;                               // 1, 2, 4
    case 9: return sign | (bias + random.below(70)) << f | (random.next() & ones(f));  // integer range
    case 10: return sign | (bias - random.below(8)) << f | (random.next() & ones(f));
    default: return random.next() & ones(1 + e + f);
  }
}

/// A 64-bit half of a vector: lanes of one kind, so that vector forms meet special values in each.
u64 special_half(Random& random) {
  u64 out = 0;
  switch (random.below(6)) {
    case 0: return special_float(random, 11, 52);
    case 1:
      for (int i = 0; i < 2; ++i) out = out << 32 | special_float(random, 8, 23);
      return out;
    case 2:
      for (int i = 0; i < 4; ++i) out = out << 16 | special_float(random, 5, 10);
      return out;
    case 3:
      for (int i = 0; i < 8; ++i) out = out << 8 | (random.one_in(2) ? 0x7f + random.below(3) : random.below(256));
      return out;
    case 4: return special_integer(random);
    default: return random.next();
  }
}

u32 random_fpcr(Random& random) {
  if (random.one_in(3)) return 0;
  u32 fpcr = static_cast<u32>(random.below(4)) << 22;  // RMode
  if (random.one_in(4)) fpcr |= 1u << 24;              // FZ
  if (random.one_in(4)) fpcr |= 1u << 25;              // DN
  if (random.one_in(4)) fpcr |= 1u << 26;              // AHP
  if (random.one_in(4)) fpcr |= 1u << 19;              // FZ16
  return fpcr;
}

bool is_literal(u32 word) { return (word & 0x3b000000) == 0x18000000; }
bool is_register_offset(u32 word) { return (word & 0x3b200c00) == 0x38200800; }

}  // namespace

Group group_of(isa::A64 form) {
  usize index = static_cast<usize>(form);
  for (const GroupRange& range : kGroups) {
    if (index < range.count) return range.group;
    index -= range.count;
  }
  return Group::System;
}

std::string_view group_name(Group group) { return kGroups[static_cast<usize>(group)].name; }

bool touches_memory(Group group) {
  return group == Group::LoadStore || group == Group::Atomic || group == Group::SimdLoadStore;
}

bool is_ordered(u32 word, isa::A64 form) {
  return group_of(form) == Group::Atomic || (word & 0x3f800000) == 0x08800000 ||  // LDAR, STLR
         (word & 0x3f20fc00) == 0x3820c000 || (word & 0x3f200c00) == 0x19000000;  // LDAPR, LDAPUR, STLUR
}

u32 matching_store_exclusive(Random& random, u32 load) {
  const u32 kept = load & 0xffa003e0;  // size, pair, Rn
  return kept | static_cast<u32>(random.next() & 0x1ffc1f);
}

u32 random_word(Random& random, isa::A64 form) {
  const isa::InsnInfo& info = isa::a64_table()[static_cast<usize>(form)];
  u32 word = info.value | (static_cast<u32>(random.next()) & ~info.mask);
  if (is_literal(word)) word = (word & 0xff00001f) | static_cast<u32>(random.below(0x1000)) << 5;
  return word;
}

UserState random_state(Random& random, const Window& window) {
  UserState s;
  for (u64& x : s.x) x = random.one_in(2) ? special_integer(random) : random.next();
  for (Vec& v : s.v) v = {special_half(random), special_half(random)};
  s.sp = window.base + (random.below(window.size) & ~u64{15});
  s.nzcv = static_cast<u32>(random.below(16)) << 28;
  s.fpcr = random_fpcr(random);
  return s;
}

void aim(Random& random, u32 word, isa::A64 form, const Window& window, UserState& state) {
  const unsigned rn = word >> 5 & 31, rm = word >> 16 & 31;
  // The middle of the window leaves room for every immediate but the scaled unsigned ones, which are subtracted.
  u64 address = window.base + window.size / 2 + random.below(window.size / 8);
  if (is_ordered(word, form) || random.one_in(2)) address &= ~u64{15};
  if (rn == 31) address &= ~u64{15};
  if ((word & 0x3b000000) == 0x39000000) {  // unsigned offset
    const unsigned scale = (word >> 30) | ((word >> 26 & 1) && (word >> 23 & 1) ? 4 : 0);
    address -= u64{word >> 10 & 0xfff} << (scale > 4 ? 0 : scale);
  }
  if ((word & 0x3f200c00) == 0x19000000) address -= static_cast<u64>(sign_extend(word >> 12 & 0x1ff, 9));  // LDAPUR
  (rn == 31 ? state.sp : state.x[rn]) = address;
  if (is_register_offset(word) && rm != 31 && rm != rn) {
    state.x[rm] = random.below(0x400) - 0x200;
    if (random.one_in(2)) state.x[rm] ^= random.next() << 32;  // only the X forms may see it
    const unsigned option = word >> 13 & 7;
    if (option == 2) state.x[rm] &= 0xffffffff000003ff;  // UXTW knows no negative numbers
    if ((option & 3) == 3) state.x[rm] = random.below(0x400) - 0x200;
  }
}

}  // namespace farside::diff

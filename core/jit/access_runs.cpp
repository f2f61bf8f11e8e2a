// core/jit/access_runs.cpp - follows base registers through a block and joins the accesses that stay close to them.
#include "core/jit/access_runs.h"

#include <algorithm>

#include "core/base/bits.h"

namespace farside::jit {
namespace {

/// The longest run, in bytes: the more, the more often its ends lie in two pages.
constexpr i64 kMostBytes = 1024;

/// A load or store of one or two registers at a constant distance from its base register.
struct PlainAccess {
  bool valid = false, write = false, pair = false, vector = false;
  i32 offset = 0, step = 0;  ///< of the access; what write-back adds to the base
  u32 size = 0;              ///< bytes in all
};

PlainAccess pair_access(u32 w) {
  const bool vector = bit(w, 26), load = bit(w, 22);
  const u32 opc = w >> 30, mode = w >> 23 & 3;
  if (opc == 3 || (!vector && opc == 1 && (!load || mode == 0))) return {};
  const u32 size = vector ? 4u << opc : opc == 2 ? 8 : 4;
  const i32 imm = static_cast<i32>(sign_extend(w >> 15 & 0x7f, 7)) * static_cast<i32>(size);
  return {true, !load, true, vector, mode == 1 ? 0 : imm, (mode & 1) != 0 ? imm : 0, 2 * size};
}

PlainAccess single_access(u32 w) {
  const bool vector = bit(w, 26);
  const u32 size_log2 = w >> 30, opc = w >> 22 & 3;
  PlainAccess a{true, vector ? (opc & 1) == 0 : opc == 0, false, vector, 0, 0, 1u << size_log2};
  if (vector && opc >= 2) {
    if (size_log2 != 0) return {};
    a.size = 16;
  }
  if (!vector && (size_log2 == 3 ? opc >= 2 : size_log2 == 2 && opc == 3)) return {};  // prefetches
  if (bit(w, 24)) {
    a.offset = static_cast<i32>((w >> 10 & 0xfff) * a.size);
    return a;
  }
  const u32 mode = w >> 10 & 3;
  if (bit(w, 21) || mode == 2) return {};  // register offsets, atomics, unprivileged
  const i32 imm = static_cast<i32>(sign_extend(w >> 12 & 0x1ff, 9));
  a.offset = mode == 1 ? 0 : imm;
  a.step = (mode & 1) != 0 ? imm : 0;
  return a;
}

bool is_load_store(u32 w) { return bit(w, 27) && !bit(w, 25); }

PlainAccess plain_access(u32 w) {
  if (!is_load_store(w)) return {};
  switch (w >> 27 & 7) {
    case 5: return pair_access(w);
    case 7: return single_access(w);
    default: return {};
  }
}

/// A load or store of one general-purpose register at [Xn, Xm] or [Xn, Wm], extended and shifted.
struct IndexedAccess {
  bool valid = false, write = false;
  u32 base = 0, index = 0;
  u32 address = 0;  ///< size and all that says how the address comes about: equal for equal addresses
};

IndexedAccess indexed_access(u32 w) {
  const u32 size_log2 = w >> 30, opc = w >> 22 & 3;
  if ((w & 0x3f200c00) != 0x38200800 || (size_log2 == 3 && opc >= 2) || (size_log2 == 2 && opc == 3)) return {};
  return {true, opc == 0, w >> 5 & 31, w >> 16 & 31, w & 0xc01ff3e0};
}

bool is_branch_or_system(u32 w) { return (w >> 26 & 7) == 5; }

/// Branches, system instructions, exclusives, atomics: nothing is followed across them.
bool is_barrier(u32 w) {
  if (is_branch_or_system(w)) return true;
  if (!is_load_store(w)) return false;
  const bool ordered = (w >> 27 & 7) == 1 && !bit(w, 26);
  const bool atomic = (w >> 27 & 7) == 7 && !bit(w, 24) && bit(w, 21) && (w >> 10 & 3) != 2;
  return ordered || atomic;
}

/// ADD and SUB of a constant to the register itself; zero if the word is something else.
i64 own_step(u32 w, u32 base) {
  if ((w >> 23 & 0x3f) != 0x22 || !bit(w, 31) || bit(w, 29) || (w & 31) != base || (w >> 5 & 31) != base) return 0;
  const i64 amount = static_cast<i64>(w >> 10 & 0xfff) << (bit(w, 22) ? 12 : 0);
  return bit(w, 30) ? -amount : amount;
}

/// May write general-purpose register `r` by other means than write-back and own_step; 31 is SP.
bool may_write(u32 w, u32 r, const PlainAccess& a) {
  const u32 rt = w & 31, rt2 = w >> 10 & 31;
  if (a.valid) return !a.write && !a.vector && r != 31 && (rt == r || (a.pair && rt2 == r));
  if (const IndexedAccess indexed = indexed_access(w); indexed.valid) return !indexed.write && r != 31 && rt == r;
  if (is_load_store(w)) return rt == r || (w >> 5 & 31) == r || (w >> 16 & 31) == r;
  return rt == r;
}

/// The accesses from `first` on that can share its look at L0.
struct Run {
  u32 base;
  i64 low, high;
  unsigned last, accesses = 1;
  bool write;  ///< some access is a store
};

Run follow(const u32* words, unsigned count, const std::array<bool, kMaxBlock>& opaque,
           const std::array<bool, kMaxBlock>& inner, unsigned first, const PlainAccess& access, bool stores,
           std::array<bool, kMaxBlock>& joined) {
  Run run{.base = words[first] >> 5 & 31,
          .low = access.offset,
          .high = access.offset + static_cast<i64>(access.size),
          .last = first,
          .write = access.write};
  joined.fill(false);
  i64 moved = 0;  // what has been added to the base register since
  for (unsigned i = first; i < count; ++i) {
    const u32 w = words[i];
    if (inner[i]) continue;  // whoever takes the way out there has no use for the run
    if (opaque[i] || is_barrier(w)) break;
    const PlainAccess a = plain_access(w);
    if (i != first && a.valid && (w >> 5 & 31) == run.base && (stores || !a.write)) {
      const i64 low = std::min(run.low, moved + a.offset), high = std::max(run.high, moved + a.offset + a.size);
      if (high - low <= kMostBytes) {
        run.low = low;
        run.high = high;
        run.last = i;
        run.write |= a.write;
        ++run.accesses;
        joined[i] = true;
      }
    }
    if (may_write(w, run.base, a)) {
      const i64 step = own_step(w, run.base);
      if (step == 0) break;
      moved += step;
    }
    if (a.valid && (w >> 5 & 31) == run.base) moved += a.step;
  }
  return run;
}

/// The accesses from `first` on that have its address.
Run follow_indexed(const u32* words, unsigned count, const std::array<bool, kMaxBlock>& opaque,
                   const std::array<bool, kMaxBlock>& inner, unsigned first, std::array<bool, kMaxBlock>& joined) {
  const IndexedAccess access = indexed_access(words[first]);
  Run run{.base = access.base, .low = 0, .high = 0, .last = first, .write = access.write};
  joined.fill(false);
  for (unsigned i = first; i < count; ++i) {
    const u32 w = words[i];
    if (inner[i]) continue;
    if (opaque[i] || is_barrier(w)) break;
    const IndexedAccess other = indexed_access(w);
    if (i != first && other.valid && other.address == access.address) {
      run.last = i;
      run.write |= other.write;
      ++run.accesses;
      joined[i] = true;
    }
    const PlainAccess plain = plain_access(w);
    const auto moves = [&](u32 r) {
      return may_write(w, r, plain) || (plain.valid && plain.step != 0 && (w >> 5 & 31) == r);
    };
    if (moves(access.base) || moves(access.index)) break;
  }
  return run;
}

/// The register that `w` copies to `r`, give or take a constant; `r` if it leaves it alone, 32 if it does something
/// else.
u32 origin(u32 w, u32 r) {
  if (is_branch_or_system(w) || !may_write(w, r, plain_access(w))) return r;
  if ((w & 0xffe0ffe0) == 0xaa0003e0) return w >> 16 & 31;  // MOV
  if ((w & 0xbf800000) == 0x91000000) return w >> 5 & 31;   // ADD and SUB of a constant
  return 32;
}

bool loads_pointer(u32 w) {
  const PlainAccess a = plain_access(w);
  return a.valid && !a.write && !a.vector && a.size == (a.pair ? 16 : 8);
}

/// Whether a pointer that was loaded before is the address of the load at `i`: in the block, or, taking it for a loop,
/// in its last run.
bool follows_pointer(const u32* words, unsigned count, unsigned i) {
  u32 r = words[i] >> 5 & 31;
  for (unsigned back = 1; back <= count && r < 31; ++back) {
    const u32 w = words[(i + count - back) % count];
    const bool loaded = loads_pointer(w) && may_write(w, r, plain_access(w));
    if (loaded) return true;
    r = origin(w, r);
  }
  return false;
}

}  // namespace

bool is_plain_access(u32 word) { return plain_access(word).valid; }

bool is_integer_access(isa::A64 form, u32 word) {
  using isa::A64;
  switch (form) {
    case A64::LDR_reg:
    case A64::LDRS_x_reg:
    case A64::LDRS_w_reg:
    case A64::STR_reg: return true;
    default: return is_plain_access(word) && !bit(word, 26);
  }
}

void find_access_runs(const u32* words, unsigned count, const std::array<bool, kMaxBlock>& opaque,
                      const std::array<bool, kMaxBlock>& inner, RunKinds kinds, AccessRuns& runs) {
  runs.member.fill({});
  runs.live.fill(false);
  runs.pairs = 0;
  std::array<unsigned, kRunSlots> busy_until{};
  std::array<bool, kMaxBlock> joined{};
  for (unsigned i = 0; i < count; ++i) {
    const PlainAccess a = plain_access(words[i]);
    const bool indexed = kinds.stores && indexed_access(words[i]).valid;
    const u32 rt = words[i] & 31, rt2 = words[i] >> 10 & 31;
    if (a.valid && a.pair && !a.write && !a.vector && a.size == 16 && rt2 == rt + 1) runs.pairs |= u32{1} << rt;
    const bool may_begin = indexed || (a.valid && (!a.write || kinds.stores));
    if (!may_begin || opaque[i] || runs.member[i].role != RunMember::Role::None) continue;
    const auto slot = std::ranges::find_if(busy_until, [i](unsigned until) { return until <= i; });
    if (slot == busy_until.end()) continue;
    const Run run = indexed ? follow_indexed(words, count, opaque, inner, i, joined)
                            : follow(words, count, opaque, inner, i, a, kinds.stores, joined);
    const bool guessed = !indexed && kinds.chases && loads_pointer(words[i]) && follows_pointer(words, count, i);
    if (run.accesses < 2 && !guessed) continue;
    *slot = run.last + 1;
    for (unsigned j = i; j <= run.last; ++j) {
      if (j < run.last) runs.live[j] = true;
      if (j != i && !joined[j]) continue;
      const PlainAccess member = plain_access(words[j]);
      runs.member[j] = {.role = j == i ? RunMember::Role::First : RunMember::Role::Later,
                        .slot = static_cast<u8>(slot - busy_until.begin()),
                        .base = static_cast<u8>(run.base),
                        .indexed = indexed,
                        .write = run.write,
                        .base_is_loaded = member.pair && !member.vector && (words[j] >> 10 & 31) == run.base,
                        .alone = run.accesses == 1,
                        .chases = guessed,
                        .offset = member.offset,
                        .low = static_cast<i32>(run.low),
                        .high = static_cast<i32>(run.high)};
    }
  }
}

}  // namespace farside::jit

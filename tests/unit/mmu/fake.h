// tests/unit/mmu/fake.h - memory in a map, a table builder and ready-made regimes for the MMU's tests.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "mmu/at.h"
#include "mmu/explain.h"
#include "mmu/table_visit.h"
#include "mmu/translate.h"
#include "tests/unit/catch.h"

namespace farside::mmu::test {

/// Physical memory of descriptors. Counts and records what the walker does.
class FakeMemory : public DescriptorPort, public TableMemory {
 public:
  std::optional<u64> read(Pa pa, const MemAttr& attr) override {
    ++reads;
    last_attr = attr;
    if (aborts.count(pa.value)) return std::nullopt;
    const u64 value = words[pa.value];
    if (after_read) after_read(pa);
    return value;
  }
  SwapOutcome compare_exchange(Pa pa, const MemAttr& attr, u64 expected, u64 desired) override {
    ++swaps;
    last_attr = attr;
    if (swap_outcome != SwapOutcome::Done) return swap_outcome;
    u64& word = words[pa.value];
    if (word != expected) return SwapOutcome::Mismatch;
    word = desired;
    return SwapOutcome::Done;
  }
  u64 read_descriptor(u64 address) override { return words[address]; }
  void write_descriptor(u64 address, u64 value) override { words[address] = value; }

  std::map<u64, u64> words;
  std::set<u64> aborts;  ///< addresses whose reads end in an external abort
  SwapOutcome swap_outcome = SwapOutcome::Done;
  std::function<void(Pa)> after_read;
  unsigned reads = 0, swaps = 0;
  MemAttr last_attr{};
};

/// Builds a table tree. Addresses of tables are in the tree's own address space; `offset` is where that space lies in
/// FakeMemory (so that stage-1 tables can sit at IPAs that stage 2 moves).
class Tables {
 public:
  Tables(FakeMemory& memory, Granule granule, int start_level, unsigned ia_bits, u64 base, u64 offset = 0)
      : memory_(memory), granule_(granule), start_(start_level), ia_bits_(ia_bits), base_(base), offset_(offset) {
    next_ = base + (u64{1} << 20);
  }
  /// Installs `descriptor` for `input` at `level`, making tables above it. Returns the descriptor's PA.
  u64 set(u64 input, int level, u64 descriptor) {
    u64 at = base_ + root_index(granule_, start_, ia_bits_, input) * 8;
    for (int l = start_; l < level; ++l) {
      u64& word = memory_.words[at + offset_];
      if (classify(word, granule_, l) != DescriptorKind::Table) {
        word = make_table(next_) | table_bits;
        next_ += page_size(granule_);
      }
      at = table_address(word, granule_) + u64{table_index(granule_, l + 1, input)} * 8;
    }
    memory_.words[at + offset_] = descriptor;
    return at + offset_;
  }
  u64 map(u64 input, u64 output, int level, u64 attributes) {
    return set(input, level, make_leaf(level, output, attributes));
  }
  /// PA of the entry that a walk for `input` reads at `level` (tables must exist).
  u64 entry(u64 input, int level) {
    u64 at = base_ + root_index(granule_, start_, ia_bits_, input) * 8;
    for (int l = start_; l < level; ++l) {
      at = table_address(memory_.words[at + offset_], granule_) + u64{table_index(granule_, l + 1, input)} * 8;
    }
    return at + offset_;
  }
  u64 table_bits = 0;  ///< ORed into tables made from now on

 private:
  FakeMemory& memory_;
  Granule granule_;
  int start_;
  unsigned ia_bits_;
  u64 base_, offset_, next_;
};

// Leaf attribute shorthands. MAIR index 0 is Normal WB, 1 Device nGnRE, 2 Normal NC (kMair).
constexpr u64 kAf = 1u << 10, kSh = 3u << 8, kNg = 1u << 11, kDbm = u64{1} << 51, kContig = u64{1} << 52;
constexpr u64 kUser = 1u << 6, kRo = 1u << 7, kPxn = u64{1} << 53, kUxn = u64{1} << 54, kGp = u64{1} << 50;
constexpr u64 kIdx1 = 1u << 2, kIdx2 = 2u << 2;
constexpr u64 kS1 = kAf | kSh;
constexpr u64 kS2R = 1u << 6, kS2W = 1u << 7, kS2Wb = 0xf << 2, kS2Dev = 1u << 2;
constexpr u64 kS2 = kAf | kSh | kS2R | kS2W | kS2Wb;
constexpr u64 kMair = 0x4404ff;

constexpr u64 kHcrVm = 1, kHcrPtw = 4, kHcrDc = 1u << 12, kHcrTge = 1u << 27, kHcrCd = u64{1} << 32,
              kHcrId = u64{1} << 33, kHcrE2h = u64{1} << 34, kHcrFwb = u64{1} << 46;
constexpr u64 kTcrHa = u64{1} << 39, kTcrHd = u64{1} << 40, kVtcrHa = 1u << 21, kVtcrHd = 1u << 22;

/// A PE with everything, 48-bit physical addresses.
inline Features all_features() {
  Features f;
  f.PAN = f.PAN2 = f.HPDS = f.VMID16 = f.HAFDBS = f.VHE = f.UAO = f.PAuth = f.XNX = f.S2FWB = f.TTCNP = f.TTL = true;
  f.TTST = f.TLBIOS = f.TLBIRANGE = f.BTI = f.E0PD = f.granule_16k = true;
  f.pa_bits = 48;
  return f;
}

/// TCR.TG0 for a granule; TG1 has another code.
constexpr u64 tg0(Granule g) { return g == Granule::K4 ? 0 : g == Granule::K64 ? 1 : 2; }
constexpr u64 tg1(Granule g) { return g == Granule::K4 ? 2 : g == Granule::K64 ? 3 : 1; }

/// TCR_EL1 with both ranges of `ia_bits`, write-back inner shareable walks, 48-bit IPS.
constexpr u64 tcr_el1(Granule g, unsigned ia_bits) {
  const u64 half = (64 - ia_bits) | 1u << 8 | 1u << 10 | 3u << 12;
  return half | half << 16 | tg0(g) << 14 | tg1(g) << 30 | u64{5} << 32 | u64{1} << 36;
}
constexpr u64 vtcr(Granule g, unsigned ia_bits, int level) {
  return (64 - ia_bits) | u64{s2_sl0(g, level)} << 6 | 1u << 8 | 1u << 10 | 3u << 12 | tg0(g) << 14 | 5u << 16 |
         1u << 19;
}

constexpr u64 kTtbr0 = 0x1'0000'0000, kTtbr1 = 0x1'4000'0000, kVttbr = 0x2'0000'0000, kS1TableOffset = 0x40'0000'0000;

/// Stage 1 of EL1&0 alone (EL2 off in HCR), 4K, 48 bits.
inline ControlRegs stage1_regs(Granule g = Granule::K4, unsigned ia_bits = 48) {
  ControlRegs r;
  r.sctlr_el1 = 1 | 4 | 1u << 12;
  r.tcr_el1 = tcr_el1(g, ia_bits);
  r.ttbr0_el1 = kTtbr0 | u64{5} << 48;
  r.ttbr1_el1 = kTtbr1;
  r.mair_el1 = kMair;
  r.vttbr_el2 = kVttbr | u64{7} << 48;
  return r;
}
/// Both stages: 4K, stage 2 of 40 bits from level 1.
inline ControlRegs nested_regs() {
  ControlRegs r = stage1_regs();
  r.hcr_el2 = kHcrVm | u64{1} << 31;
  r.vtcr_el2 = vtcr(Granule::K4, 40, 1);
  return r;
}

/// Both stages, with tables: stage-1 tables at IPA kTtbr0, moved by stage 2 to PA + kS1TableOffset in 1G blocks.
struct Nested {
  explicit Nested(ControlRegs r = nested_regs(), Features f = all_features(), Knobs k = {})
      : regs(r),
        features(f),
        tlb(k),
        s1(memory, Granule::K4, 0, 48, kTtbr0, kS1TableOffset),
        s2(memory, Granule::K4, 1, 40, kVttbr) {
    s2.map(kTtbr0, kTtbr0 + kS1TableOffset, 1, kS2);
    update();
  }
  void update() { regime = make_regime(regs, RegimeId::EL10, features); }
  Result<Translation, Fault> go(u64 va, Access access = {}) { return translate(regime, Va{va}, access, memory, tlb); }
  ControlRegs regs;
  Features features;
  FakeMemory memory;
  Tlb tlb;
  Tables s1, s2;
  Regime regime;
};

/// Stage 1 only.
struct Single {
  explicit Single(ControlRegs r = stage1_regs(), Features f = all_features(), Knobs k = {})
      : regs(r),
        features(f),
        tlb(k),
        s1(memory, Granule::K4, 0, 48, kTtbr0),
        upper(memory, Granule::K4, 0, 48, kTtbr1) {
    update();
  }
  void update() { regime = make_regime(regs, RegimeId::EL10, features); }
  Result<Translation, Fault> go(u64 va, Access access = {}) { return translate(regime, Va{va}, access, memory, tlb); }
  ControlRegs regs;
  Features features;
  FakeMemory memory;
  Tlb tlb;
  Tables s1, upper;
  Regime regime;
};

inline Access reads(El el = El::EL1) { return {.kind = AccessKind::Read, .el = el}; }
inline Access writes(El el = El::EL1) { return {.kind = AccessKind::Write, .el = el}; }
inline Access fetches(El el = El::EL1) { return {.kind = AccessKind::Fetch, .el = el}; }

}  // namespace farside::mmu::test

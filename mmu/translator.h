// mmu/translator.h - one translation in progress: shared by translate.cpp (flow) and stage2.cpp (the second stage).
#pragma once
#include "mmu/stage_attr.h"
#include "mmu/translate.h"

namespace farside::mmu {

/// What stage 2 is asked for.
struct S2Want {
  Needs needs{};
  El el = El::EL1;
  Purpose purpose = Purpose::Data;
  bool sets_dirty = false;  ///< a write that may set S2AP[1] (never cache maintenance or AT)
  bool s1_device = false;   ///< stage 1's type, which FWB combines
};

/// What stage 2 answered for one IPA.
struct S2Mapping {
  u64 pa = 0;
  u8 size_log2 = 12;
  i8 level = 3;
  Granule granule = Granule::K4;
  S2Perm perm{};
  bool dirty_pending = false;
  u8 mem_attr = 0, sh = 0;
};

/// Tables whose descriptors are at physical addresses.
struct DirectTables {
  DescriptorPort& port;
  const MemAttr& attr;
  bool read(u64 address, int, u64& value) {
    const std::optional<u64> got = port.read(Pa{address}, attr);
    if (!got) return false;
    value = *got;
    return true;
  }
};

class Translator {
 public:
  Translator(const Regime& regime, Va va, const Access& access, DescriptorPort& port, Tlb& tlb)
      : regime_(regime), va_(va), access_(access), needs_(needs_of(access)), port_(port), tlb_(tlb) {}

  /// The whole translation of `input` (the VA without its tag) in `range`, given what the TLB had.
  Result<Translation, Fault> run(const VaRange& range, u64 input, const TlbEntry* hit);
  /// Outside the VA range, or the MMU is off.
  Result<Translation, Fault> run_off(u64 input) { return flat(input, regime_.s2_enabled); }
  Result<Translation, Fault> run_out_of_range() { return fail1(FaultKind::Translation, 0), fault_; }
  /// Stage 1 alone (AT S1 forms): no VA entries are used or made.
  Result<Translation, Fault> run_stage1();
  /// Stage 2 alone for `ipa`, behind Normal write-back stage-1 attributes.
  Result<Translation, Fault> run_ipa(Ipa ipa);

 private:
  struct StageOneTables;
  /// A stage-1 leaf that passed its checks.
  struct S1Mapping {
    WalkResult walk;
    S1Perm perm{};
    bool dirty_pending = false;
    bool cacheable = true;  ///< AF is set, so a TLB may keep it
    MemAttr attr{};
  };

  Purpose purpose() const { return access_.is_fetch() ? Purpose::Fetch : Purpose::Data; }
  bool misaligned() const;
  Result<Translation, Fault> flat(u64 input, bool two_stages);
  Result<Translation, Fault> from_entry(const TlbEntry& entry, u64 input);
  Result<Translation, Fault> from_tables(const VaRange& range, u64 input);
  bool stage1(const VaRange& range, u64 input, S1Mapping& out);
  bool judge_leaf(const WalkParams& params, S1Mapping& out, u64& desired);
  bool check_stage1(const S1Perm& perm, bool device, int level);
  bool update_stage1(const WalkParams& params, const S1Mapping& mapping, u64 desired, bool& again);
  TlbEntry make_entry(const VaRange& range, u64 input, const S1Mapping& s1, const S2Mapping* s2) const;
  Result<Translation, Fault> finish(Translation result, bool stage2_weakened);

  // stage2.cpp
  bool stage2(u64 ipa, const S2Want& want, S2Mapping& out);
  bool walk_stage2(u64 ipa, const S2Want& want, S2Mapping& out);
  bool check_stage2(u64 ipa, const S2Want& want, const S2Mapping& mapping);
  bool update_stage2(u64 ipa, const S2Want& want, const WalkResult& leaf, u64 desired, bool& again);
  void fill_stage2(u64 ipa, const S2Mapping& mapping);
  S2Want want_for_access(bool s1_device) const;
  MemAttr stage2_attr(const MemAttr& s1, const S2Mapping& mapping, Purpose purpose) const {
    return s2_attr_for(regime_, s1, mapping.mem_attr, mapping.sh, purpose);
  }
  bool fail1(FaultKind kind, int level, bool write_failed = false);
  bool fail2(FaultKind kind, int level, u64 ipa, const S2Want& want, bool write_failed = false);
  bool takes_access_flag_faults() const {
    return access_.kind != AccessKind::CacheMaintenance || tlb_.knobs().cmo_checks_access_flag;
  }

  const Regime& regime_;
  const Va va_;
  const Access& access_;
  const Needs needs_;
  DescriptorPort& port_;
  Tlb& tlb_;
  Fault fault_;  ///< meaningful once a step has returned false
};

/// Swaps a descriptor in the walk's byte order.
SwapOutcome swap_descriptor(DescriptorPort& port, const WalkParams& params, u64 pa, const MemAttr& attr, u64 from,
                            u64 to);

/// A walk is repeated when a descriptor changed under a hardware update; memory that never agrees with itself (a port
/// that reads and swaps different bytes) ends as an unsupported update instead of a hang.
constexpr unsigned kMaxRestarts = 64;

}  // namespace farside::mmu

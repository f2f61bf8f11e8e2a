// frontends/machine/physical_cores.h - the physical cores that vCPUs run on: pinned, or migrating between slices.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/chance.h"
#include "core/pe/pe.h"

namespace farside::machine {

/// A physical core is a TLB and a set of first-level caches; the state of the vCPU on it is a pe::Pe. Where each vCPU
/// has a core of its own, nothing ever moves. Otherwise vCPU i starts on core i mod count(), and a core that several
/// vCPUs share keeps what the last one left in its TLB and its caches.
class PhysicalCores {
 public:
  using Cores = std::vector<std::unique_ptr<pe::Pe>>;
  /// A vCPU has been loaded on another core than before, or after another vCPU.
  using LoadHook = std::function<void(pe::Pe&)>;

  /// `cores` may still be empty. With `migrate_seed`, vCPUs move from core to core as that seed decides.
  PhysicalCores(Cores& cores, u32 vcpus, u32 count, std::optional<u64> migrate_seed);
  u32 count() const { return static_cast<u32>(places_.size()); }
  void set_caches(cache::Hierarchy* caches) { caches_ = caches; }
  /// The vCPUs exist, and core i gets vCPU i. `knobs` are those of all TLBs, but for the seed.
  void cores_ready(mmu::Knobs knobs);
  void set_load_hook(LoadHook hook) { hook_ = std::move(hook); }

  /// The core on which `vcpu` runs next.
  u32 home(u32 vcpu) const { return home_[vcpu]; }
  /// From its next slice on `vcpu` runs on `core`; both must exist.
  void migrate(u32 vcpu, u32 core) { home_[vcpu] = core; }
  /// The vCPU that is loaded on `core`, or null before the first.
  pe::Pe* on(u32 core) { return places_[core].loaded; }
  /// How often a vCPU has been loaded on another core than the one that it ran on before.
  u64 migrations() const { return migrations_; }

  /// Whether vCPUs move between slices.
  bool moves() const { return chance_.has_value(); }
  /// The longest slice, in instructions: the host's timer, where vCPUs move.
  u64 slice_limit() const { return chance_ ? 10'000 : ~u64{0}; }
  /// Before a slice of `pe`: loads it on its home.
  void load(pe::Pe& pe);
  /// After a slice of `pe`: it may be time to move.
  void slice_ended(pe::Pe& pe);

  /// Between slices, after the vCPUs' own state.
  void visit_state(StateVisitor& visitor);

  /// A TLB invalidation on every core, and on one.
  void apply_tlbi(const mmu::TlbiOp& op);
  void apply_tlbi(u32 core, const mmu::TlbiOp& op);

 private:
  struct Place {
    pe::Pe* loaded = nullptr;  ///< holds this core's TLB
    mmu::Tlb tlb;              ///< this core's while nothing is loaded; else what the loaded vCPU had before
  };
  void unload(u32 core);

  Cores& vcpus_;
  std::vector<Place> places_;
  std::vector<u32> home_;
  std::optional<Chance> chance_;
  cache::Hierarchy* caches_ = nullptr;
  LoadHook hook_;
  u64 migrations_ = 0;
};

}  // namespace farside::machine

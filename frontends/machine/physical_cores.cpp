// frontends/machine/physical_cores.cpp - loads vCPUs on physical cores and moves them.
#include "frontends/machine/physical_cores.h"

namespace farside::machine {
namespace {

/// Slices between two moves of a vCPU, on average.
constexpr u64 kMovePeriod = 8;

}  // namespace

PhysicalCores::PhysicalCores(Cores& cores, u32 vcpus, u32 count, std::optional<u64> migrate_seed)
    : vcpus_(cores), places_(count) {
  for (u32 vcpu = 0; vcpu < vcpus; ++vcpu) home_.push_back(vcpu % count);
  if (migrate_seed) chance_.emplace(*migrate_seed, "migrate");
}

void PhysicalCores::cores_ready(mmu::Knobs knobs) {
  for (Place& place : places_) {
    place.tlb = mmu::Tlb(knobs);
    ++knobs.seed;
  }
  for (const auto& vcpu : vcpus_) {
    const u32 core = home_[vcpu->index()];
    vcpu->tlb = mmu::Tlb(knobs);
    vcpu->scribble_hpfar = knobs.hpfar_junk;
    ++knobs.seed;
    if (places_[core].loaded == nullptr) {
      places_[core].loaded = vcpu.get();
    } else {
      mmu::Tlb fresh(knobs);
      vcpu->move_to(core, fresh);
    }
  }
}

/// What the host does when it switches away: DSB ISH completes the maintenance that the vCPU has started here, because
/// a DSB on its next core would not (Linux, __switch_to). The TLB stays with the core.
void PhysicalCores::unload(u32 core) {
  Place& place = places_[core];
  if (place.loaded == nullptr) return;
  if (caches_ != nullptr) caches_->barrier(core, cache::Barrier::Dsb);
  place.loaded->move_to(core, place.tlb);
  place.loaded = nullptr;
}

void PhysicalCores::load(pe::Pe& pe) {
  const u32 core = home_[pe.index()];
  Place& place = places_[core];
  if (place.loaded == &pe) return;
  const u32 before = pe.physical();
  if (places_[before].loaded == &pe) unload(before);
  migrations_ += before != core;
  unload(core);
  place.loaded = &pe;
  pe.move_to(core, place.tlb);
  if (caches_ != nullptr) caches_->barrier(core, cache::Barrier::Isb);
  if (hook_) hook_(pe);
}

void PhysicalCores::slice_ended(pe::Pe& pe) {
  if (!chance_ || !chance_->one_in(kMovePeriod)) return;
  home_[pe.index()] = static_cast<u32>(chance_->below(count()));
}

void PhysicalCores::visit_state(StateVisitor& v) {
  for (u32& home : home_) {
    v.value("physical.home", home);
    if (home < count()) continue;
    v.reject("physical.home");
    home = 0;
  }
  for (Place& place : places_) {
    u8 loaded = place.loaded == nullptr ? 255 : static_cast<u8>(place.loaded->index());
    v.value("physical.loaded", loaded);
    place.loaded = loaded < vcpus_.size() ? vcpus_[loaded].get() : nullptr;
    place.tlb.visit_state(v);
  }
  for (const auto& vcpu : vcpus_)
    if (vcpu->physical() >= count()) v.reject("physical.core");
  if (chance_) v.chance("physical.chance", *chance_);
  v.value("physical.migrations", migrations_);
}

void PhysicalCores::apply_tlbi(const mmu::TlbiOp& op) {
  for (const auto& vcpu : vcpus_) vcpu->apply_tlbi(op);
  for (Place& place : places_) {
    if (place.loaded == nullptr) place.tlb.invalidate(op);
  }
}

void PhysicalCores::apply_tlbi(u32 core, const mmu::TlbiOp& op) {
  Place& place = places_[core];
  if (place.loaded != nullptr) {
    place.loaded->apply_tlbi(op);
  } else {
    place.tlb.invalidate(op);
  }
}

}  // namespace farside::machine

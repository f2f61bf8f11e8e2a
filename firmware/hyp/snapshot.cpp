// firmware/hyp/snapshot.cpp - the hypervisor's own state as a snapshot keeps it, and whether a restored one holds
// together.
#include <algorithm>
#include <map>
#include <set>

#include "firmware/hyp/vm_state.h"

namespace farside::hyp {

void VmidAllocator::visit_state(StateVisitor& v) {
  v.value("vmid.generation", generation_);
  v.value("vmid.next", next_);
  std::vector<u8> used(used_.begin(), used_.end());
  v.field("vmid.used", used.data(), used.size());
  for (usize i = 0; i < used.size(); ++i) used_[i] = used[i] != 0;
  used_[0] = true;
  v.field("vmid.active", active_.data(), active_.size() * sizeof(u64));
  v.field("vmid.reserved", reserved_.data(), reserved_.size() * sizeof(u64));
  if (next_ > used_.size()) v.reject("vmid.next");
  next_ = std::min<u64>(next_, used_.size());
}

void Pgtable::visit_state(StateVisitor& v) {
  mmu::TableRoot root = root_;
  v.value("pgtable.base", root.base);
  v.value("pgtable.start_level", root.start_level);
  v.value("pgtable.bits", root.ia_bits);
  if (root.start_level != root_.start_level || root.ia_bits != root_.ia_bits) return v.reject("pgtable.bits");
  root_ = root;
  std::map<u64, u32> refs(refs_.begin(), refs_.end());  // saved by address
  u64 count = v.count("pgtable.tables", refs.size(), ~u64{0}, sizeof(u64) + sizeof(u32));
  if (v.restoring()) {
    refs_.clear();
    for (; count != 0; --count) {
      u64 table = 0;
      v.value("pgtable.table", table);
      v.value("pgtable.refs", refs_[table]);
    }
    return;
  }
  for (auto& [address, number] : refs) {
    u64 table = address;
    v.value("pgtable.table", table);
    v.value("pgtable.refs", number);
  }
}

void Pgtable::for_each_table(const std::function<void(Pa)>& visit) const {
  for (const auto& [table, refs] : refs_) visit(Pa{table});
}

u64 Pgtable::root_bytes() const {
  const u64 entries = u64{1} << (root_.ia_bits - mmu::level_shift(mmu::Granule::K4, root_.start_level));
  return std::max(host::kPageSize, entries * 8);
}

/// Follows the table at `table`; false when it, or one below, is not ours, is met twice or is counted wrongly.
bool Pgtable::table_is_sound(u64 table, int level, const PeekEntry& peek, std::set<u64>& met) const {
  const auto refs = refs_.find(table);
  if (refs == refs_.end() || !met.insert(table).second) return false;
  u32 valid = 0;
  for (unsigned i = 0; i < mmu::entries_per_table(mmu::Granule::K4); ++i) {
    const u64 descriptor = peek(Pa{table + i * 8});
    const mmu::DescriptorKind kind = mmu::classify(descriptor, mmu::Granule::K4, level);
    if (kind == mmu::DescriptorKind::Invalid) continue;
    ++valid;
    if (kind == mmu::DescriptorKind::Table) {
      if (!table_is_sound(mmu::table_address(descriptor, mmu::Granule::K4), level + 1, peek, met)) return false;
    } else if (is_normal(descriptor)) {
      const Pa output{mmu::output_address(descriptor, mmu::Granule::K4, level)};
      if (!env_.frames.contains(output)) return false;
    }
  }
  return refs->second == valid + 1;
}

bool Pgtable::is_sound(const PeekEntry& peek) const {
  std::set<u64> met;
  for (u64 offset = 0; offset < root_bytes(); offset += host::kPageSize)
    if (!table_is_sound(root_.base + offset, root_.start_level, peek, met)) return false;
  return met.size() == refs_.size();
}

namespace {

/// Slots are made by the machine; only what changes while it runs is state.
void visit_slot(StateVisitor& v, Slot& slot) {
  const Slot own = slot;
  v.value("slot.id", slot.id);
  v.value("slot.flags", slot.flags);
  v.value("slot.guest", slot.guest.value);
  v.value("slot.size", slot.size);
  v.value("slot.hva", slot.hva);
  const u64 words = (own.pages() + 63) / 64;
  v.vector("slot.dirty", slot.dirty, words);
  const bool same = slot.id == own.id && slot.guest.value == own.guest.value && slot.size == own.size &&
                    slot.hva == own.hva && (slot.dirty.empty() || slot.dirty.size() == words);
  if (same) return;
  slot = own;
  v.reject("slot");
}

void visit_vcpu(StateVisitor& v, VcpuState& vcpu) {
  v.value("vcpu.has_run", vcpu.has_run);
  v.value("vcpu.hcr", vcpu.hcr.raw);
  PendingMmio& mmio = vcpu.mmio;
  for (bool* flag : {&mmio.needed, &mmio.write, &mmio.sign_extend, &mmio.sixty_four, &mmio.big_endian,
                     &vcpu.pc.increment, &vcpu.pc.exception})
    v.value("vcpu.flag", *flag);
  v.value("vcpu.mmio.ipa", mmio.ipa.value);
  v.value("vcpu.mmio.size", mmio.size);
  v.value("vcpu.mmio.rt", mmio.rt);
  v.value("vcpu.mmio.data", mmio.data);
  if (!is_power_of_two(mmio.size | (mmio.size == 0)) || mmio.size > 8 || mmio.rt > 31) {
    mmio = {};
    v.reject("vcpu.mmio");
  }
  const u64 pages = v.count("vcpu.tables", vcpu.tables.pages.size(), 16, sizeof(u64));
  if (v.restoring()) vcpu.tables.pages.assign(pages, {});
  for (Pa& page : vcpu.tables.pages) v.value("vcpu.table", page.value);
  v.value("vcpu.vttbr", vcpu.vttbr);
  v.value("vcpu.loaded_hcr", vcpu.loaded_hcr);
  if (v.restoring()) vcpu.stop = {};  // has been acted on
}

void visit_stats(StateVisitor& v, Stats& stats) {
  static_assert(std::has_unique_object_representations_v<Stats>, "only numbers");
  v.value("vm.stats", stats);
}

}  // namespace

void Vm::visit_state(StateVisitor& v) {
  VmState& vm = *state_;
  visit_stats(v, vm.stats);
  v.value("vm.vmid_tag", vm.vmid_tag.value);
  v.value("vm.vmid", vm.vmid);
  vm.space.visit_state(v);
  vm.tables->visit_state(v);
  u64 slots = vm.slots.all().size();
  v.value("vm.slots", slots);
  if (slots != vm.slots.all().size()) return v.reject("vm.slots");
  for (Slot& slot : vm.slots.all()) visit_slot(v, slot);
  for (VcpuState& vcpu : vm.vcpus) visit_vcpu(v, vcpu);
  v.field("vm.last_vcpu", vm.last_vcpu_ran.data(), vm.last_vcpu_ran.size() * sizeof(int));
  v.value("vm.invalidate_seq", vm.invalidate_seq);
  v.value("vm.manual_protect", vm.manual_protect);
  v.value("vm.initially_set", vm.initially_set);
  v.value("vm.slots_generation", vm.slots_generation);
  for (const VcpuState*& loaded : vm.host.loaded) {
    u8 index = loaded == nullptr ? 255 : static_cast<u8>(loaded->index);
    v.value("host.loaded", index);
    loaded = index < vm.vcpus.size() ? &vm.vcpus[index] : nullptr;
  }
}

/// The references that are known of each frame are not more than it counts, so that none is ever put too often.
bool Vm::references_are_sound() const {
  const VmState& vm = *state_;
  const host::Frames& frames = vm.host.frames;
  std::map<u64, u64> known;
  bool sound = true;
  const auto one = [&](Pa pa) {
    if (!frames.contains(pa)) return void(sound = false);
    ++known[pa.value];
  };
  const auto range = [&](Pa pa, u64 size) {
    if (!frames.contains(pa)) return void(sound = false);
    if (frames.is_compound(pa)) return one(frames.head(pa));
    for (u64 offset = 0; offset < size && sound; offset += host::kPageSize) one(pa + offset);
  };
  vm.space.for_each_reference(range);
  vm.tables->for_each_table(one);
  for (const VcpuState& vcpu : vm.vcpus)
    for (Pa page : vcpu.tables.pages) one(page);
  return sound && std::all_of(known.begin(), known.end(),
                              [&](const auto& entry) { return frames.count(Pa{entry.first}) >= entry.second; });
}

void Hypervisor::visit_state(StateVisitor& v) {
  host_->frames.visit_state(v);
  host_->vmids->visit_state(v);
  for (const auto& vm : vms_) vm->visit_state(v);
}

bool Hypervisor::is_sound(const std::function<u64(Pa)>& peek) const {
  return std::all_of(vms_.begin(), vms_.end(), [&](const auto& vm) { return vm->is_sound(peek); });
}

bool Vm::is_sound(const std::function<u64(Pa)>& peek) const {
  const VmState& vm = *state_;
  const auto& slots = vm.slots.all();
  return vm.space.is_sound() && references_are_sound() && vm.tables->is_sound(peek) &&
         std::all_of(slots.begin(), slots.end(), [&](const Slot& slot) {
           return vm.space.covers({slot.hva, slot.size});
         });
}

}  // namespace farside::hyp

// core/pe/l0.cpp - the pool of L0 contexts: choosing, clearing, evicting.
#include "core/pe/l0.h"

#include <algorithm>

namespace farside::pe {

void L0Context::clear() {
  for (auto* table : {&read, &write, &fetch}) {
    table->fill({});
    table->front() = empty(0);
  }
  for (auto* table : {&aligned_read, &aligned_write}) {
    table->fill({});
    table->front() = empty(0);
  }
}

void L0Context::clear_page(u64 va) {
  const usize slot = index(va);
  read[slot] = write[slot] = fetch[slot] = empty(slot);
  aligned_read[aligned_index(va)] = aligned_write[aligned_index(va)] = empty(aligned_index(va));
}

// Every load, store and jump to another page looks here: small pages of the host would need many entries of its TLB.
L0::L0(unsigned contexts) : memory_(contexts, HostPages::Huge) {}

L0Context& L0::select(const L0Key& key) {
  ++counters.context_switches;
  ++tick_;
  L0Context* oldest = &contexts_.front();
  for (L0Context& context : contexts_) {
    if (context.live && context.key == key) {
      context.last_used = tick_;
      return context;
    }
    if (context.last_used < oldest->last_used) oldest = &context;
  }
  ++counters.context_misses;
  oldest->clear();
  oldest->key = key;
  oldest->live = true;
  oldest->last_used = tick_;
  return *oldest;
}

void L0::clear_all() {
  ++counters.clears;
  for (L0Context& context : contexts_) context.live = false;
  large_.clear();
}

void L0::revoke_write(const u8* host_page) {
  const auto revoke = [host_page](auto& table) {
    for (usize slot = 0; slot < table.size(); ++slot)
      if (table[slot].host == host_page) table[slot] = L0Context::empty(slot);
  };
  for (L0Context& context : contexts_) {
    if (!context.live) continue;
    revoke(context.write);
    revoke(context.aligned_write);
  }
}

void L0::forget(std::span<const u8> memory) {
  const auto drop = [memory](auto& table) {
    for (usize slot = 0; slot < table.size(); ++slot)
      if (table[slot].host >= memory.data() && table[slot].host < memory.data() + memory.size())
        table[slot] = L0Context::empty(slot);
  };
  for (L0Context& context : contexts_) {
    if (!context.live) continue;
    for (auto* table : {&context.read, &context.write, &context.fetch}) drop(*table);
    for (auto* table : {&context.aligned_read, &context.aligned_write}) drop(*table);
  }
}

void LargeMappings::note(u64 va, unsigned size_log2) {
  if (size_log2 <= 12) return;
  auto& map = size_log2 <= 21 ? large_2m_ : large_1g_;
  const usize index = region_bit(va >> (size_log2 <= 21 ? 21 : 30));
  map[index / 64] |= u64{1} << (index % 64);
}

bool LargeMappings::may_hold(u64 va) const {
  const usize m = region_bit(va >> 21), g = region_bit(va >> 30);
  return bit(large_2m_[m / 64], m % 64) || bit(large_1g_[g / 64], g % 64);
}

bool L0::clear_range(u64 va, u64 size) {
  constexpr u64 kMostPages = 64;  // beyond this, forgetting everything is cheaper
  // At most two regions of either size meet a range this short: those of its first and of its last byte.
  if (size > kMostPages * kL0PageSize || large_.may_hold(va) || large_.may_hold(va + size - 1)) {
    clear_all();
    return true;
  }
  ++counters.page_clears;
  for (u64 page = align_down(va, kL0PageSize); page < va + size; page += kL0PageSize)
    for (L0Context& context : contexts_)
      if (context.live) context.clear_page(page);
  return false;
}

}  // namespace farside::pe

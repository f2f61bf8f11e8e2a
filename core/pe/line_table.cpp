// core/pe/line_table.cpp - contexts of lent lines: choosing, filling, withdrawing, invalidating.
#include "core/pe/line_table.h"

#include <bit>
#include <utility>

namespace farside::pe {
namespace {

constexpr u64 kMostPages = 64;  ///< beyond this, forgetting everything is cheaper

/// Gives a slot in use a tag that no probe of it can match: it belongs to another slot.
template <class Slot>
void empty(Slot& slot) {
  slot = {.tag = slot.tag ^ kLineBytes};
}

constexpr usize page_bit(u64 va) { return ((va / kL0PageSize) * 0x9e3779b97f4a7c15) >> 54; }

template <class Table>
void clear_table(Table& table) {
  table.fill({});
  table[0].tag = kLineBytes;  // 0 is no tag of the other slots
}

}  // namespace

void LineContext::clear() {
  clear_table(read);
  clear_table(write);
  clear_table(fetch);
  clear_table(stores);
  loads.fill({});
  loads.front() = L0Context::empty(0);
  pages.fill(0);
  fetches = 0;
}

void LineContext::clear_page(u64 va) {
  const u64 bit = page_bit(va);
  if ((pages[bit / 64] >> bit % 64 & 1) == 0) return;
  const auto drop = [va](auto& table) {
    const usize first = index_in(table, align_down(va, kL0PageSize));
    for (usize slot = first; slot < first + kL0PageSize / kLineBytes; ++slot)
      if (table[slot].host != nullptr && (table[slot].tag ^ va) < kL0PageSize) empty(table[slot]);
  };
  drop(read);
  drop(write);
  drop(fetch);
  drop(stores);
  const usize slot = L0Context::index(va);
  if ((loads[slot].tag ^ va) < kL0PageSize) loads[slot] = L0Context::empty(slot);
}

LineContext& LineTables::select(const L0Key& key) {
  ++tick_;
  LineContext* oldest = nullptr;
  for (LineContext& context : contexts()) {
    if (context.live && context.key == key) {
      context.last_used = tick_;
      return context;
    }
    if (oldest == nullptr || context.last_used < oldest->last_used) oldest = &context;
  }
  if (used_ < kContexts) {
    oldest = &memory_.all()[used_];
    oldest->number = static_cast<u32>(used_++);
  }
  oldest->clear();
  oldest->key = key;
  oldest->live = true;
  oldest->last_used = tick_;
  return *oldest;
}

LineContext* LineTables::find(const L0Key& key) const {
  for (LineContext& context : contexts())
    if (context.live && context.key == key) return &context;
  return nullptr;
}

/// What is translated of the lines stays known: they are where they were.
void LineTables::retire() {
  for (LineContext& context : contexts()) context.live = false;
  for (auto* lines : {&fetched_, &fetched_whole_})
    for (Fetched& line : *lines) line.contexts = 0;
  large_.clear();
}

void LineTables::clear() {
  retire();
  fetched_.clear();
  fetched_whole_.clear();
  whole_.clear();
}

void LineTables::invalidate(const mmu::TlbiOp& op) {
  using mmu::TlbiKind;
  switch (op.kind) {
    case TlbiKind::Ipa: return;  // combined translations stay until an operation by VA or of everything
    case TlbiKind::Asid:
      for (LineContext& context : contexts()) context.live &= context.key.asid != op.asid;
      return;
    case TlbiKind::Va:
    case TlbiKind::Vaa: break;
    default: return retire();
  }
  if (op.size > kMostPages * kL0PageSize || large_.may_hold(op.base) || large_.may_hold(op.base + op.size - 1))
    return retire();
  for (u64 page = align_down(op.base, kL0PageSize); page < op.base + op.size; page += kL0PageSize)
    for (LineContext& context : contexts())
      if (context.live) context.clear_page(page);
}

template <class Slot>
void LineTables::withdraw(std::vector<Owner<Slot>>& owners, u32 place) {
  if (place >= owners.size()) return;
  Owner<Slot>& owner = owners[place];
  if (owner.slot != nullptr && owner.slot->host == owner.host) empty(*owner.slot);
  owner = {};
}

template <class Slot>
void LineTables::own(std::vector<Owner<Slot>>& owners, u32 place, Slot& slot) {
  if (place >= owners.size()) owners.resize(place + 1);
  if (owners[place].slot != &slot) withdraw(owners, place);
  owners[place] = {&slot, slot.host};
}

void LineTables::note_page(LineContext& context, u64 va, unsigned size_log2) {
  const usize bit = page_bit(va);
  context.pages[bit / 64] |= u64{1} << bit % 64;
  large_.note(va, size_log2);
}

void LineTables::insert_read(LineContext& context, u64 va, u8* host, u32 place, unsigned size_log2) {
  DataLine& slot = context.read[LineContext::index_in(context.read, va)];
  slot = {align_down(va, kLineBytes), host};
  own(readers_, place, slot);
  note_page(context, va, size_log2);
}

void LineTables::insert_write(LineContext& context, u64 va, u8* host, u32 place, unsigned size_log2) {
  DataLine& slot = context.write[LineContext::index_in(context.write, va)];
  slot = {align_down(va, kLineBytes), host};
  own(writers_, place, slot);
  note_page(context, va, size_log2);
}

/// Of one address, the slot is the same in each context's table.
void LineTables::empty_slots(Fetched& line) {
  for (u32 left = std::exchange(line.contexts, 0); left != 0; left &= left - 1) {
    auto& table = contexts()[static_cast<usize>(std::countr_zero(left))].fetch;
    FetchLine& slot = table[LineContext::index_in(table, line.va)];
    if (slot.host == line.host) empty(slot);
  }
}

void LineTables::insert_fetch(LineContext& context, u64 va, const u8* host, bool guarded, u32 place, unsigned size_log2,
                              bool alone) {
  if (place >= cache::kFirstWholeCodePlace) {
    if (fetched_whole_.empty()) fetched_whole_.resize(cache::kWholeCodePlaces);
  } else if (place >= fetched_.size()) {
    fetched_.resize(place + 1);
  }
  const u64 tag = align_down(va, kLineBytes);
  Fetched& line = *fetched_at(place);
  const bool same = line.va == tag && line.host == host && line.guarded == guarded;
  if (alone || !same) empty_slots(line);
  if (!same) line = {tag, host, nullptr, 0, guarded};
  line.contexts |= u32{1} << context.number;
  context.fetch[LineContext::index_in(context.fetch, va)] = {tag, host, line.code, guarded, place};
  note_page(context, va, size_log2);
}

void LineTables::empty_slots(const Whole& whole, u64 lines, bool loads) {
  for (u32 left = whole.contexts; left != 0; left &= left - 1) {
    LineContext& context = contexts()[static_cast<usize>(std::countr_zero(left))];
    const usize page = L0Context::index(whole.va), first = LineContext::index_in(context.stores, whole.va);
    if (loads && context.loads[page].host == whole.page) context.loads[page] = L0Context::empty(page);
    for (u64 line = lines; line != 0; line &= line - 1) {
      const auto number = static_cast<usize>(std::countr_zero(line));
      DataLine& slot = context.stores[first + number];
      if (slot.host == whole.page + number * kLineBytes) empty(slot);
    }
  }
}

/// Where `page` is known, which is at `va` from now on.
LineTables::Whole& LineTables::whole_at(LineContext& context, u64 va, u8* page, u32 place) {
  if (whole_.empty()) whole_.resize(cache::kWholePlaces);
  Whole& whole = whole_[place];
  const u64 tag = align_down(va, kL0PageSize);
  if (whole.page != page || whole.va != tag) {
    empty_slots(whole, ~u64{0}, true);
    whole = {tag, page, 0};
  }
  whole.contexts |= u32{1} << context.number;
  return whole;
}

void LineTables::insert_page(LineContext& context, u64 va, u8* page, u32 place, unsigned size_log2) {
  context.loads[L0Context::index(va)] = {whole_at(context, va, page, place).va, page};
  note_page(context, va, size_log2);
}

void LineTables::insert_store(LineContext& context, u64 va, u8* line, u32 place, unsigned size_log2) {
  whole_at(context, va, line - (va & (kL0PageSize - kLineBytes)), place);
  context.stores[LineContext::index_in(context.stores, va)] = {align_down(va, kLineBytes), line};
  note_page(context, va, size_log2);
}

void LineTables::withdraw_page(const u8* page, u32 place, u64 lines, bool loads) {
  if (whole_.empty()) return;
  const Whole& whole = whole_[place];
  if (whole.page == page) empty_slots(whole, lines, loads);
}

void LineTables::withdraw_read(u32 place) { withdraw(readers_, place); }
void LineTables::withdraw_write(u32 place) { withdraw(writers_, place); }

/// What is known of a line, or null: nothing was ever lent there.
LineTables::Fetched* LineTables::fetched_at(u32 place) {
  const bool whole = place >= cache::kFirstWholeCodePlace;
  auto& lines = whole ? fetched_whole_ : fetched_;
  const u32 number = whole ? place - cache::kFirstWholeCodePlace : place;
  return number < lines.size() ? &lines[number] : nullptr;
}

void LineTables::withdraw_fetch(u32 place) {
  Fetched* const line = fetched_at(place);
  if (line == nullptr) return;
  empty_slots(*line);
  *line = {};
}

void LineTables::set_code(FetchLine& line, const void* code) {
  line.code = code;
  if (Fetched& known = *fetched_at(line.place); known.host == line.host && known.va == line.tag) known.code = code;
}

void LineTables::forget_code() {
  for (LineContext& context : contexts())
    for (FetchLine& line : context.fetch) line.code = nullptr;
  for (auto* lines : {&fetched_, &fetched_whole_})
    for (Fetched& line : *lines) line.code = nullptr;
}

}  // namespace farside::pe

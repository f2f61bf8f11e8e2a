// core/pe/cached_memory.cpp - accesses of a PE whose caches are modelled: each goes through the hierarchy with its
// context.
#include <algorithm>

#include "core/pe/lent_line.h"
#include "core/pe/piece.h"

namespace farside::pe {
namespace {

constexpr u64 kLineMask = cache::kLine - 1;
constexpr u64 kSctlrA = u64{1} << 1;

}  // namespace

/// Who accesses what: the final attributes decide the path, the rest is for reports.
cache::AccessInfo Pe::cache_access(cache::AccessKind kind, El el, u64 va, const mmu::Translation& t) {
  const mmu::Regime& r = regime(el);
  cache::AccessInfo info;
  info.core = physical_;
  info.kind = kind;
  info.el = el;
  // Stage 1 leaves Normal Non-cacheable where SCTLR_ELx.C = 0 has taken a mapping's cacheability away.
  info.cache_disabled = kind == cache::AccessKind::Data && r.s1_enabled && !r.data_cacheable &&
                        t.s1_attr.is_non_cacheable() && t.attr.is_non_cacheable();
  info.vmid = r.s2_enabled ? r.vmid : u16{0};
  info.asid = r.asid;
  info.attr = t.attr;
  info.s1 = t.s1_attr;
  info.pc = s.pc;
  info.va = va;
  info.ipa = t.ipa.value;
  return info;
}

cache::AccessInfo Pe::walk_access(Pa pa, const MemAttr& attr, u64 va) const {
  cache::AccessInfo info;
  info.core = physical_;
  info.kind = cache::AccessKind::Walk;
  info.el = el();
  info.attr = info.s1 = attr;
  info.pc = s.pc;
  info.va = va;
  info.ipa = pa.value;
  return info;
}

std::optional<u64> Pe::cached_descriptor(Pa pa, const MemAttr& attr, u64 va) {
  u64 value = 0;
  if (!ports.caches->read(walk_access(pa, attr, va), pa, {reinterpret_cast<u8*>(&value), sizeof value}))
    return std::nullopt;
  return value;
}

mmu::SwapOutcome Pe::cached_descriptor_swap(Pa pa, const MemAttr& attr, u64 va, u64 expected, u64 desired) {
  u64 seen = 0;
  const auto bytes = [](u64& value) { return std::span<u8>(reinterpret_cast<u8*>(&value), sizeof value); };
  if (!ports.caches->compare_exchange(walk_access(pa, attr, va), pa, bytes(expected), bytes(desired), bytes(seen)))
    return mmu::SwapOutcome::ExternalAbort;
  return seen == expected ? mmu::SwapOutcome::Done : mmu::SwapOutcome::Mismatch;
}

bool Pe::peek_physical(Pa pa, void* out, usize size) const {
  if (ports.caches != nullptr)
    return ports.caches->peek(pa, {static_cast<u8*>(out), size}, cache::View::Cached, physical_);
  const u8* page = ports.bus->ram_page(pa.align_down(kL0PageSize));
  if (page == nullptr) return false;
  std::memcpy(out, page + pa.offset_in(kL0PageSize), size);
  return true;
}

/// Where the answer of the TLB for the page of `va` is kept, if it is.
Pe::KnownPage& Pe::known_page(u64 va, bool fetch) {
  const u64 page = va / kL0PageSize;
  return known_pages_[(page ^ page >> 9 ^ (fetch ? 256 : 0) ^ line_context->fetches * 37) % known_pages_.size()];
}

bool Pe::is_current(const KnownPage& known, u64 va, bool fetch) const {
  return known.tag == (align_down(va, kL0PageSize) | fetch) && known.context == line_context->fetches &&
         known.generation == tlb.generation(va);
}

/// Translates as the TLB would, which has had this page ever since it was asked for it.
bool Pe::known_piece(u64 va, unsigned size, const Access& access, Piece& piece) {
  const KnownPage& known = known_page(va, access.is_fetch());
  if (!is_current(known, va, access.is_fetch()) || access.atomic || access.exclusive || access.unprivileged ||
      access.ivac)
    return false;
  const mmu::Prot& prot = known.t.prot;
  if (!(access.is_fetch() ? prot.execute : access.is_write() ? prot.write : prot.read)) return false;
  piece.va = va;
  piece.size = size;
  static_cast<mmu::TranslationFacts&>(piece.t) = known.t;
  piece.t.pa = known.t.pa + va % kL0PageSize;
  piece.t.ipa = known.t.ipa + va % kL0PageSize;
  piece.page = known.host;
  piece.rom = false;
  tlb.count_hit();
  return true;
}

/// The TLB had an entry for the piece. Two entries for one address, which some knobs allow, are looked up each time.
void Pe::keep_piece(const Access& access, const Piece& piece) {
  const bool ordinary = piece.page != nullptr && !piece.rom && !piece.t.attr.is_device() &&
                        (tlb.knobs().bbm == mmu::Bbm::Old || tlb.knobs().bbm == mmu::Bbm::New);
  if (!ordinary || access.atomic || access.exclusive || access.unprivileged || access.ivac) return;
  const bool fetch = access.is_fetch();
  KnownPage& known = known_page(piece.va, fetch);
  known = {align_down(piece.va, kL0PageSize) | fetch, line_context->fetches, tlb.generation(piece.va), piece.t,
           piece.page};
  known.t.pa = known.t.pa.align_down(kL0PageSize);
  known.t.ipa = known.t.ipa.align_down(kL0PageSize);
  known.info = cache_access(fetch ? cache::AccessKind::Fetch : cache::AccessKind::Data, el(), piece.va, piece.t);
  known.unchecked = (sctlr() & kSctlrA) == 0;
}

bool Pe::access_line(u64 va, unsigned size, bool write, u8* data) {
  const KnownPage& known = known_page(va, false);
  const mmu::Prot& prot = known.t.prot;
  const bool possible = is_current(known, va, false) && known.unchecked && !debug_active &&
                        (va & kLineMask) + size <= kLineBytes && (write ? prot.write : prot.read);
  if (!possible) return false;
  ++(write ? counters.slow_stores : counters.slow_loads);
  tlb.count_hit();
  cache::AccessInfo info = known.info;
  info.pc = s.pc;
  info.va = va;
  info.ipa = known.t.ipa.value + va % kL0PageSize;
  const Pa pa = known.t.pa + va % kL0PageSize;
  const cache::LinePointer line = write ? ports.caches->write_and_lend(info, pa, {data, size})
                                        : ports.caches->read_and_lend(info, pa, {data, size});
  if (line.data != nullptr) remember_line(*line_context, known.t, va, line, write);
  return true;
}

/// What load_slow and store_slow try first.
bool Pe::cached_access_fast(u64 va, unsigned size, const MemRequest& how, bool write, u8* data) {
  if (made_ != nullptr) [[unlikely]] {
    if (!write) std::memcpy(data, made_, size);
    made_ = nullptr;
    return true;
  }
  if (access_known(va, size, how, write, data)) return true;
  const bool ordinary =
      !how.unprivileged && !how.exclusive && !how.atomic && !how.zva && (!how.acquire_release || is_aligned(va, size));
  return ordinary && access_line(va, size, write, data);
}

bool Pe::is_cached(const Piece& piece) const { return ports.caches != nullptr && piece.page != nullptr && !piece.rom; }

/// Reads or writes RAM through the hierarchy, and remembers what it lends: only for accesses that need no check each
/// time.
void Pe::cached_access(const Piece& piece, El from, bool write, u8* data, const L0Context& context) {
  const cache::AccessInfo info = cache_access(cache::AccessKind::Data, from, piece.va, piece.t);
  cache::Hierarchy& caches = *ports.caches;
  const bool allowed = write ? piece.t.prot.write : piece.t.prot.read;
  const bool unchecked = allowed && !debug_active && (sctlr() & kSctlrA) == 0;
  LineContext* const lines = &context == l0_context ? line_context : unprivileged_lines();
  if (!unchecked || lines == nullptr) {
    write ? caches.write(info, piece.t.pa, {data, piece.size}) : caches.read(info, piece.t.pa, {data, piece.size});
    return;
  }
  for (unsigned done = 0; done < piece.size;) {
    const Pa pa = piece.t.pa + done;
    const auto size = static_cast<unsigned>(std::min<u64>(piece.size - done, kLineBytes - pa.offset_in(kLineBytes)));
    const std::span<u8> bytes{data + done, size};
    const cache::LinePointer line =
        write ? caches.write_and_lend(info, pa, bytes) : caches.read_and_lend(info, pa, bytes);
    if (line.data != nullptr) remember_line(*lines, piece.t, piece.va + done, line, write);
    done += size;
  }
}

/// What is lent for stores serves loads, too.
void Pe::remember_line(LineContext& lines, const mmu::Translation& t, u64 va, const cache::LinePointer& line,
                       bool write) {
  const unsigned size_log2 = t.leaf_size_log2;
  if (!keeps_translations()) return;
  if (line.page != nullptr) {
    if (t.prot.read) line_tables_.insert_page(lines, va, line.page, line.place, size_log2);
    if (write) line_tables_.insert_store(lines, va, line.data, line.place, size_log2);
    return;
  }
  if (t.prot.read) line_tables_.insert_read(lines, va, line.data, line.place, size_log2);
  if (write) line_tables_.insert_write(lines, va, line.data, line.place, size_log2);
}

/// What is lent to EL0, for LDTR and STTR. Its context may be made here, but is not younger for being used: translated
/// code does not say how often it does that.
LineContext* Pe::unprivileged_lines() {
  const L0Context& context = unprivileged_context();
  if (&context == l0_context) return line_context;
  if (lines_unprivileged_ == nullptr) lines_unprivileged_ = line_tables_.find(context.key);
  if (lines_unprivileged_ == nullptr) lines_unprivileged_ = &line_tables_.select(context.key);
  return lines_unprivileged_;
}

/// Does an access that lent lines serve, one or two of them.
bool Pe::access_known(u64 va, unsigned size, const MemRequest& how, bool write, u8* data) {
  if (size > kLineBytes || debug_active) return false;
  if ((how.acquire_release || how.exclusive || how.atomic) && !is_aligned(va, size)) return false;
  const LineContext* const lines = how.unprivileged ? unprivileged_lines() : line_context;
  if (lines == nullptr) return false;
  const auto& table = write ? lines->write : lines->read;
  const auto copy = [write](u8* line, u8* bytes, unsigned n) {
    write ? std::memcpy(line, bytes, n) : std::memcpy(bytes, line, n);
  };
  u8* const whole = write ? find_line(lines->stores, va, size) : find_page(lines->loads, va, size);
  if (u8* host = whole != nullptr ? whole : find_line(table, va, size)) {
    copy(host, data, size);
    return true;
  }
  const auto first = static_cast<unsigned>(kLineBytes - (va & kLineMask));
  if (first >= size) return false;
  const auto part = [&](u64 at, unsigned n) {
    u8* const line = write ? find_line(lines->stores, at, n) : find_page(lines->loads, at, n);
    return line != nullptr ? line : find_line(table, at, n);
  };
  u8 *const low = part(va, first), *const high = part(va + first, size - first);
  if (low == nullptr || high == nullptr) return false;
  copy(low, data, first);
  copy(high, data + first, size - first);
  return true;
}

/// The line of PC for the fetch unit; where none is lent, the one instruction.
bool Pe::cached_fetch(u64 pc) {
  ++counters.slow_fetches;
  Piece piece;
  if (!translate_piece(pc, 4, make_access(AccessKind::Fetch, pc, 4, {}), piece)) return false;
  const KnownPage& known = known_page(pc, true);
  cache::AccessInfo info = known.info;
  if (is_current(known, pc, true)) {
    info.pc = s.pc;
    info.va = pc;
    info.ipa = piece.t.ipa.value;
  } else {
    info = cache_access(cache::AccessKind::Fetch, el(), pc, piece.t);
  }
  const u64 offset = pc & kLineMask;
  if (piece.rom) {
    fetch_page = {pc - offset, piece.page + (piece.t.pa.offset_in(kL0PageSize) & ~kLineMask), piece.t.guarded};
    return true;
  }
  fetch_page = {FetchPage::kNone, fetch_line_.data(), piece.t.guarded};
  if (const u8* line = piece.page == nullptr ? nullptr : ports.caches->fetch_pointer(info, piece.t.pa)) {
    fetch_page = {pc - offset, line, piece.t.guarded};
    const u32 place = ports.caches->place_of(physical_, cache::Side::Instruction, line, piece.t.pa);
    // The fetch buffer asks in which context a line was lent last.
    const bool alone = ports.caches->knobs().fetch_buffer != cache::FetchBufferUse::None;
    line_tables_.insert_fetch(*line_context, pc, line, piece.t.guarded, place, piece.t.leaf_size_log2, alone);
    return true;
  }
  if (const auto word = ports.caches->fetch(info, piece.t.pa)) {
    std::memcpy(fetch_line_.data() + offset, &*word, sizeof *word);
    return true;
  }
  Fault fault;
  fault.kind = FaultKind::SyncExternal;
  fault.fetch = true;
  fault.va = Va{pc};
  raise(fault);
  return false;
}

bool Pe::fetch_known_line(u64 pc) {
  const FetchLine* line = line_context->find_fetch(pc);
  if (line == nullptr) return false;
  fetch_page = {pc & ~kLineMask, line->host, line->guarded != 0};
  return true;
}

/// The location of an exclusive or atomic in a lent line, or null.
u8* Pe::lent_spot(u64 va, unsigned size, bool write) {
  if (debug_active || !is_aligned(va, size)) return nullptr;
  u8* const whole = write ? find_line(line_context->stores, va, size) : find_page(line_context->loads, va, size);
  u8* const host = whole != nullptr ? whole : find_line(write ? line_context->write : line_context->read, va, size);
  if (host == nullptr) return nullptr;
  spot_.t.attr = cache::kWriteBackIsh;  // or another Write-Back memory
  spot_.ram = whole != nullptr ? whole : memory_behind(host - (va & kLineMask)) + (va & kLineMask);
  spot_.lent = true;
  return host;
}

/// The location of an exclusive or atomic: in a lent line, or read into a buffer where the instruction works, and
/// stored by spot_written.
u8* Pe::cached_spot(u64 va, unsigned size, bool write, bool atomic) {
  if (u8* host = lent_spot(va, size, write)) return host;
  const MemRequest how{.exclusive = !atomic, .atomic = atomic};
  if (!check_alignment(va, size, how, write)) return nullptr;
  const Access access = make_access(write ? AccessKind::Write : AccessKind::Read, va, size, how);
  Piece piece;
  if (!locate_piece(va, size, access, piece)) return nullptr;
  spot_ = {piece.t, va, access.el, piece.page + piece.t.pa.offset_in(kL0PageSize), false};
  // A store-exclusive only stores; everything else sees the location first.
  if (!write || atomic) cached_access(piece, access.el, false, spot_data_.data(), *l0_context);
  return spot_data_.data();
}

void Pe::store_spot(unsigned size) {
  if (spot_.lent) return;
  const Piece piece{.va = spot_.va, .size = size, .t = spot_.t};
  cached_access(piece, spot_.el, true, spot_data_.data(), *l0_context);
}

bool Pe::cached_zero(const Piece& piece) {
  std::array<u8, kZvaBytes> zeros{};
  Piece block = piece;
  block.va = align_down(piece.va, kZvaBytes);
  block.t.pa = piece.t.pa.align_down(kZvaBytes);
  block.size = kZvaBytes;
  cached_access(block, el(), true, zeros.data(), *l0_context);
  return true;
}

/// Context of a maintenance instruction, for reports.
cache::AccessInfo Pe::maintenance_access() const {
  cache::AccessInfo info;
  info.core = physical_;
  info.el = el();
  info.attr = cache::kWriteBackIsh;
  info.pc = s.pc;
  return info;
}

void Pe::cache_barrier(cache::Barrier kind) { ports.caches->barrier(physical_, kind); }

void Pe::line_withdrawn(cache::Side side, u32 place, cache::Withdrawn what) {
  if (side == cache::Side::Instruction) {
    line_tables_.withdraw_fetch(place);
    fetch_page.page = FetchPage::kNone;
    return;
  }
  line_tables_.withdraw_write(place);
  if (what == cache::Withdrawn::All) line_tables_.withdraw_read(place);
}

void Pe::page_withdrawn(const u8* page, u32 place, u64 lines, cache::Withdrawn what) {
  line_tables_.withdraw_page(page, place, lines, what == cache::Withdrawn::All);
  pages_withdrawn += what == cache::Withdrawn::All;
}

/// The lines that belong to the current context. Fetches begin anew, as each change of context synchronises it.
void Pe::choose_lines() {
  order = &ports.caches->order(physical_);
  lines_unprivileged_ = nullptr;
  line_context = &line_tables_.select(l0_context->key);
  if (line_context->fetches == 0) {
    line_context->fetches = ports.caches->forget_fetched(physical_);
  } else {
    ports.caches->resume_fetching(physical_, line_context->fetches);
  }
}

std::optional<MemAttr> Pe::stage2_attr(Ipa ipa, El el) {
  const mmu::Regime& r = regime(el);
  if (!r.s2_enabled) return std::nullopt;
  Peeker walker(*this, 0);
  mmu::Tlb scratch({.entries_log2 = 2, .s2_entries_log2 = 2});
  Access access;
  access.el = el;
  const auto t = mmu::translate_ipa(r, ipa, access, walker, scratch);
  if (!t.ok()) return std::nullopt;
  return t->attr;
}

}  // namespace farside::pe

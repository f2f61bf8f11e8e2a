// core/pe/memory.cpp - the one door to memory behind L0: alignment, translation, watchpoints, RAM or device.
#include <algorithm>
#include <cstring>

#include "core/pe/piece.h"
#include "mmu/explain.h"

namespace farside::pe {

u64 Pe::sctlr() const {
  return mmu::regime_of(el(), s.sys[SysReg::HCR_EL2]) == RegimeId::EL10 ? s.sys[SysReg::SCTLR_EL1]
                                                                        : s.sys[SysReg::SCTLR_EL2];
}

namespace {

constexpr u64 kSctlrA = u64{1} << 1, kSctlrSA = u64{1} << 3, kSctlrSA0 = u64{1} << 4;
constexpr u64 kHcrTge = u64{1} << 27, kHcrE2h = u64{1} << 34;

/// LDTR and STTR act as EL0 from EL1, and from EL2 when it hosts EL0 (E2H and TGE).
bool unprivileged_is_el0(El el, u64 hcr, bool uao) {
  if (uao) return false;
  return el == El::EL1 || (el == El::EL2 && (hcr & (kHcrTge | kHcrE2h)) == (kHcrTge | kHcrE2h));
}

Fault alignment_fault(u64 va, bool write) {
  Fault fault;
  fault.kind = FaultKind::Alignment;
  fault.write = write;
  fault.va = Va{va};
  return fault;
}

}  // namespace

Access Pe::make_access(AccessKind kind, u64, unsigned size, const MemRequest& how) const {
  Access access;
  access.kind = kind;
  access.el =
      how.unprivileged && unprivileged_is_el0(el(), s.sys[SysReg::HCR_EL2], s.pstate[Pstate::UAO]) ? El::EL0 : el();
  access.size = how.element != 0 ? how.element : static_cast<u8>(size);
  access.unprivileged = how.unprivileged;
  access.pan = s.pstate[Pstate::PAN] && access.el != El::EL0;
  access.atomic = how.atomic;
  access.exclusive = how.exclusive;
  access.acquire_release = how.acquire_release;
  access.zva = how.zva;
  access.syndrome = how.syndrome;
  return access;
}

bool Pe::check_alignment(u64 va, unsigned size, const MemRequest& how, bool write) {
  const unsigned element = how.element != 0 ? how.element : size;
  const bool always = how.exclusive || how.atomic || how.acquire_release;
  if (is_aligned(va, always ? size : element)) return true;
  if (!always && (sctlr() & kSctlrA) == 0) return true;
  raise(alignment_fault(va, write));
  return false;
}

std::optional<mmu::Translation> Pe::translate(u64 va, const Access& access) {
  Walker walker(*this, va);
  const u64 misses = tlb.stats().misses;
  auto result = mmu::translate(regime(access.el), Va{va}, access, walker, tlb);
  if (!result.ok()) {
    trace_fault(result.error());
    raise(result.error());
    return std::nullopt;
  }
  if (ports.trace->on(TraceGroup::Mmu) && tlb.stats().misses != misses) {
    ports.trace->emit(
        TraceGroup::Mmu, index_, "walk",
        {{"va", va}, {"ipa", result->ipa.value}, {"pa", result->pa.value}, {"size", u64{1} << result->size_log2}});
  }
  return *result;
}

void Pe::trace_fault(const Fault& fault) const {
  if (!ports.trace->on(TraceGroup::Mmu)) return;
  ports.trace->emit(TraceGroup::Mmu, index_, "fault",
                    {{"va", fault.va.value},
                     {"ipa", fault.ipa.value},
                     {"fsc", encode_fsc(fault.kind, fault.level)},
                     {"stage", fault.stage},
                     {"s1ptw", fault.s1ptw},
                     {"write", fault.write},
                     {"pc", s.pc}});
}

bool Pe::translate_piece(u64 va, unsigned size, const Access& access, Piece& piece) {
  if (ports.caches != nullptr && known_piece(va, size, access, piece)) return true;
  const u64 hits = tlb.stats().hits;
  const auto t = translate(va, access);
  if (!t) return false;
  const Pa page = t->pa.align_down(kL0PageSize);
  piece = {va, size, *t, ports.bus->ram_page(page)};
  if (piece.page == nullptr && !access.is_write() && !access.atomic && !access.exclusive) {
    piece.page = const_cast<u8*>(ports.bus->rom_page(page));
    piece.rom = piece.page != nullptr;
  }
  if (ports.caches != nullptr && tlb.stats().hits == hits + 1) keep_piece(access, piece);
  return true;
}

bool Pe::translate_span(u64 va, unsigned size, const Access& access, Piece (&pieces)[2]) {
  const unsigned first = static_cast<unsigned>(std::min<u64>(size, kL0PageSize - (va & (kL0PageSize - 1))));
  if (!translate_piece(va, first, access, pieces[0])) return false;
  if (first < size) {
    Access rest = access;
    rest.size = 1;  // alignment has been judged with the first byte
    if (!translate_piece(va + first, size - first, rest, pieces[1])) return false;
  }
  if (debug_active && watchpoint_hit(va, size, access.is_write() || access.atomic, access.el == El::EL0)) return false;
  return true;
}

/// The page may have an entry for writing: it is writable and holds no translated code. What stage 2 lets be written
/// but not read has none, because atomics, and loads beside stores, look for such entries alone.
bool Pe::may_install_write(const Piece& piece) {
  if (!piece.t.prot.write || !piece.t.prot.read || piece.rom) return false;
  if (ports.code_watch == nullptr) return true;
  if (ports.code_watch->holds_code(piece.page)) return false;
  ports.code_watch->note_writable(piece.page);
  return true;
}

void Pe::install(const Piece& piece, L0Context& context) {
  // Pages that need a check on each access never enter L0: devices, watchpoints.
  if (piece.page == nullptr || debug_active || !keeps_translations()) return;
  l0_.note_size(piece.va, piece.t.leaf_size_log2);
  if (piece.t.attr.is_device() || (sctlr() & kSctlrA) != 0) {
    const usize slot = L0Context::aligned_index(piece.va);
    const L0Entry entry{align_down(piece.va, kL0PageSize), piece.page};
    if (piece.t.prot.read) context.aligned_read[slot] = entry;
    if (may_install_write(piece)) context.aligned_write[slot] = entry;
    return;
  }
  if (piece.t.prot.read) l0_.insert_read(context, Va{piece.va}, piece.page);
  if (may_install_write(piece)) l0_.insert_write(context, Va{piece.va}, piece.page);
}

bool Pe::device_transfer(const Piece& piece, unsigned element, bool write, u8* data) {
  const unsigned step = std::clamp(element, 1u, 8u);
  for (unsigned done = 0; done < piece.size;) {
    const u64 offset = piece.va + done;
    // The largest naturally aligned power of two that fits: odd remainders reach the device byte by byte.
    unsigned size = step;
    while (size > piece.size - done || !is_aligned(offset, size)) size /= 2;
    u64 value = 0;
    ++counters.mmio;
    if (write) std::memcpy(&value, data + done, size);
    const Pa pa = piece.t.pa + done;
    if (!(write ? ports.bus->write(pa, size, value, index_) : ports.bus->read(pa, size, value, index_))) return false;
    if (!write) std::memcpy(data + done, &value, size);
    done += size;
  }
  return true;
}

bool Pe::transfer(const Piece& piece, unsigned element, bool write, u8* data) {
  if (piece.page != nullptr) {
    u8* host = piece.page + (piece.t.pa.value & (kL0PageSize - 1));
    if (write) {
      std::memcpy(host, data, piece.size);
      if (ports.code_watch != nullptr) ports.code_watch->written(piece.page);
    } else {
      std::memcpy(data, host, piece.size);
    }
    return true;
  }
  if (device_transfer(piece, element, write, data)) return true;
  Fault fault;
  fault.kind = FaultKind::SyncExternal;
  fault.write = write;
  fault.va = Va{piece.va};
  raise(fault);
  return false;
}

/// Does a translated access; the first page may be accessed directly from now on.
bool Pe::access_pieces(Piece (&pieces)[2], const Access& access, const MemRequest& how, bool write, u8* data) {
  L0Context& context = how.unprivileged ? unprivileged_context() : *l0_context;
  for (Piece& piece : pieces) {
    if (piece.size == 0) break;
    if (is_cached(piece)) {
      cached_access(piece, access.el, write, data, context);
    } else if (!transfer(piece, access.size, write, data)) {
      return false;
    }
    data += piece.size;
  }
  if (!is_cached(pieces[0])) install(pieces[0], context);
  return true;
}

/// Translates an exclusive or atomic access, which must be to RAM.
bool Pe::locate_piece(u64 va, unsigned size, const Access& access, Piece& piece) {
  if (!translate_piece(va, size, access, piece)) return false;
  if (debug_active && watchpoint_hit(va, size, access.is_write() || access.atomic, access.el == El::EL0)) return false;
  if (piece.page != nullptr) return true;
  Fault fault = alignment_fault(va, access.is_write());
  fault.kind = FaultKind::UnsupportedExclusive;
  raise(fault);
  return false;
}

u8* Pe::locate(u64 va, unsigned size, const Access& access) {
  Piece piece;
  if (!locate_piece(va, size, access, piece)) return nullptr;
  spot_.t.attr = piece.t.attr;
  if (access.is_write() && ports.code_watch != nullptr) ports.code_watch->written(piece.page);
  install(piece, *l0_context);
  return piece.page + (piece.t.pa.value & (kL0PageSize - 1));
}

/// Host address of an access to a page that only aligned accesses may use, or null.
u8* Pe::probe_aligned(u64 va, unsigned size, const MemRequest& how, bool write) {
  const unsigned element = how.element != 0 && !how.acquire_release ? how.element : size;
  if (!is_aligned(va, element)) return nullptr;
  const L0Context& context = how.unprivileged ? unprivileged_context() : *l0_context;
  const L0Entry& entry = (write ? context.aligned_write : context.aligned_read)[L0Context::aligned_index(va)];
  const u64 offset = va ^ entry.tag;
  return offset <= kL0PageSize - size ? entry.host + offset : nullptr;
}

bool Pe::load_slow(u64 va, unsigned size, const MemRequest& how, void* out) {
  if (const u8* host = probe_aligned(va, size, how, false)) {
    std::memcpy(out, host, size);
    return true;
  }
  if (ports.caches != nullptr && cached_access_fast(va, size, how, false, static_cast<u8*>(out))) return true;
  ++counters.slow_loads;
  if (!check_alignment(va, size, how, false)) return false;
  const Access access = make_access(AccessKind::Read, va, size, how);
  Piece pieces[2];
  return translate_span(va, size, access, pieces) && access_pieces(pieces, access, how, false, static_cast<u8*>(out));
}

bool Pe::store_slow(u64 va, unsigned size, const MemRequest& how, const void* data) {
  if (u8* host = probe_aligned(va, size, how, true)) {
    std::memcpy(host, data, size);
    return true;
  }
  u8* const bytes = const_cast<u8*>(static_cast<const u8*>(data));  // written through only when reading
  if (ports.caches != nullptr && cached_access_fast(va, size, how, true, bytes)) return true;
  ++counters.slow_stores;
  if (!check_alignment(va, size, how, true)) return false;
  const Access access = make_access(AccessKind::Write, va, size, how);
  Piece pieces[2];
  return translate_span(va, size, access, pieces) && access_pieces(pieces, access, how, true, bytes);
}

bool Pe::zero_block(u64 va) {
  constexpr u64 size = kZvaBytes;
  const u64 base = align_down(va, size);
  const L0Entry& entry = l0_context->write[L0Context::index(base)];
  if ((base ^ entry.tag) <= kL0PageSize - size) {
    std::memset(entry.host + (base ^ entry.tag), 0, size);
    return true;
  }
  std::array<u8, kZvaBytes> zeros{};
  if (ports.caches != nullptr && cached_access_fast(base, size, {}, true, zeros.data())) return true;
  const Access access = make_access(AccessKind::Write, va, 1, {.zva = true});
  Piece piece;
  if (!translate_piece(va, 1, access, piece)) return false;
  if (debug_active && watchpoint_hit(base, static_cast<unsigned>(size), true, el() == El::EL0)) return false;
  if (piece.page == nullptr) {
    Fault fault = alignment_fault(va, true);
    fault.kind = FaultKind::SyncExternal;
    raise(fault);
    return false;
  }
  if (is_cached(piece)) return cached_zero(piece);
  std::memset(piece.page + align_down(piece.t.pa.value & (kL0PageSize - 1), size), 0, size);
  if (ports.code_watch != nullptr) ports.code_watch->written(piece.page);
  install(piece, *l0_context);
  return true;
}

/// AArch64.BranchAddr: where the top byte is ignored for instructions, PC does not keep it.
u64 Pe::branch_address(u64 target) {
  const mmu::Regime& r = regime(el());
  const bool upper = r.two_ranges && bit(target, 55);
  const mmu::VaRange& range = r.range[upper];
  if (!range.tbi || range.tbid) return target;
  return upper ? target | ~ones(56) : target & ones(56);
}

bool Pe::fetch_slow(u64 pc) {
  if ((pc & 3) != 0) {
    raise(Ec::PC_ALIGN, 0);
    pending.far = pc;
    return false;
  }
  pc = s.pc = branch_address(pc);
  if (ports.caches != nullptr) return fetch_known_line(pc) || cached_fetch(pc);
  const L0Entry& entry = l0_context->fetch[L0Context::index(pc)];
  if ((pc ^ entry.tag) < kL0PageSize) {
    const u64 host = reinterpret_cast<u64>(entry.host);
    fetch_page = {align_down(pc, kL0PageSize), reinterpret_cast<const u8*>(host & ~u64{1}), (host & 1) != 0};
    return true;
  }
  ++counters.slow_fetches;
  Piece piece;
  if (!translate_piece(pc, 4, make_access(AccessKind::Fetch, pc, 4, {}), piece)) return false;
  if (piece.page == nullptr) {
    Fault fault;
    fault.kind = FaultKind::SyncExternal;
    fault.fetch = true;
    fault.va = Va{pc};
    raise(fault);
    return false;
  }
  const u8* const code = piece.rom ? piece.page : ports.bus->code_page(piece.page);
  fetch_page = {align_down(pc, kL0PageSize), code, piece.t.guarded};
  l0_.note_size(pc, piece.t.leaf_size_log2);
  l0_.insert_fetch(*l0_context, Va{pc}, code, piece.t.guarded);
  return true;
}

void Pe::rom_withdrawn(std::span<const u8> rom) {
  l0_.forget(rom);
  fetch_page.page = FetchPage::kNone;
}

Result<u64, Fault> Pe::at(const mmu::AtOp& op, Va va) {
  Walker walker(*this, va.value);
  const mmu::AtContext context{.el = el(), .pan = s.pstate[Pstate::PAN]};
  return mmu::address_translate(regime(op.regime), op, context, va, walker, tlb);
}

bool Pe::peek(Va va, void* out, usize size) {
  // A scratch TLB keeps the real one untouched.
  Peeker walker(*this, va.value);
  mmu::Tlb scratch({.entries_log2 = 2, .s2_entries_log2 = 2});
  u8* bytes = static_cast<u8*>(out);
  while (size > 0) {
    Access access;
    access.el = el();
    auto t = mmu::translate(regime(el()), va, access, walker, scratch);
    if (!t.ok()) return false;
    const usize here = std::min<usize>(size, kL0PageSize - va.offset_in(kL0PageSize));
    if (!peek_physical(t->pa, bytes, here)) return false;
    bytes += here;
    size -= here;
    va = va + here;
  }
  return true;
}

std::string Pe::explain(Va va, const Access& access) {
  Peeker walker(*this, va.value);
  return mmu::explain(regime(access.el), va, access, walker);
}

const mmu::Regime& Pe::regime(RegimeId id) {
  const auto slot = static_cast<usize>(id);
  if (!regime_valid_[slot]) {
    const SysRegs& r = s.sys;
    const mmu::ControlRegs control{
        .sctlr_el1 = r[SysReg::SCTLR_EL1],
        .tcr_el1 = r[SysReg::TCR_EL1],
        .ttbr0_el1 = r[SysReg::TTBR0_EL1],
        .ttbr1_el1 = r[SysReg::TTBR1_EL1],
        .mair_el1 = r[SysReg::MAIR_EL1],
        .sctlr_el2 = r[SysReg::SCTLR_EL2],
        .tcr_el2 = r[SysReg::TCR_EL2],
        .ttbr0_el2 = r[SysReg::TTBR0_EL2],
        .ttbr1_el2 = r[SysReg::TTBR1_EL2],
        .mair_el2 = r[SysReg::MAIR_EL2],
        .hcr_el2 = r[SysReg::HCR_EL2],
        .vtcr_el2 = r[SysReg::VTCR_EL2],
        .vttbr_el2 = r[SysReg::VTTBR_EL2],
    };
    regimes_[slot] = mmu::make_regime(control, id, cpu_.features, tlb.knobs().stale_controls);
    regime_valid_[slot] = true;
  }
  return regimes_[slot];
}

const mmu::Regime& Pe::regime(El el) { return regime(mmu::regime_of(el, s.sys[SysReg::HCR_EL2])); }

L0Key Pe::l0_key(El el, bool pan) {
  const mmu::Regime& r = regime(el);
  return {epoch_, r.asid, r.vmid, static_cast<u8>(static_cast<unsigned>(el) | static_cast<unsigned>(r.id) << 4), pan};
}

L0Context& Pe::choose_unprivileged() {
  const bool as_el0 = unprivileged_is_el0(el(), s.sys[SysReg::HCR_EL2], s.pstate[Pstate::UAO]);
  l0_unprivileged_ = as_el0 ? &l0_.select(l0_key(El::EL0, false)) : l0_context;
  return *l0_unprivileged_;
}

/// Each change of EL is a change of context.
void Pe::count_by_el(El now) {
  const u64 executed = instructions();
  executed_at_[number(counted_el_)] += executed - counted_;
  counted_ = executed;
  counted_el_ = now;
}

void Pe::context_changed() {
  const El now = el();
  count_by_el(now);
  fetch_page.page = FetchPage::kNone;
  l0_unprivileged_ = nullptr;
  l0_context = &l0_.select(l0_key(now, s.pstate[Pstate::PAN] && now != El::EL0));
  if (ports.caches != nullptr) choose_lines();
  sp_alignment_checked_ = stack_alignment_checked();
}

/// SCTLR_ELx.SA, or SA0 at EL0.
bool Pe::stack_alignment_checked() const { return (sctlr() & (el() == El::EL0 ? kSctlrSA0 : kSctlrSA)) != 0; }

void Pe::ttbr_changed() {
  for (bool& valid : regime_valid_) valid = false;
  context_changed();
}

void Pe::translation_changed() {
  ++epoch_;
  ttbr_changed();
}

void Pe::apply_tlbi(const mmu::TlbiOp& op) {
  tlb.invalidate(op);
  if (ports.caches != nullptr) {
    line_tables_.invalidate(op);
    choose_lines();
  }
  // L0 holds VA translations only: an IPA operation leaves it alone, as it leaves combined TLB entries.
  if (op.kind == mmu::TlbiKind::Ipa) return;
  const bool by_va = op.kind == mmu::TlbiKind::Va || op.kind == mmu::TlbiKind::Vaa;
  const bool retired = by_va ? l0_.clear_range(op.base, op.size) : (l0_.clear_all(), true);
  fetch_page.page = FetchPage::kNone;
  if (retired) context_changed();
}

void Pe::move_to(u32 physical, mmu::Tlb& core_tlb) {
  std::swap(tlb, core_tlb);
  physical_ = physical;
  monitor.armed = false;  // the ERET that ends a context switch opens it
  line_tables_.clear();   // its lines are in the caches of the other core
  translation_changed();
}

}  // namespace farside::pe

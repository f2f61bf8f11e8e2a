// core/jit/jit.cpp - the dispatcher: finds or makes the block at PC, runs it, connects blocks, forgets them.
#include "core/jit/jit.h"

#include "core/arch/sysreg_fields.h"
#include "core/jit/host_fp.h"

namespace farside::jit {
namespace {

using isa::Flow;

constexpr u64 kMostWrongGuesses = 1000;
constexpr unsigned kResumedRuns = 32;  ///< of code in which a slice has begun, before it is worth a translation
constexpr u32 kMostOtherLines = 4;     ///< that a connected jump finds where its target was
constexpr usize kHeatEntries = usize{1} << 16;
constexpr unsigned kRounds = 16;      ///< that a path is recorded
constexpr unsigned kMostRuns = 32;    ///< of instructions up to a branch, in one round
constexpr unsigned kMostOthers = 64;  ///< blocks that wait for one that does not come again

/// DC ZVA neither traps nor is it disabled (SCTLR_EL1.DZE, HCR_EL2.TDZ).
bool zva_allowed(const pe::Pe& pe) {
  const u64 hcr = pe.s.sys[SysReg::HCR_EL2];
  if (pe.el() == El::EL2) return true;
  if ((hcr & (Hcr::TGE.mask | Hcr::E2H.mask)) != 0) return false;  // rare: let the interpreter judge
  if (pe.features().el2 && (hcr & Hcr::TDZ.mask) != 0) return false;
  return pe.el() != El::EL0 || (pe.s.sys[SysReg::SCTLR_EL1] & u64{1} << 14) != 0;
}

/// HCR_EL2 and MDSCR_EL1 change only where translated code has been left.
u8 el1_rights(const pe::Pe& pe) {
  if (pe.el() != El::EL1 || !pe.s.pstate[Pstate::SP]) return 0;
  const Hcr hcr = Hcr::of(pe.features().el2 ? pe.s.sys[SysReg::HCR_EL2] : Hcr::APK.mask);
  const Mdscr debug = Mdscr::of(pe.s.sys[SysReg::MDSCR_EL1]);
  const bool quiet = !hcr[Hcr::VI] && !hcr[Hcr::VF] && !hcr[Hcr::VSE] && !debug[Mdscr::SS] && !debug[Mdscr::MDE];
  return static_cast<u8>(kEl1Storage | (hcr[Hcr::TVM] || hcr[Hcr::TRVM] ? 0 : kEl1Translation) |
                         (hcr[Hcr::APK] ? kEl1Keys : 0) | (hcr[Hcr::TID2] ? 0 : kEl1CacheType) |
                         (quiet ? kEl1Masks : 0));
}

/// The record that a Block::host of modelled caches points into.
CodeLine& code_line(u64 host) { return *reinterpret_cast<CodeLine*>(align_down(host, sizeof(CodeLine::bytes))); }

u64 page_of(u64 host) { return host & ~(pe::kL0PageSize - 1); }

/// Forms whose fast path computes with the host's floating-point unit.
bool is_floating_point(isa::A64 form) {
  using isa::A64;
  return (form >= A64::SCVTF_float_fix && form <= A64::FNMSUB_float) ||
         (form >= A64::FMULX_scalar_half && form <= A64::FCMLA_element_single);
}

}  // namespace

Jit::Jit(const Features& features, const JitOptions& options)
    : features_(features),
      options_(options),
      interp_(features),
      buffer_(options.code_bytes, options.host, options.lines, options.whole),
      translator_(features, buffer_, options.count_runs),
      blocks_(buffer_),
      code_lines_(options.lines),
      jump_cache_(std::make_unique<JumpCacheEntry[]>(usize{1} << kJumpCacheLog2)),
      heat_(options.lines && !options.whole ? nullptr : std::make_unique<Heat[]>(kHeatEntries)) {
  if (options_.count_runs) time_.begin();
  if (options_.forget_seed) forgetting_.emplace(*options_.forget_seed, "forget");
  if (!options_.perf_map.empty()) perf_map_.reset(std::fopen(options_.perf_map.c_str(), "w"));
  if (perf_map_ != nullptr) std::setvbuf(perf_map_.get(), nullptr, _IOLBF, BUFSIZ);
}

Jit::~Jit() = default;

bool Jit::host_can() { return HostFeatures::has_least(); }

void Jit::attach(pe::Pe& pe) {
  pes_.push_back(&pe);
  if (!options_.lines) pe.ports.code_watch = this;  // stores to lines that are lent for fetches are seen by the caches
}

void Jit::run(pe::Pe& pe) {
  const TimeSplit::Visit here(time_, Part::Dispatching);
  bool resumes = true;
  while (pe.budget > 0 && !pe.waiting) {
    if (pe.debug_active || pe.s.btype != 0 || pe.s.pstate[Pstate::IL] || pe.ports.trace->on(TraceGroup::Exec)) {
      interp_.step(pe);
      continue;
    }
    if (!pe.take_interrupt()) run_blocks(pe, resumes);
    resumes = false;
  }
}

/// An exception in place of an instruction. It takes time, as in the interpreter.
void Jit::take_instead(pe::Pe& pe) {
  pe.spend(1);
  pe.take_pending();
}

/// Makes fetch_page the page or line of PC, as the interpreter's fetch does; false with an exception pending.
bool Jit::find_page(pe::Pe& pe) {
  const u64 window = options_.lines ? pe::kLineBytes - 4 : pe::kL0PageSize - 4;
  if ((pe.s.pc & ~window) == pe.fetch_page.page) return true;
  if (options_.lines) code_lines_.prefetch(pe.s.pc);
  return pe.fetch_slow(pe.s.pc);
}

/// Block::host of the code at PC, which has been fetched; 0 if each fetch must be looked at. `apart`: see Block.
/// `likely`: see CodeLines.
u64 Jit::host_of_code(pe::Pe& pe, bool apart, CodeLine* likely) {
  const u64 pc = pe.s.pc;
  if (!options_.lines) {
    const u64 bytes = reinterpret_cast<u64>(pe.fetch_page.host) + (pc & 0xffc);
    return bytes + pe.fetch_page.guarded + (apart ? Block::kApart : 0);
  }
  if (code_lines_.full() || buffer_.left() < Translator::kMostBytes) {  // not later, when a record is in use
    flush();
    likely = nullptr;
  }
  pe::FetchLine* const line = pe.line_context->find_fetch(pc);
  if (line == nullptr) return 0;
  if (line->code == nullptr) pe.set_code(*line, &code_lines_.find(line->tag, line->host, line->guarded != 0, likely));
  return reinterpret_cast<u64>(line->code) + (pc & 0x3c) + line->guarded + (apart ? Block::kApart : 0);
}

/// With modelled caches: the code of the instruction at `pc` in the line of `host`, or null.
const u8* Jit::translated(u64 pc, u64 host) const {
  const u32 offset = code_line(host).code[pc / 4 % 16];
  return offset == 0 || offset >= CodeLine::kRuns ? nullptr : buffer_.at(offset);
}

/// What translated code may assume of the PE. One field after the other: clearing all of it first takes as long again.
void Jit::fill_frame(pe::Pe& pe) {
  Frame& frame = buffer_.frame();
  frame.pe = &pe;
  frame.jit = this;
  frame.jump_cache = jump_cache_.get();
  frame.zva_allowed = zva_allowed(pe);
  frame.el1_rights = el1_rights(pe);
  frame.fp_allowed = pe.fp_enabled();
  frame.fp_unit = 0;
  frame.exclusives_anywhere = pe.tlb.knobs().exclusives_nc == mmu::ExclusivesNc::Succeed;
  frame.unprivileged = unprivileged(pe);
  frame.pac_allowed = !features_.PAuth || pe.pac_masks(frame.pac_masks);
}

/// Runs translated code until something must be reconsidered. `resumes`: a slice begins, anywhere in a block.
void Jit::run_blocks(pe::Pe& pe, bool resumes) {
  Link* link = nullptr;
  recording_.open = false;
  for (;; resumes = false) {
    if (forgetting_ && forget_at_random(pe, false)) link = nullptr;
    if (!find_page(pe)) return take_instead(pe);
    const u64 pc = pe.s.pc, flushes = counters_.flushes;
    const bool apart = link != nullptr && link->apart;
    const u64 host = host_of_code(pe, apart);
    if (host == 0) {
      if (!interpret(pe)) return;
      link = nullptr;
      continue;
    }
    const bool recorded = recording_.wanted && records(pc, host);
    const bool by_line = options_.lines && !apart;
    Block* block = by_line || recorded ? nullptr : find(pc, host);
    const u8* code = by_line ? translated(pc, host) : block != nullptr ? block->code : nullptr;
    if (code == nullptr) {
      if (recorded || cold(pc, host, resumes)) {
        if (!interpret(pe)) return;
        link = nullptr;
        continue;
      }
      block = &translate(pc, host, options_.hot_samples == 0 ? Tier::Hot : Tier::Plain);
      code = block->code;
    }
    if (flushes != counters_.flushes) link = nullptr;
    if (link != nullptr && link->target == pc) connect(*link, block != nullptr ? *block : *blocks_.find(pc, host));
    // Where lines come and go the record of the block stays untouched, and its code finds that the slice is too short.
    if (!options_.lines && pe.budget < block->count) {
      sample(*block);
      return end_slice(pe);
    }
    fill_frame(pe);
    ++counters_.entries;
    code_changed_ = false;
    flags_to_host(pe.s);
    const u64 exit = enter(code);
    flags_from_host(pe.s);
    if (fp_unit_) {
      host_fp::collect(pe.s.fp);
      _mm_setcsr(host_fp::kDefault);
      fp_unit_ = false;
    }
    link = nullptr;
    ++counters_.exits[std::min<u64>(exit, kLastExit + 1)];
    switch (exit) {
      case kReconsider: return;
      case kLookup:
        if (pe.budget <= 0) return;
        if (pe.s.btype != 0) {
          // A landing in a page that is not guarded needs no check; otherwise the interpreter makes it.
          const pe::L0Entry& entry = pe.l0_context->fetch[pe::L0Context::index(pe.s.pc)];
          if ((pe.s.pc ^ entry.tag) >= pe::kL0PageSize || (reinterpret_cast<u64>(entry.host) & 1) != 0) return;
          pe.s.btype = 0;
        }
        break;
      case kOutOfBudget:
        if (pe.budget > 0 && options_.lines) return end_slice(pe);
        if (pe.budget > 0) break;
        if (const JumpCacheEntry& entry = slot(pe.s.pc); entry.pc == pe.s.pc) sample(*entry.block);
        return;
      case kStale: break;  // find() will see it
      case kNotLent:
        if (pe.budget <= 0) return;
        break;
      case kFetched:
        if (!interpret(pe)) return;
        break;
      default:
        link = reinterpret_cast<Link*>(exit);
        pe.s.pc = link->target;
        if (pe.budget <= 0) return;
        break;
    }
  }
}

u64 Jit::enter(const u8* code) {
  const TimeSplit::Visit here(time_, Part::Translated);
  return buffer_.enter(code);
}

/// The interpreter runs the last instructions of the slice.
void Jit::end_slice(pe::Pe& pe) {
  const TimeSplit::Visit slow(time_, Part::Interpreting);
  ++counters_.slice_ends;
  interp_.run(pe);
}

Block* Jit::find(u64 pc, u64 host) {
  JumpCacheEntry& entry = slot(pc);
  Block* block = entry.pc == pc && entry.host == host ? entry.block : blocks_.find(pc, host);
  if (block == nullptr) return nullptr;
  if (block->verify() && std::memcmp(block->bytes(), block->words.data(), block->words.size() * sizeof(u32)) != 0) {
    ++counters_.stale;
    drop(*block);
    return nullptr;
  }
  if (!block->apart()) entry = {host, pc, block->code, block};
  return block;
}

/// Counts this run of the code at `pc`; true if it is not worth translating yet. With modelled caches slices are short:
/// where one has begun by chance in the middle of what is translated as a whole, it rarely is.
bool Jit::cold(u64 pc, u64 host, bool resumes) {
  if (options_.threshold == 0) return false;
  if (options_.lines && (host & Block::kApart) == 0) {
    u32& runs = code_line(host).code[pc / 4 % 16];
    runs |= CodeLine::kRuns;
    return (runs++ & ~CodeLine::kRuns) < (resumes ? std::max(options_.threshold, kResumedRuns) : options_.threshold);
  }
  const u64 hash = (pc ^ (host >> 12) * 0x9e3779b97f4a7c15) >> 2;
  Heat& heat = heat_[hash % kHeatEntries];
  const u32 tag = static_cast<u32>(hash / kHeatEntries);
  if (heat.tag != tag) heat = {tag, 0};
  return heat.runs++ < options_.threshold;
}

/// Interprets a basic block; false if something must be reconsidered.
bool Jit::interpret(pe::Pe& pe) {
  const TimeSplit::Visit here(time_, Part::Interpreting);
  const u64 before = pe.instructions();
  const bool go_on = interp_.run_block(pe);
  ++counters_.interpreted;
  counters_.interpreted_instructions += pe.instructions() - before;
  return go_on;
}

/// A slice ends where the block begins. Where many do, most of the time is spent; and since a slice is not short, a
/// block whose guesses have been wrong often since the last one here is not worth them.
void Jit::sample(Block& block) {
  if (options_.lines || block.verify() || block.apart() || block.tier == Tier::Settled) return;
  if (block.tier == Tier::Plain) {
    if (++block.samples >= options_.hot_samples) record(block);
    return;
  }
  u64 misses = 0;
  for (u32 i = 0; i < block.guess_count; ++i) misses += buffer_.guesses()[block.first_guess + i].misses;
  const bool worse = misses - block.misses > kMostWrongGuesses;
  block.misses = misses;
  if (worse) translate_again(block, Tier::Settled);
}

/// From now on the block's code is interpreted, and where it goes is noted, until that is known well enough.
void Jit::record(Block& block) {
  if (recording_.wanted && ++recording_.others < kMostOthers) return;
  recording_ = {.pc = block.pc, .host = block.host, .wanted = true, .profile = {}};
  drop(block);
}

/// Whether the code at `pc` is to be interpreted because it is being recorded.
bool Jit::records(u64 pc, u64 host) {
  Recording& r = recording_;
  if (r.open) {
    r.profile.note(r.last, pc);
    r.last = pc;
    if (page_of(host) == page_of(r.host) && pc != r.pc && ++r.runs < kMostRuns) return true;
    r.open = false;
    if (++r.rounds == kRounds) {
      r.wanted = false;
      translate(r.pc, r.host, Tier::Hot, &r.profile);
      return false;
    }
  }
  if (pc != r.pc || host != r.host) return false;
  r.open = true;
  r.last = pc;
  r.runs = 0;
  return true;
}

void Jit::translate_again(Block& block, Tier tier) {
  const u64 pc = block.pc, host = block.host;
  counters_.settled += tier == Tier::Settled;
  drop(block);
  translate(pc, host, tier);
}

Block& Jit::translate(u64 pc, u64 host, Tier tier, const PathProfile* profile) {
  const TimeSplit::Visit here(time_, Part::Translating);
  if (buffer_.left() < Translator::kMostBytes) flush();
  bool verify = options_.always_verify;
  if (!options_.lines) {
    Blocks::Page& record = blocks_.page_of(host);
    verify |= record.writes >= options_.volatile_writes;
    if (!verify && !record.watched) watch_page(reinterpret_cast<const u8*>(page_of(host)), record);
  }
  Block& block = blocks_.add(pc, host);
  block.tier = tier;
  translator_.translate(block, options_.most_instructions, verify, profile);
  if (options_.lines && !block.apart()) code_line(host).code[pc / 4 % 16] = buffer_.offset_of(block.code);
  if (!options_.lines && !block.apart()) slot(pc) = {host, pc, block.code, &block};
  if (perf_map_ != nullptr) name_code(block);
  return block;
}

/// Two lines of /tmp/perf-PID.map: address, size, name.
void Jit::name_code(const Block& block) {
  const auto line = [this, &block](const u8* code, u32 size, const char* suffix) {
    std::fprintf(perf_map_.get(), "%lx %x a64:%lx%s\n", reinterpret_cast<unsigned long>(code), size,
                 static_cast<unsigned long>(block.pc), suffix);
  };
  line(block.code, block.host_size, "");
  line(block.rare, block.rare_size, ".rare");
}

void Jit::connect(Link& link, Block& to) {
  if (!options_.chain || link.to != nullptr || link.from == nullptr) return;
  blocks_.connect(link, to);
  ++counters_.linked;
}

void Jit::drop(Block& block) {
  JumpCacheEntry& entry = slot(block.pc);
  if (entry.block == &block) entry = {};
  if (options_.lines && !block.apart()) code_line(block.host).code[block.pc / 4 % 16] = 0;
  blocks_.drop(block);
}

Jit::Weighted Jit::weighted() const {
  Weighted sum = forgotten_;
  for (const Block& block : blocks_.all()) {
    sum.entered += block.runs;
    sum.instructions += block.runs * block.count;
    sum.host_bytes += block.runs * block.host_size;
  }
  return sum;
}

u64 Jit::wrong_guesses() const {
  u64 sum = forgotten_guesses_;
  for (usize i = 0; i < buffer_.guess_count(); ++i) sum += buffer_.guesses()[i].misses;
  return sum;
}

void Jit::watch_page(const u8* page, Blocks::Page& record) {
  record.watched = true;
  if (!watch(page)) return;
  for (pe::Pe* pe : pes_) pe->revoke_write(page);
}

void Jit::on_write(const u8* page) {
  Blocks::Page* record = blocks_.known_page(reinterpret_cast<u64>(page));
  if (record == nullptr || !record->watched) return;
  unwatch(page);
  record->watched = false;
  ++record->writes;
  while (record->blocks != nullptr) {
    ++counters_.invalidated;
    drop(*record->blocks);
  }
  code_changed_ = true;
}

void Jit::drop_within(const Blocks::Page& page, const u8* from, usize size) {
  Block* next = nullptr;
  for (Block* block = page.blocks; block != nullptr; block = next) {
    next = block->next_in_page;
    const bool elsewhere = block->bytes() >= from + size || block->bytes() + block->count * 4 <= from;
    if (elsewhere && !block->path) continue;
    ++counters_.invalidated;
    drop(*block);
  }
}

void Jit::changed(const u8* from, usize size) {
  const u64 first = reinterpret_cast<u64>(from), page = page_of(first);
  code_changed_ = true;
  if (first + size <= page + pe::kL0PageSize) {
    if (const Blocks::Page* record = blocks_.known_page(page)) drop_within(*record, from, size);
    return;
  }
  for (auto& [host, record] : blocks_.pages())
    if (host < first + size && host + pe::kL0PageSize > first) drop_within(record, from, size);
}

void Jit::flush() {
  ++counters_.flushes;
  forgotten_ = weighted();
  forgotten_guesses_ = wrong_guesses();
  for (auto& [page, record] : blocks_.pages())
    if (record.watched) unwatch(reinterpret_cast<const u8*>(page));
  blocks_.clear();
  code_lines_.clear();
  for (pe::Pe* pe : pes_) pe->forget_code();
  std::fill_n(jump_cache_.get(), usize{1} << kJumpCacheLog2, JumpCacheEntry{});
  translator_.reset();
  buffer_.reset();
}

/// What the interpreter does with the outcome of an instruction, and whether translated code may go on.
u64 Jit::after_site(pe::Pe& pe, const Site& site, Flow flow, bool leaves) {
  --pe.budget;
  switch (flow) {
    case Flow::Next: {
      const i64 rest = static_cast<i64>(site.remaining) - 1;
      if (pe.budget >= rest && !code_changed_ && !leaves) [[likely]] {
        pe.budget -= rest;
        return kContinue;
      }
      pe.s.pc = site.pc + 4;
      return kLookup;
    }
    case Flow::Jump: return kLookup;
    case Flow::Sync:
    case Flow::Wait: pe.s.pc = site.pc + 4; return kReconsider;
    case Flow::SyncJump: return kReconsider;
    case Flow::Raise: pe.take_pending(); return kReconsider;
  }
  return kReconsider;
}

/// What the interpreter has in fetch_page while it executes this instruction.
void Jit::restore_fetch_page(pe::Pe& pe, u64 pc, const Block& block) const {
  if (options_.lines) {
    const pe::FetchLine& line = pe.line_context->fetch[pe::LineContext::index_in(pe.line_context->fetch, pc)];
    pe.fetch_page = {line.tag, line.host, line.guarded != 0};
  } else {
    const u64 host = block.host;
    pe.fetch_page = {align_down(pc, pe::kL0PageSize), reinterpret_cast<const u8*>(page_of(host)), (host & 1) != 0};
  }
}

void* Jit::unprivileged(pe::Pe& pe) const {
  if (options_.lines) return pe.known_unprivileged_lines();
  return pe.known_unprivileged_context();
}

namespace {

/// Changes whenever L0 may have forgotten a page of instructions, or another context been chosen.
u64 lost_mappings(const pe::Pe& pe) {
  const pe::L0::Counters& l0 = pe.l0_counters();
  return l0.context_switches + l0.clears + l0.page_clears;
}

}  // namespace

u64 run_site(Frame* frame, const Site* site) {
  pe::Pe& pe = *frame->pe;
  Jit& jit = *frame->jit;
  const TimeSplit::Visit here(jit.time_, Part::Handlers);
  ++jit.counters_.fallbacks;
  ++jit.counters_.by_form[static_cast<usize>(site->form)];
  flags_from_host(pe.s);
  pe.s.pc = site->pc;
  if (!pe.has_access_made()) {  // else serve_line has done this
    pe.budget += site->remaining;
    jit.restore_fetch_page(pe, site->pc, *site->block);
  }
  if (frame->fp_unit != 0) {
    host_fp::collect(pe.s.fp);
    _mm_setcsr(host_fp::kDefault);
  }
  const u64 mappings = lost_mappings(pe);
  interp::InterpExec x(pe);
  const isa::Flow flow = site->handler(x, site->word);
  if (lost_mappings(pe) != mappings) jit.buffer_.forget_returns();
  bool leaves = site->leaves || pe.fetch_page.page == pe::FetchPage::kNone;  // its line may be gone
  if (frame->fp_unit == 0 && is_floating_point(site->form)) {
    // From here on translated code computes; if the host cannot, it must not find out in the middle of a block.
    frame->fp_unit = jit.fp_unit_ = pe.fp_enabled() && host_fp::serves(pe.s.fp.fpcr);
    leaves |= !jit.fp_unit_;
  }
  if (jit.forgetting_) jit.forget_at_random(pe, true);
  if (frame->fp_unit != 0) _mm_setcsr(host_fp::mxcsr(pe.s.fp.fpcr));
  const u64 exit = jit.after_site(pe, *site, flow, leaves);
  frame->unprivileged = jit.unprivileged(pe);
  flags_to_host(pe.s);
  return exit;
}

u8* serve_line(Frame* frame, const LineSite* site, u64 va) {
  using Data = LineSite::Data;
  pe::Pe& pe = *frame->pe;
  Jit& jit = *frame->jit;
  const TimeSplit::Visit here(jit.time_, Part::Handlers);
  u8* const data = jit.served_.data();
  const bool pair = site->size != site->each;
  if (site->data == Data::General) {
    std::memcpy(data, &pe.s.x[site->rt], site->each);
    if (pair) std::memcpy(data + site->each, &pe.s.x[site->rt2], site->each);
  } else if (site->data == Data::Vector) {
    std::memcpy(data, &pe.s.v[site->rt], site->each);
    if (pair) std::memcpy(data + site->each, &pe.s.v[site->rt2], site->each);
  } else if (site->data == Data::Zero) {
    jit.served_.fill(0);
  }
  const bool write = site->data != Data::None;
  if (jit.options_.whole && pe.access_lent(va, site->size, write, data)) {
    ++jit.counters_.served;
    return data;
  }
  pe.s.pc = site->pc;
  pe.budget += site->remaining;
  const i64 budget = pe.budget;
  const u64 withdrawn = pe.pages_withdrawn;
  jit.restore_fetch_page(pe, site->pc, *site->block);
  const bool made = pe.access_line(va, site->size, write, data);
  // If something has ended the slice, or taken the line of the instruction or a page that a run of loads may have
  // found, code is left behind the instruction.
  const bool leaves =
      pe.budget != budget || pe.fetch_page.page == pe::FetchPage::kNone || pe.pages_withdrawn != withdrawn;
  if (made && leaves) {
    pe.access_made(data);
    return nullptr;
  }
  pe.budget -= site->remaining;
  jit.counters_.served += made;
  return made ? data : nullptr;
}

u64 serve_jump(Frame* frame, u64 pc, Link* link, CodeLine* wanted) {
  pe::Pe& pe = *frame->pe;
  Jit& jit = *frame->jit;
  const TimeSplit::Visit here(jit.time_, Part::Dispatching);
  pe.s.pc = pc;
  if (pe.budget <= 0) return kNotLent;
  if (link == nullptr) {
    wanted = nullptr;
  } else {
    CodeLines::prefetch(*wanted);
  }
  if (jit.forgetting_ && jit.forgetting_->one_in(2)) return kNotLent;  // what the dispatcher forgets
  if (!jit.find_page(pe)) {
    flags_from_host(pe.s);
    if (frame->fp_unit != 0) {
      host_fp::collect(pe.s.fp);
      _mm_setcsr(host_fp::kDefault);
    }
    Jit::take_instead(pe);
    flags_to_host(pe.s);
    return kReconsider;
  }
  const u64 host = jit.host_of_code(pe, false, wanted);
  if (host == 0) return kFetched;
  const u8* const code = jit.translated(pe.s.pc, host);
  if (code == nullptr) return kNotLent;
  ++jit.counters_.jumps_served;
  if (wanted != nullptr && wanted != &code_line(host) && ++link->other_lines == kMostOtherLines) {
    ++jit.counters_.redirected;
    jit.blocks_.redirect(*link, *jit.blocks_.find(pe.s.pc, host));
  }
  return reinterpret_cast<u64>(code);
}

}  // namespace farside::jit

// core/jit/translator.cpp - decodes a block, emits its instructions and exits, and apart from them its slow paths.
#include "core/jit/translator.h"

namespace farside::jit {

using isa::A64;
using End = EmitExec::End;

namespace {

/// May write memory: the groups of loads and stores, and DC ZVA.
bool may_store(A64 form) {
  return (form >= A64::STLLR && form <= A64::SWP) || (form >= A64::ST4_multi && form <= A64::LD4R_post) ||
         form == A64::SYS;
}

/// Whether an instruction takes RAX, RCX and RDX only through EmitExec's allocation: integer computation, its loads and
/// stores, and the branches on a register.
bool asks_for_temps(A64 form, u32 word) {
  const bool authenticates = form >= A64::PACIA && form <= A64::XPACD;
  if (form >= A64::ADR && form <= A64::UMULH) return !authenticates;
  if (form >= A64::CBZ && form <= A64::TBNZ) return true;
  return form == A64::B_cond || form == A64::B || is_integer_access(form, word);
}

}  // namespace

/// Instructions after which the interpreter always looks up: what follows is another block.
bool Translator::ends_block(A64 form, u32 word) const {
  if (form == A64::Undefined) return true;
  // The branch and exception group: from B.cond to TBNZ.
  if (form >= A64::B_cond && form <= A64::TBNZ) return true;
  switch (form) {
    case A64::SYS: return (word >> 5 & 0xffff) != encode_sysreg(1, 3, 7, 4, 1);
    case A64::SYSL:
    case A64::WFI:
    case A64::WFE:
    case A64::ESB: return true;
    // PSTATE.DAIF is written in line; where that could have consequences a site leaves the block.
    case A64::MSR_imm: return (word >> 16 & 7) != 3 || (word >> 5 & 7) < 6;
    case A64::MSR_reg: {
      const auto encoding = static_cast<SysRegEncoding>(word >> 5 & 0xffff);
      return encoding != sysreg_info(SysReg::DAIF).encoding && pe::Pe::write_needs_sync(encoding);
    }
    default: return false;
  }
}

Site& Translator::site_of(unsigned number, A64 form, u32 word) {
  if (site_of_[number] == nullptr) {
    const bool leaves = form == A64::MSR_imm || form == A64::MSR_reg;
    sites_.push_back({interp::handlers().find(form, word), block_, pcs_[number], word, form, 0, leaves});
    site_of_[number] = &sites_.back();
  }
  return *site_of_[number];
}

void Translator::call_site(Asm& a, Site& site) const {
  a.mov_imm(RAX, reinterpret_cast<u64>(&site));
  a.call(buffer_.fallback());
}

/// Checks the slice and, where asked for, the bytes. The number of instructions is filled in later.
void Translator::emit_entry(Asm& a, Block& block, Patch& out_of_budget, std::vector<Patch>& stale) {
  if (block.verify()) {
    a.mov_imm(RCX, reinterpret_cast<u64>(block.bytes()));
    for (usize i = 0; i < block.words.size(); ++i) {
      a.alu_imm(Alu::Cmp, false, HostMem{RCX, static_cast<i32>(i * 4)}, static_cast<i32>(block.words[i]));
      stale.push_back(a.jcc(Cc::NE));
    }
  }
  a.alu_imm(Alu::Sub, true, kBudgetSlot, static_cast<i32>(block.count));
  out_of_budget = a.jcc(Cc::L);
  if (count_runs_) {
    a.mov_imm(RCX, reinterpret_cast<u64>(&block.runs));
    a.alu_imm(Alu::Add, true, HostMem{RCX}, 1);
  }
}

/// False if the interpreter's handler is called.
bool Translator::emit_instruction(EmitExec& x, unsigned number, bool keep_flags) {
  const A64 form = forms_[number];
  const u32 word = words_[number];
  x.begin_instruction(pcs_[number], word, number, flags_, keep_flags);
  const bool asks = asks_for_temps(form, word);
  if (!asks) x.forget_temps();
  const Emitter emitter = emitters().find(form);
  if (emitter != nullptr) emitter(x, word);
  if (emitter == nullptr || x.declined()) {
    x.drop_instruction();
    x.after_fallback();
    ++counters.declined[static_cast<usize>(form)];
    call_site(x.code(), site_of(number, form, word));
  } else {
    if (!asks) x.forget_temps();
    x.end_instruction();
    ++counters.emitted;
  }
  resume_[number] = x.code().here();
  return site_of_[number] == nullptr;
}

/// Decodes up to the end of the block.
void Translator::decode_block(Block& block, unsigned most, bool verify) {
  const unsigned in_reach = static_cast<unsigned>((reach() - block.pc % reach()) / 4);
  const unsigned limit = std::min({most, in_reach, kMaxBlock});
  block.count = 0;
  for (unsigned i = 0; i < limit; ++i) {
    std::memcpy(&words_[i], block.bytes() + i * 4, 4);
    forms_[i] = decode(words_[i]);
    pcs_[i] = block.pc + i * 4;
    ++block.count;
    // Bytes that keep changing are compared again after each store.
    if (ends_block(forms_[i], words_[i]) || (verify && may_store(forms_[i]))) break;
  }
  if (verify) block.words.assign(words_.begin(), words_.begin() + block.count);
}

void Translator::decode(Block& block, unsigned most, bool verify, const PathProfile* profile) {
  flags_.opaque.fill(false);
  flags_.inner.fill(false);
  if (block.tier == Tier::Hot && !verify && !block.apart() && !buffer_.lines()) {
    decode_path(block, most, profile);
  } else {
    decode_block(block, most, verify);
  }
}

/// All instructions; false if they must be emitted again because something about flags was wrong.
bool Translator::emit_body(EmitExec& x, Block& block, unsigned attempt) {
  site_of_.fill(nullptr);
  ways_out_.clear();
  flags_.repeats = !buffer_.lines();
  find_flag_use(forms_.data(), words_.data(), block.count, flags_);
  // Lines that are lent are too short for runs; of whole pages stores see lines only.
  const bool join = attempt < 2 && !block.apart() && !block.verify() && (!buffer_.lines() || buffer_.whole());
  const RunKinds kinds{.stores = !buffer_.lines(), .chases = block.tier == Tier::Hot && !buffer_.lines()};
  find_access_runs(words_.data(), join ? block.count : 0, flags_.opaque, flags_.inner, kinds, runs_);
  buffer_.keep_guesses(block.first_guess);
  x.begin_block((block.host & 1) != 0, runs_);
  bool surprised = false;
  for (unsigned i = 0; i < block.count; ++i) {
    const bool emitted = emit_instruction(x, i, attempt == 0);
    const bool matters = flags_.needed_before(i) != EmitExec::kFlagsAll || flags_.waiting[i] || runs_.live[i] ||
                         runs_.member[i].role != RunMember::Role::None;
    surprised |= !emitted && !flags_.opaque[i] && matters;
    flags_.opaque[i] |= !emitted;
    if (!flags_.inner[i]) continue;
    if (!emitted) {  // the interpreter says where it leads: the path ends here
      block.count = i + 1;
      flags_.inner[i] = false;
      return false;
    }
    surprised |= !emit_way_out(x, i);
  }
  return !surprised && !x.lost_flags();
}

void Translator::translate(Block& block, unsigned most, bool verify, const PathProfile* profile) {
  block_ = &block;
  pending_.clear();
  full_ring_.reset();
  decode(block, most, verify, profile);
  Asm& a = buffer_.code();
  block.code = a.here();
  block.first_guess = static_cast<u32>(buffer_.guess_count());
  EmitExec x(a, features_, buffer_);
  Patch out_of_budget;
  std::vector<Patch> stale;
  // The second time no flags are kept in the host's, the third no accesses are joined; the declined instructions are
  // known then. A path may end earlier each time.
  for (unsigned attempt = 0;; ++attempt) {
    CHECK(attempt < 4 + kMaxBlock, "a block that is never right");
    a.move_to(block.code);
    stale.clear();
    emit_entry(a, block, out_of_budget, stale);
    if (emit_body(x, block, attempt)) break;
    if (block.path && x.lost_flags()) {  // a chain of carries is worth more than a path
      block.path = false;
      flags_.opaque.fill(false);
      flags_.inner.fill(false);
      decode_block(block, most, verify);
      attempt = ~0u;
    }
  }
  emit_end(x, x.end(), pcs_[block.count - 1] + 4);
  emit_ways_out(x);
  x.emit_other_guesses();
  block.guess_count = static_cast<u32>(buffer_.guess_count()) - block.first_guess;
  for (Pending& pending : pending_)
    if (pending.from.at != nullptr && !is_in_reach(pending.link->target)) emit_check(a, pending);
  block.host_size = static_cast<u32>(a.here() - block.code);

  buffer_.begin_rare();
  block.rare = a.here();
  emit_stubs(x);
  a.bind(out_of_budget);
  a.alu_imm(Alu::Add, true, kBudgetSlot, static_cast<i32>(block.count));
  emit_leave(a, block.pc, kOutOfBudget);
  if (!stale.empty()) {
    for (const Patch& patch : stale) a.bind(patch);
    emit_leave(a, block.pc, kStale);
  }
  for (unsigned i = 0; i < block.count; ++i)
    if (site_of_[i] != nullptr) site_of_[i]->remaining = block.count - i;
  for (unsigned i = 0; i < block.count; ++i) {
    counters.runs += runs_.member[i].role == RunMember::Role::First && !runs_.member[i].alone;
    counters.joined += runs_.member[i].role == RunMember::Role::Later;
  }
  ++counters.blocks;
  counters.apart += block.apart();
  counters.hot += block.tier == Tier::Hot;
  counters.paths += block.path;
  counters.guesses += block.guess_count;
  counters.instructions += block.count;
  block.rare_size = static_cast<u32>(a.here() - block.rare);
  buffer_.end_rare();
  counters.host_bytes += block.host_size;
  counters.rare_bytes += block.rare_size;
  buffer_.align(16);
}

void Translator::emit_leave(Asm& a, u64 pc, Exit why) const {
  a.mov_imm(RAX, pc);
  a.mov(true, kPcSlot, RAX);
  a.mov_imm(RAX, why);
  a.jmp(buffer_.leave());
}

/// Sends `jump` to a stub that asks the dispatcher for `target`; the dispatcher may connect it to the block itself.
void Translator::jump_to(u64 target, Patch jump, bool apart) {
  links_.push_back({.target = target, .from = block_, .jump = jump, .apart = apart, .next_out = block_->outgoing});
  block_->outgoing = &links_.back();
  pending_.push_back({jump, &links_.back()});
}

/// Jumps to `target`.
void Translator::go_to(Asm& a, u64 target) {
  if (is_in_reach(target)) return jump_to(target, a.jmp());
  jump_to(target, {});
  emit_check(a, pending_.back());
}

void Translator::emit_end(EmitExec& x, const End& end, u64 next) {
  Asm& a = x.code();
  const A64 last = forms_[block_->count - 1];
  switch (end.kind) {
    case End::Kind::Branch:
      jump_to(end.target, a.jcc(end.taken));
      go_to(a, next);
      break;
    case End::Kind::Jump:
      if (calls(last)) {
        emit_push_room(a);
        jump_to(end.target, a.call());
        emit_landing(a, next);
      } else {
        go_to(a, end.target);
      }
      break;
    case End::Kind::Indirect:
      if (returns(last)) {
        a.ret();
      } else {
        emit_indirect(a, end.btype, next);
      }
      break;
    case End::Kind::None: go_to(a, next); break;
  }
}

/// To the address in RDX: through L0 to its page, and through the jump cache to its block.
void Translator::emit_indirect(Asm& a, u8 btype, u64 next) {
  if (buffer_.lines()) return emit_indirect_line(a, btype);
  const Patch other_page = CodeBuffer::probe_page(a);
  Patch guarded{};
  Patch slice_end{};
  if (btype != 0) {  // a landing in a guarded page is checked by the interpreter
    a.test_imm(false, RAX, 1);
    guarded = a.jcc(Cc::NE);
    a.alu_imm(Alu::Cmp, true, kBudgetSlot, 0);  // a slice that ends here leaves BTYPE to the next
    slice_end = a.jcc(Cc::E);
  }
  const auto misses = buffer_.probe_jump_cache(a);
  const HostMem code{RCX, offsetof(JumpCacheEntry, code)};
  if (calls(forms_[block_->count - 1])) {
    emit_push_room(a);
    a.call(code);
    emit_landing(a, next);
  } else {
    a.jmp(code);
  }
  emit_lookup(a, btype, {other_page, misses[0], misses[1]}, {guarded, slice_end});
}

/// Where an indirect jump to RDX arrives whose block was not found, and one that stores BTYPE also by way of
/// `landings`.
void Translator::emit_lookup(Asm& a, u8 btype, std::initializer_list<Patch> misses,
                             std::initializer_list<Patch> landings) {
  for (Patch miss : misses) a.bind(miss);
  if (btype != 0) {
    for (Patch landing : landings) a.bind(landing);
    a.mov8(kBtypeSlot, btype);
  }
  a.mov(true, kPcSlot, RDX);
  a.mov_imm(RAX, kLookup);
  a.jmp(buffer_.leave());
}

/// To another block, which begins at the instruction and in which each access looks at L0 itself.
void Translator::go_on_apart(Asm& a, unsigned number) {
  a.alu_imm(Alu::Add, true, kBudgetSlot, static_cast<i32>(block_->count - number));
  jump_to(pcs_[number], a.jmp(), true);
}

/// Stores the flags of a comparison, whose operands are what they were.
void Translator::repeat_comparison(EmitExec& x, unsigned number) {
  FlagUse all;
  all.needed.fill(EmitExec::kFlagsAll);
  x.forget_temps();
  x.begin_instruction(pcs_[number], words_[number], number, all, false);
  emitters().find(forms_[number])(x, words_[number]);
  CHECK(!x.declined(), "a comparison that was emitted before");
}

void Translator::emit_stubs(EmitExec& x) {
  Asm& a = x.code();
  for (const EmitExec::SlowPath& path : x.slow_paths()) {
    const unsigned i = path.instruction;
    a.bind(path.from);
    if (flags_.repeated[i] != 0) repeat_comparison(x, flags_.repeated[i] - 1u);
    if (path.run) {
      go_on_apart(a, i);
      continue;
    }
    if (path.served != nullptr) emit_serve_line(x, path);
    call_site(a, site_of(i, forms_[i], words_[i]));
    if (runs_.live[i]) {  // the page that the run found may be known no more
      go_on_apart(a, i + 1);
      continue;
    }
    x.resume(path);
    a.jmp(resume_[i]);
  }
  emit_full_ring(a);
  for (const Pending& pending : pending_) emit_link(a, pending);
}

/// Within the page or line of the block the mapping is known; beyond, the jump compares what the fetch table has for
/// the target with what the connected block was made from.
void Translator::emit_check(Asm& a, Pending& pending) {
  Link& link = *pending.link;
  if (pending.from.at != nullptr) a.bind(pending.from);
  if (buffer_.lines()) {
    pending.others[0] = link.other_line = emit_line_check(a, link);
  } else {
    const u64 page = align_down(link.target, pe::kL0PageSize);
    const i32 entry = kFetchTable - kReadTable + static_cast<i32>(pe::L0Context::index(page) * sizeof(pe::L0Entry));
    a.mov_imm(RAX, page);
    a.alu(Alu::Cmp, true, RAX, HostMem{kL0, entry});
    pending.others[0] = a.jcc(Cc::NE);
    link.host_page = a.movabs(RAX, 0);  // equal to nothing until connected
    a.alu(Alu::Cmp, true, RAX, HostMem{kL0, entry + 8});
    pending.others[1] = a.jcc(Cc::NE);
  }
  link.jump = a.jmp();
}

/// Where a jump goes that is not connected, or not to be taken.
void Translator::emit_link(Asm& a, const Pending& pending) {
  Link& link = *pending.link;
  if (buffer_.lines() && !is_in_reach(link.target)) {
    link.not_lent = a.here();
    a.mov_imm(RDX, link.target);
    a.mov_imm(RCX, reinterpret_cast<u64>(&link));
    a.jmp(buffer_.serve_jump());
  }
  link.stub = a.here();
  a.bind(link.jump);
  for (Patch other : pending.others)
    if (other.at != nullptr) a.bind(other);
  a.mov_imm(RAX, reinterpret_cast<u64>(&link));
  a.jmp(buffer_.leave());
}

}  // namespace farside::jit

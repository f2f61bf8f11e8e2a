// core/jit/translator.h - from guest instructions to one block of host code.
#pragma once
#include <deque>

#include "core/jit/code_buffer.h"
#include "core/jit/emitters.h"
#include "core/jit/path_profile.h"

namespace farside::jit {

/// What has been translated, for --jit-stats.
struct TranslationCounters {
  u64 blocks = 0, instructions = 0, emitted = 0;
  u64 host_bytes = 0, rare_bytes = 0;              ///< of code that runs often, and of what rarely does
  u64 runs = 0, joined = 0;                        ///< accesses that look at L0 for others, and those that need not
  u64 apart = 0;                                   ///< blocks in which none does
  u64 hot = 0, guesses = 0;                        ///< blocks of Tier::Hot, and their loads that guess a distance
  u64 paths = 0, followed = 0;                     ///< blocks that go on behind branches, and those branches
  std::array<u64, isa::kA64Count + 1> declined{};  ///< by form, each time it is translated
};

class Translator {
 public:
  Translator(const Features& features, CodeBuffer& buffer, bool count_runs)
      : features_(features), buffer_(buffer), count_runs_(count_runs) {}
  /// Host memory that one block may need at most.
  static constexpr usize kMostBytes = 64 * 1024;

  /// Emits the instructions at block.pc, up to `most`, and fills in the rest of `block`. `verify`: see Block. A hot
  /// block goes on behind branches as `profile` says; without one behind those that lead back, and past others.
  void translate(Block& block, unsigned most, bool verify, const PathProfile* profile = nullptr);
  /// Forgets what belongs to emitted blocks.
  void reset() {
    sites_.clear();
    line_sites_.clear();
    links_.clear();
  }
  TranslationCounters counters;

 private:
  struct Pending {  ///< a jump out of the block
    Patch from;     ///< none: the code before runs into the check
    Link* link;
    std::array<Patch, 2> others{};  ///< where another page or line is there
  };
  isa::A64 decode(u32 word) { return isa::decode_a64(word, features_); }
  bool ends_block(isa::A64 form, u32 word) const;
  void emit_entry(Asm& a, Block& block, Patch& out_of_budget, std::vector<Patch>& stale);
  void decode_block(Block& block, unsigned most, bool verify);
  void decode(Block& block, unsigned most, bool verify, const PathProfile* profile);
  bool emit_body(EmitExec& x, Block& block, unsigned attempt);
  bool emit_instruction(EmitExec& x, unsigned number, bool keep_flags);
  void emit_leave(Asm& a, u64 pc, Exit why) const;
  void call_site(Asm& a, Site& site) const;
  Site& site_of(unsigned number, isa::A64 form, u32 word);
  void emit_end(EmitExec& x, const EmitExec::End& end, u64 next);
  void emit_indirect(Asm& a, u8 btype, u64 next);
  // translator_paths.cpp
  void decode_path(Block& block, unsigned most, const PathProfile* profile);
  bool emit_way_out(EmitExec& x, unsigned number);
  void emit_ways_out(EmitExec& x);
  // translator_calls.cpp
  bool calls(isa::A64 last) const;
  bool returns(isa::A64 last) const;
  void emit_push_room(Asm& a);
  void emit_full_ring(Asm& a);
  void emit_landing(Asm& a, u64 next);
  void jump_to(u64 target, Patch jump, bool apart = false);
  void go_to(Asm& a, u64 target);
  void go_on_apart(Asm& a, unsigned number);
  void repeat_comparison(EmitExec& x, unsigned number);
  void emit_stubs(EmitExec& x);
  void emit_check(Asm& a, Pending& pending);
  void emit_link(Asm& a, const Pending& pending);
  // emit_lines.cpp
  void emit_indirect_line(Asm& a, u8 btype);
  void emit_lookup(Asm& a, u8 btype, std::initializer_list<Patch> misses, std::initializer_list<Patch> landings);
  Patch emit_line_check(Asm& a, Link& link);
  void emit_serve_line(EmitExec& x, const EmitExec::SlowPath& path);
  /// Bytes that one look at the fetch table vouches for: a block ends with them.
  u64 reach() const { return buffer_.lines() ? pe::kLineBytes : pe::kL0PageSize; }
  bool is_in_reach(u64 target) const { return (target ^ block_->pc) < reach(); }

  Features features_;
  CodeBuffer& buffer_;
  bool count_runs_;
  std::deque<Site> sites_;
  std::deque<LineSite> line_sites_;
  std::deque<Link> links_;
  // Of the block in hand.
  Block* block_ = nullptr;
  std::array<u32, kMaxBlock> words_{};
  std::array<isa::A64, kMaxBlock> forms_{};
  FlagUse flags_;
  AccessRuns runs_;
  std::array<Site*, kMaxBlock> site_of_{};
  std::array<u8*, kMaxBlock> resume_{};
  std::array<u64, kMaxBlock> pcs_{};
  struct WayOut {  ///< of a path
    Patch from;
    unsigned number;  ///< of the branch
    u64 target;
    EmitExec::Live flags;  ///< to be stored
  };
  std::vector<WayOut> ways_out_;
  std::vector<Pending> pending_;
  struct FullRing {
    Patch from;
    const u8* back;
  };
  std::optional<FullRing> full_ring_;
};

}  // namespace farside::jit

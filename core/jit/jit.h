// core/jit/jit.h - the translating engine: runs PEs like interp::Interp, from translated blocks where it can.
#pragma once
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "core/base/chance.h"
#include "core/interp/interp.h"
#include "core/jit/blocks.h"
#include "core/jit/code_lines.h"
#include "core/jit/time_split.h"
#include "core/jit/translator.h"

namespace farside::jit {

/// How the engine works; what the guest does never depends on it. Tests lower the limits to reach rare paths.
struct JitOptions {
  unsigned threshold = 8;    ///< times that a block is interpreted before it is translated
  bool count_runs = false;   ///< each block counts how often it is entered, and the host's time is split into parts
  unsigned hot_samples = 4;  ///< slices that end in a block before it is translated again, with more effort
  std::string perf_map;      ///< file that names host code, as perf reads it; empty: none
  usize code_bytes = usize{64} << 20;
  unsigned most_instructions = kMaxBlock;  ///< per block, 1..kMaxBlock
  unsigned volatile_writes = 8;  ///< times that a page of code is written before its blocks compare their bytes instead
  bool always_verify = false;    ///< treat every page as one that keeps changing
  bool chain = true;             ///< connect blocks
  std::optional<u64> forget_seed;  ///< seed: forget blocks, L0 entries, contexts and all code at random
  bool lines = false;  ///< the caches of the PEs are modelled: code and data are those of lines that they lend
  bool whole = false;  ///< with `lines`: data are looked for in whole pages first (pe::LineContext::loads, stores)
  HostFeatures host = HostFeatures::detect();
};

/// Always-on counters.
struct JitCounters {
  u64 entries = 0;      ///< from the dispatcher into translated code
  u64 interpreted = 0;  ///< runs of blocks that were not worth translating yet
  u64 interpreted_instructions = 0;
  u64 linked = 0;                                 ///< jumps connected
  u64 redirected = 0;                             ///< jumps connected to what their target is now
  std::array<u64, isa::kA64Count + 1> by_form{};  ///< fallbacks, by instruction form
  u64 fallbacks = 0;                              ///< instructions run by the interpreter's handlers
  u64 served = 0;                                 ///< accesses that no probe in line has served, without those
  u64 jumps_served = 0;                           ///< to lines that were not lent, without leaving translated code
  u64 flushes = 0;                                ///< of the whole code buffer
  u64 invalidated = 0;                            ///< blocks whose page was written, or whose bytes have changed
  u64 stale = 0;                                  ///< blocks that found their bytes changed
  u64 random_losses = 0;                          ///< things forgotten on request
  u64 settled = 0;                                ///< hot blocks whose guesses were wrong too often
  std::array<u64, kLastExit + 2> exits{};         ///< from translated code, by Exit; then those of unconnected jumps
  u64 slice_ends = 0;                             ///< slices whose last instructions the interpreter ran
};

/// One engine serves all PEs of a machine, on one thread. It is exact: a run has the same instructions, exceptions and
/// times as one of the interpreter.
class Jit : public pe::CodeWatch {
 public:
  explicit Jit(const Features& features, const JitOptions& options = {});
  ~Jit() override;
  /// The host has the instructions that translated code uses, and lets memory be executable.
  static bool host_can();
  bool usable() const { return buffer_.ok(); }

  /// As interp::Interp::run.
  void run(pe::Pe& pe);
  /// Stores into pages with translated code must be noticed by all PEs that this engine may run.
  void attach(pe::Pe& pe);
  /// Blocks that have any of these bytes are forgotten; the others stay.
  void changed(const u8* from, usize size) override;

  const JitCounters& counters() const { return counters_; }
  const TranslationCounters& translation() const { return translator_.counters; }
  usize code_bytes_used() const { return buffer_.used(); }
  usize blocks() const { return blocks_.live(); }
  /// Where the host's time went: with count_runs.
  const TimeSplit& time() const { return time_; }
  const EngineData::Returns& returns() const { return buffer_.returns(); }
  /// Of distances (guesses.h).
  u64 wrong_guesses() const;
  /// Guest instructions executed by translated code, and the bytes of host code that are behind them: with count_runs.
  struct Weighted {
    u64 entered = 0, instructions = 0, host_bytes = 0;
  };
  Weighted weighted() const;

 private:
  friend u64 run_site(Frame* frame, const Site* site);
  friend u8* serve_line(Frame* frame, const LineSite* site, u64 va);
  friend u64 serve_jump(Frame* frame, u64 pc, Link* link, CodeLine* wanted);
  /// How often a place has been interpreted; places share entries, which only delays them.
  struct Heat {
    u32 tag = 0, runs = 0;
  };

  void run_blocks(pe::Pe& pe, bool resumes);
  const u8* translated(u64 pc, u64 host) const;
  void fill_frame(pe::Pe& pe);
  void end_slice(pe::Pe& pe);
  bool find_page(pe::Pe& pe);
  static void take_instead(pe::Pe& pe);
  u64 host_of_code(pe::Pe& pe, bool apart, CodeLine* likely = nullptr);
  u64 enter(const u8* code);
  Block* find(u64 pc, u64 host);
  bool cold(u64 pc, u64 host, bool resumes);
  bool interpret(pe::Pe& pe);
  Block& translate(u64 pc, u64 host, Tier tier, const PathProfile* profile = nullptr);
  void sample(Block& block);
  void record(Block& block);
  bool records(u64 pc, u64 host);
  void translate_again(Block& block, Tier tier);
  void connect(Link& link, Block& to);
  void drop(Block& block);
  void name_code(const Block& block);
  void watch_page(const u8* page, Blocks::Page& record);
  void on_write(const u8* page) override;
  void drop_within(const Blocks::Page& page, const u8* from, usize size);
  void flush();
  /// True: all code has been forgotten, which must not happen while it runs.
  bool forget_at_random(pe::Pe& pe, bool code_runs);
  JumpCacheEntry& slot(u64 pc) { return jump_cache_[(pc >> 2) & ((1u << kJumpCacheLog2) - 1)]; }
  void restore_fetch_page(pe::Pe& pe, u64 pc, const Block& block) const;
  void* unprivileged(pe::Pe& pe) const;
  u64 after_site(pe::Pe& pe, const Site& site, isa::Flow flow, bool leaves);

  Features features_;
  JitOptions options_;
  interp::Interp interp_;
  CodeBuffer buffer_;
  Translator translator_;
  JitCounters counters_;
  TimeSplit time_;
  std::vector<pe::Pe*> pes_;
  Blocks blocks_;
  CodeLines code_lines_;
  std::unique_ptr<JumpCacheEntry[]> jump_cache_;
  std::unique_ptr<Heat[]> heat_;  ///< a CodeLine has its own of all blocks but those that are apart
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> perf_map_{nullptr, std::fclose};
  std::optional<Chance> forgetting_;
  std::array<u8, pe::kLineBytes> served_{};  ///< what serve_line has loaded or stored last
  Weighted forgotten_;                       ///< of blocks before the last flush
  u64 forgotten_guesses_ = 0;                ///< wrong ones, of those blocks
  bool code_changed_ = false;                ///< blocks were dropped: the running one must not go on
  bool fp_unit_ = false;                     ///< MXCSR is translated code's (host_fp.h)
  /// Where the code of a block goes: it is interpreted some times before it is translated as a hot one.
  struct Recording {
    u64 pc = 0, host = 0;
    bool wanted = false;  ///< and the block has been dropped
    bool open = false;    ///< on the way; `last`: the run of instructions that has been interpreted
    u64 last = 0;
    unsigned runs = 0, rounds = 0, others = 0;
    PathProfile profile;
  } recording_;
};

}  // namespace farside::jit

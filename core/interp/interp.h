// core/interp/interp.h - the interpreter: runs one PE for a slice of instructions.
#pragma once
#include <memory>

#include "core/interp/handlers.h"
#include "core/pe/pe.h"

namespace farside::interp {

/// Decoded instructions, found by address and verified by word. Decoding depends on nothing but the word, so an entry
/// can be wrong only by not matching, and no store, TLBI or context switch ever needs to invalidate it.
class DecodeCache {
 public:
  struct Entry {
    u32 word = 0;
    Handler handler = nullptr;  ///< null only before the first use
  };
  explicit DecodeCache(const Features& features);
  Handler find(u64 pc, u32 word) {
    Entry& entry = entries_[(pc >> 2) & (kEntries - 1)];
    if (entry.word != word) [[unlikely]]
      entry = {word, decode(word)};
    return entry.handler;
  }
  u64 misses() const { return misses_; }

 private:
  static constexpr usize kEntries = 1 << 15;
  Handler decode(u32 word);
  Features features_;
  std::unique_ptr<Entry[]> entries_;
  u64 misses_ = 0;
};

class Interp {
 public:
  explicit Interp(const Features& features) : cache_(features) {}
  /// Runs `pe` until its budget is used up or it waits (WFI, WFE). Exceptions and interrupts are taken on the way.
  void run(pe::Pe& pe);
  /// Runs instructions that need no check of the slow loop up to the end of a basic block; of the first,
  /// Pe::fetch_page has the word already. False if `run` would have to look at something before the next instruction.
  bool run_block(pe::Pe& pe);
  /// One instruction, with every check of the slow loop.
  void step(pe::Pe& pe);
  const DecodeCache& decode_cache() const { return cache_; }

 private:
  /// What Pe::fetch_page covers: a page, or a line where caches are modelled.
  static constexpr u64 kPageWindow = 0xffc, kLineWindow = 0x3c;
  template <u64 kWindow>
  bool fetch(pe::Pe& pe, u32& word);
  template <u64 kWindow>
  void run_fast(pe::Pe& pe);
  template <u64 kWindow>
  bool run_fetched_block(pe::Pe& pe);
  void finish(pe::Pe& pe, isa::Flow flow);
  void trace(pe::Pe& pe, u32 word);
  DecodeCache cache_;
};

}  // namespace farside::interp

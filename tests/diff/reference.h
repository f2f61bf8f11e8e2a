// tests/diff/reference.h - Unicorn as the other implementation.
#pragma once
#include <unicorn/unicorn.h>

#include <span>
#include <vector>

#include "tests/diff/state.h"

namespace farside::diff {

class Reference {
 public:
  /// `code` and `data` are copied; both regions start at the given addresses. Words go to `entry` in the code region.
  Reference(u64 code_base, std::span<const u8> code, u64 data_base, std::span<const u8> data, u64 entry);
  ~Reference();
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

  std::span<u8> data() { return data_; }
  /// Puts words at the entry, behind a CLREX that opens the exclusive monitor.
  void set_code(std::span<const u32> words);
  /// Address of the first of the words.
  u64 entry() const { return entry_; }
  /// Runs up to `count` instructions of the code from `state`, which is updated.
  Ending run(UserState& state, unsigned count, bool branches);

 private:
  void write(const UserState& state);
  void read(UserState& state);
  u64 entry_;
  uc_engine* uc_ = nullptr;
  // Whole pages, given to Unicorn by pointer.
  std::span<u8> code_, data_;
};

}  // namespace farside::diff

// devices/code_copies.h - what instruction fetches see of RAM when stores do not reach them by themselves.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "core/base/bits.h"
#include "devices/ram.h"

namespace farside::dev {

/// An instruction cache of unlimited size that all PEs share, by physical address. Each page of RAM is copied as a
/// whole when an instruction is first fetched from it, and nothing is ever evicted: what is there changes by renew()
/// alone.
class CodeCopies {
 public:
  static constexpr u64 kLine = 64;
  /// Called with bytes of a copy that are others now.
  using Changed = std::function<void(const u8* from, u64 size)>;

  /// Of `ram`, which must live as long. Fails when the host has no address space left.
  static Result<std::unique_ptr<CodeCopies>, UserError> create(Ram& ram, Changed changed);

  /// The copy of a page of RAM, made if there is none.
  const u8* page(const u8* ram_page) {
    const u64 number = static_cast<u64>(ram_page - ram_.data()) / Ram::kPage;
    if (!copied(number)) [[unlikely]]
      copy(number);
    return copies_.data() + number * Ram::kPage;
  }
  /// From a page of RAM to its copy: the same for all.
  i64 distance() const { return copies_.data() - ram_.data(); }
  /// Instruction cache maintenance of the lines of [offset, offset + size): what has been copied is as in RAM now.
  /// What is outside RAM is left out.
  void renew(u64 offset, u64 size);
  /// The same for all lines.
  void renew_all();
  /// Visits which pages there are, and the bytes of those that differ from RAM.
  void visit_state(StateVisitor& visitor);

  struct Counters {
    u64 pages = 0;    ///< copied when first fetched from
    u64 lines = 0;    ///< renewed one by one, of pages that have been copied
    u64 all = 0;      ///< times that all were
    u64 changed = 0;  ///< lines that were others than before
  };
  const Counters& counters() const { return counters_; }

 private:
  CodeCopies(Ram& ram, Ram copies, Changed changed);
  bool copied(u64 number) const { return bit(copied_[number / 64], number % 64); }
  void copy(u64 number);
  void renew_line(u64 offset);
  void renew_page(u64 number);

  Ram& ram_;
  Ram copies_;
  Changed changed_;
  std::vector<u64> copied_;  ///< one bit for each page
  std::vector<u64> pages_;   ///< the numbers of those that are
  Counters counters_;
};

}  // namespace farside::dev

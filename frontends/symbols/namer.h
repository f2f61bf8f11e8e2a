// frontends/symbols/namer.h - names for the program counters of a running guest, wherever its kernel has put itself.
#pragma once
#include <string>

#include "core/arch/el.h"
#include "frontends/symbols/read.h"

namespace farside::symbols {

/// Symbols count from where the kernel was linked; it runs elsewhere (KASLR, or the MMU is off). The difference is
/// found from VBAR_EL1, which points to the symbol `vectors` while a Linux kernel runs.
class Namer {
 public:
  /// `loaded` is the guest-physical address of the Image's first byte, where that is known.
  explicit Namer(Symbols symbols, std::optional<u64> loaded = std::nullopt)
      : symbols_(std::move(symbols)), loaded_(loaded), vectors_(symbols_.table.find("vectors")) {}
  /// A core executes at `pc` in EL1 with this VBAR_EL1. A pair that does not fit together says nothing: the vectors of
  /// user space (KPTI), a core that is only starting.
  void observe(u64 vbar_el1, u64 pc);
  /// Whether observe() has learnt where the kernel runs.
  bool located() const { return slide_.has_value(); }
  std::optional<Place> place(u64 pc, El el) const;
  /// "ftrace_init+0x40", "memcpy" at its first instruction, or nothing.
  std::string name(u64 pc, El el) const;

 private:
  Symbols symbols_;
  std::optional<u64> loaded_, vectors_;
  std::optional<u64> slide_;  ///< address of running code minus address in the table
};

/// "name" or "name+0x40".
std::string text_of(const Place& place);

}  // namespace farside::symbols

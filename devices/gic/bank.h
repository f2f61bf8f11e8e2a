// devices/gic/bank.h - the registers that the distributor and SGI_base have in common, for 32 interrupts.
#pragma once
#include "devices/gic/state.h"

namespace farside::dev::gic {

/// Where a byte offset inside a bank register array points: which bank of 32 interrupts, which word of it.
struct BankPlace {
  u32 bank = 0;
  u32 word = 0;
};
BankPlace bank_place(Frame reg, u64 offset_in_array);

/// Reads the 32-bit word of `reg`.
u32 read_bank(const Bank& bank, Frame reg, u32 word);

/// Writes bytes of a word: `lanes` has 0xff for each byte that the access covers. Registers other than IPRIORITYR take
/// whole words only. `fixed_edges` are interrupts whose configuration cannot change (SGIs).
void write_bank(Bank& bank, Frame reg, u32 word, u32 value, u32 lanes, u32 fixed_edges);

}  // namespace farside::dev::gic

// devices/gic/bank.cpp - reads and writes group, enable, pending, active, priority and configuration words.
#include "devices/gic/bank.h"

#include "core/base/bits.h"

namespace farside::dev::gic {
namespace {

/// ICFGR has two bits for each interrupt; the upper one means edge-triggered.
u32 config_word(u32 edge, u32 word) {
  u32 value = 0;
  for (u32 i = 0; i < 16; i++) value |= static_cast<u32>(bit(edge, 16 * word + i)) << (2 * i + 1);
  return value;
}

void write_config(Bank& bank, u32 word, u32 value, u32 fixed_edges) {
  for (u32 i = 0; i < 16; i++) {
    const u32 n = 16 * word + i;
    if (!bit(fixed_edges, n)) bank.edge = static_cast<u32>(with_bits(bank.edge, n, n, bit(value, 2 * i + 1)));
  }
}

u32 priority_word(const Bank& bank, u32 word) {
  u32 value = 0;
  for (u32 i = 0; i < 4; i++) value |= u32{bank.priority[4 * word + i]} << (8 * i);
  return value;
}

void write_priorities(Bank& bank, u32 word, u32 value, u32 lanes) {
  for (u32 i = 0; i < 4; i++) {
    if (bits(lanes, 8 * i + 7, 8 * i) == 0) continue;
    bank.priority[4 * word + i] = static_cast<u8>((value >> (8 * i)) & kPriorityMask);
  }
}

}  // namespace

BankPlace bank_place(Frame reg, u64 offset_in_array) {
  const u32 word = static_cast<u32>(offset_in_array / 4);
  const u32 words_per_bank = reg == Frame::IPRIORITYR ? 8 : reg == Frame::ICFGR ? 2 : 1;
  return {word / words_per_bank, word % words_per_bank};
}

u32 read_bank(const Bank& bank, Frame reg, u32 word) {
  switch (reg) {
    case Frame::IGROUPR: return bank.group;
    case Frame::ISENABLER:
    case Frame::ICENABLER: return bank.enabled;
    case Frame::ISPENDR:
    case Frame::ICPENDR: return bank.pending();
    case Frame::ISACTIVER:
    case Frame::ICACTIVER: return bank.active;
    case Frame::IPRIORITYR: return priority_word(bank, word);
    case Frame::ICFGR: return config_word(bank.edge, word);
    default: return 0;
  }
}

void write_bank(Bank& bank, Frame reg, u32 word, u32 value, u32 lanes, u32 fixed_edges) {
  if (reg == Frame::IPRIORITYR) return write_priorities(bank, word, value, lanes);
  if (lanes != 0xffffffff) return;
  switch (reg) {
    case Frame::IGROUPR: bank.group = value; break;
    case Frame::ISENABLER: bank.enabled |= value; break;
    case Frame::ICENABLER: bank.enabled &= ~value; break;
    case Frame::ISPENDR: bank.latch |= value; break;
    case Frame::ICPENDR: bank.latch &= ~value; break;  // a high level-sensitive wire keeps its interrupt pending
    case Frame::ISACTIVER: bank.active |= value; break;
    case Frame::ICACTIVER: bank.active &= ~value; break;
    case Frame::ICFGR: write_config(bank, word, value, fixed_edges); break;
    default: break;
  }
}

}  // namespace farside::dev::gic

// devices/gic/state.h - the architectural state of the GIC as plain data.
#pragma once
#include <array>

#include "devices/gic/spec.h"

namespace farside::dev::gic {

/// 32 consecutive interrupts, one bit each.
struct Bank {
  u32 group = 0;  ///< 1: group 1
  u32 enabled = 0;
  u32 latch = 0;  ///< pending by an edge or by software
  u32 level = 0;  ///< the wires
  u32 active = 0;
  u32 edge = 0;  ///< 1: edge-triggered
  std::array<u8, 32> priority{};

  /// Level-sensitive wires are pending as long as they are high.
  u32 pending() const { return latch | (level & ~edge); }
};

/// What belongs to one PE: its private interrupts and its CPU interface.
struct Pe {
  Bank bank;
  u32 waker = 0;
  u32 pmr = 0;
  std::array<u32, 2> bpr{};  ///< group 0, group 1
  std::array<u32, 2> apr{};  ///< active priorities, bit n is priority n << 3
  std::array<u32, 2> igrpen{};
  u32 ctlr = 0;  ///< the writable bits: EOImode, CBPR
};

struct State {
  u32 ctlr = 0;  ///< the writable bits: EnableGrp1, EnableGrp0
  std::array<Pe, kMaxPes> pe{};
  std::array<Bank, kMaxSpiBanks> spi{};
  std::array<u64, 32 * kMaxSpiBanks> route{};
};

}  // namespace farside::dev::gic

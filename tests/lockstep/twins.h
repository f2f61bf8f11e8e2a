// tests/lockstep/twins.h - two equal flat machines, one run by the interpreter and one by the translating engine.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "core/jit/jit.h"
#include "core/pe/compare.h"
#include "tests/isa/flat_machine.h"
#include "tests/isa/snapshot.h"

namespace farside::test {

class Twins {
 public:
  /// `machine`: what both are made as.
  explicit Twins(const jit::JitOptions& options, const FlatMachine::Options& machine = {});
  /// Both machines start from `state` with `words` at its PC, followed by a branch to itself, and run for `slice`
  /// instructions. Empty, or what differs afterwards.
  std::string run(std::span<const u32> words, const Snapshot& state, u64 slice);
  /// Stores a doubleword in the data window of both.
  void store(u64 address, u64 value);
  const jit::Jit& jit() const { return *jit_; }
  /// The seed of configurations that forget things at random: FARSIDE_FORGET_SEED, or 1.
  static u64 forget_seed();

 private:
  void place(FlatMachine& machine, std::span<const u32> words, const Snapshot& state);
  FlatMachine ours_, theirs_;
  interp::Interp interp_;
  std::unique_ptr<jit::Jit> jit_;
};

}  // namespace farside::test

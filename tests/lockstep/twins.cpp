// tests/lockstep/twins.cpp - runs both machines and compares what they did.
#include "tests/lockstep/twins.h"

#include <cstdlib>
#include <cstring>

namespace farside::test {
namespace {

constexpr u32 kBranchToItself = 0x14000000;

}  // namespace

Twins::Twins(const jit::JitOptions& options, const FlatMachine::Options& machine)
    : ours_(machine),
      theirs_(machine),
      interp_(all_features()),
      jit_(std::make_unique<jit::Jit>(all_features(), options)) {
  jit_->attach(theirs_.pe());
}

u64 Twins::forget_seed() {
  const char* const text = std::getenv("FARSIDE_FORGET_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 0);
}

void Twins::store(u64 address, u64 value) {
  for (FlatMachine* machine : {&ours_, &theirs_})
    std::memcpy(machine->data().data() + (address - FlatMachine::kData), &value, sizeof value);
}

void Twins::place(FlatMachine& machine, std::span<const u32> words, const Snapshot& state) {
  pe::Pe& pe = machine.pe();
  // The exception state of the run before: back to EL1 with nothing pending.
  pe.set_pstate(Pstate{}.with(Pstate::DAIF, u64{15}).with(Pstate::EL, El::EL1).with(Pstate::SP, true));
  pe.pending = {};
  pe.monitor = {};
  pe.waiting = pe.event_register = false;
  install(machine, state);
  u8* page = machine.ram_page(Pa{align_down(state.pc, pe::kL0PageSize)});
  std::memcpy(page + state.pc % pe::kL0PageSize, words.data(), words.size_bytes());
  std::memcpy(page + state.pc % pe::kL0PageSize + words.size_bytes(), &kBranchToItself, 4);
  if (pe.ports.code_watch != nullptr) pe.ports.code_watch->written(page);
  machine.caches().adopt(Pa{FlatMachine::kCode}, FlatMachine::kCodeSize);
  machine.caches().adopt(Pa{FlatMachine::kData}, FlatMachine::kDataSize);
}

std::string Twins::run(std::span<const u32> words, const Snapshot& state, u64 slice) {
  place(ours_, words, state);
  place(theirs_, words, state);
  ours_.pe().begin_slice(slice);
  interp_.run(ours_.pe());
  theirs_.pe().begin_slice(slice);
  jit_->run(theirs_.pe());
  std::string report = pe::compare(ours_.pe(), theirs_.pe());
  for (FlatMachine* machine : {&ours_, &theirs_}) machine->caches().speculate(0, slice);
  if (std::memcmp(ours_.data().data(), theirs_.data().data(), ours_.data().size()) != 0) report += "  memory\n";
  if (ours_.caches().state_hash() != theirs_.caches().state_hash()) report += "  caches\n";
  return report;
}

}  // namespace farside::test

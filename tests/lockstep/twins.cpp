// tests/lockstep/twins.cpp - runs both machines and compares registers, system registers, time and memory.
#include "tests/lockstep/twins.h"

#include <fmt/format.h>

#include <cstring>

namespace farside::test {
namespace {

constexpr u32 kBranchToItself = 0x14000000;

void number(std::string& report, const std::string& name, u64 expected, u64 actual) {
  if (expected != actual) report += fmt::format("  {}: interpreter {:x}, jit {:x}\n", name, expected, actual);
}

}  // namespace

std::string compare_cores(pe::Pe& expected, pe::Pe& actual) {
  std::string report;
  const pe::State &a = expected.s, &b = actual.s;
  for (unsigned i = 0; i < 32; ++i) number(report, fmt::format("x{}", i), a.x[i], b.x[i]);
  for (unsigned i = 0; i < 32; ++i) {
    number(report, fmt::format("v{} low", i), a.v[i].lo, b.v[i].lo);
    number(report, fmt::format("v{} high", i), a.v[i].hi, b.v[i].hi);
  }
  for (unsigned i = 0; i < 4; ++i) number(report, fmt::format("sp_bank{}", i), a.sp_bank[i], b.sp_bank[i]);
  number(report, "sp", a.sp, b.sp);
  number(report, "pc", a.pc, b.pc);
  number(report, "nzcv", a.nzcv, b.nzcv);
  number(report, "btype", a.btype, b.btype);
  number(report, "pstate", a.pstate.raw, b.pstate.raw);
  number(report, "fpcr", a.fp.fpcr.raw, b.fp.fpcr.raw);
  number(report, "fpsr", a.fp.fpsr.raw, b.fp.fpsr.raw);
  for (usize i = 0; i < kSysRegCount; ++i) {
    const auto reg = static_cast<SysReg>(i);
    number(report, std::string(sysreg_info(reg).name), a.sys[reg], b.sys[reg]);
  }
  number(report, "instructions", expected.instructions(), actual.instructions());
  number(report, "spent", expected.spent, actual.spent);
  number(report, "waiting", expected.waiting, actual.waiting);
  number(report, "exclusive", expected.monitor.armed, actual.monitor.armed);
  return report;
}

Twins::Twins(const jit::JitOptions& options)
    : interp_(all_features()), jit_(std::make_unique<jit::Jit>(all_features(), options)) {
  jit_->attach(theirs_.pe());
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
}

std::string Twins::run(std::span<const u32> words, const Snapshot& state, u64 slice) {
  place(ours_, words, state);
  place(theirs_, words, state);
  ours_.pe().begin_slice(slice);
  interp_.run(ours_.pe());
  theirs_.pe().begin_slice(slice);
  jit_->run(theirs_.pe());
  std::string report = compare_cores(ours_.pe(), theirs_.pe());
  if (std::memcmp(ours_.data().data(), theirs_.data().data(), ours_.data().size()) != 0) report += "  memory\n";
  return report;
}

}  // namespace farside::test

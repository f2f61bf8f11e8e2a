// tests/unit/trace/print_test.cpp - trace lines are those that the kernel's tracepoints print.
#include "frontends/trace/print.h"
#include "tests/unit/catch.h"

#include <initializer_list>
#include <string>

using namespace farside;
using namespace farside::trace;

namespace {

/// Emits one event and returns what a Printer makes of it.
std::string printed(TraceGroup group, u32 cpu, std::string_view name, std::initializer_list<TraceField> fields) {
  const Printer printer([] { return u64{12'345'678}; });
  std::string line;
  Trace trace;
  trace.enable(group);
  trace.set_sink([&](const TraceEvent& event) { line = printer.line(event); });
  trace.emit(group, cpu, name, fields);
  return line;
}

std::string words(std::string_view name, std::initializer_list<TraceField> fields) {
  return kvm_text({TraceGroup::Kvm, 0, name, {fields.begin(), fields.size()}});
}

}  // namespace

TEST_CASE("KVM events use the kernel's formats") {
  CHECK(words("kvm_entry", {{"pc", 0xffff800008010000}}) == "PC: 0xffff800008010000");
  CHECK(words("kvm_exit", {{"ret", 0, "TRAP"}, {"esr_ec", 0x24, "DABT_LOW"}, {"pc", 0x40200000}}) ==
        "TRAP: HSR_EC: 0x0024 (DABT_LOW), PC: 0x0000000040200000");
  CHECK(words("kvm_guest_fault", {{"ipa", 0x40000000}, {"hsr", 0x93800046}, {"hxfar", 0x10}, {"pc", 0x40200000}}) ==
        "ipa 0x40000000, hsr 0x93800046, hxfar 0x000010, pc 0x00000040200000");
  CHECK(words("kvm_access_fault", {{"ipa", 0x40201000}}) == "IPA: 40201000");
  CHECK(words("kvm_mmio_emulate", {{"pc", 0x40200004}, {"instr", 0xf9000022}, {"cpsr", 0x3c5}}) ==
        "Emulate MMIO at: 0x0000000040200004 (instr: f9000022, cpsr: 000003c5)");
  CHECK(words("kvm_set_way_flush", {{"pc", 0x40200004}, {"cache", 1}}) == "S/W flush at 0x0000000040200004 (cache on)");
  CHECK(words("kvm_toggle_cache", {{"pc", 0x40200004}, {"was", 0}, {"now", 1}}) ==
        "VM op at 0x0000000040200004 (cache was off, now on)");
}

TEST_CASE("register traps name the register and its encoding") {
  CHECK(words("kvm_sys_access", {{"pc", 0xffff}, {"name", 3 << 14 | 1 << 7, "SCTLR_EL1"}, {"is_write", 1}}) ==
        "PC: ffff SCTLR_EL1 (3,0,1,0,0) write");
  CHECK(words("kvm_wfx_arm64", {{"pc", 0}, {"is_wfe", 0}}) == "guest executed wfi at: 0x0000000000000000");
}

TEST_CASE("an event without its fields is still printed, as pairs") {
  CHECK(words("kvm_entry", {{"address", 0x10}}) == "address 0x10");
  CHECK(words("kvm_made_up", {{"why", 0, "test"}, {"n", 3}}) == "why test n 0x3");
}

TEST_CASE("a line has ftrace's prefix: thread, core, virtual time") {
  CHECK(printed(TraceGroup::Kvm, 1, "kvm_entry", {{"pc", 0x40200000}}) ==
        "       CPU 1/KVM-1001    [001] .....     0.012345: kvm_entry: PC: 0x0000000040200000\n");
}

TEST_CASE("exec lines are disassembled") {
  CHECK(printed(TraceGroup::Exec, 0, "exec", {{"pc", 0x40200000}, {"word", 0xf9400020}, {"el", 1}}) ==
        "       CPU 0/KVM-1000    [000] .....     0.012345: exec: EL1 0000000040200000 f9400020 ldr     x0, [x1]\n");
  CHECK(Disassembler().text(0, 0) == ".inst 0x00000000");
  CHECK(Disassembler().text(0, 0xd65f03c0) == "ret");
}

TEST_CASE("other groups print their fields") {
  const std::string line = printed(TraceGroup::Tlb, 0, "tlbi", {{"op", 0, "VAE1IS"}, {"base", 0x1000}});
  CHECK(line.find("tlbi: op VAE1IS base 0x1000\n") != std::string::npos);
}

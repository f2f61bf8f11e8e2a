// frontends/monitor/views.cpp - registers, TLB, memory map, slots and stage-2 tables as text.
#include <string_view>

#include "firmware/hyp/vm.h"
#include "frontends/monitor/monitor.h"

namespace farside::monitor {
namespace {

/// Most lines that a listing prints; the rest is counted.
constexpr usize kMostLines = 200;

std::string size_text(u64 bytes) {
  if (bytes % (u64{1} << 30) == 0) return fmt::format("{}G", bytes >> 30);
  if (bytes % (u64{1} << 20) == 0) return fmt::format("{}M", bytes >> 20);
  return fmt::format("{}K", bytes >> 10);
}

std::string rest(usize lines) {
  return lines > kMostLines ? fmt::format("... and {} more\n", lines - kMostLines) : std::string();
}

constexpr SysReg kShown[] = {
    SysReg::SCTLR_EL1, SysReg::TCR_EL1,   SysReg::TTBR0_EL1, SysReg::TTBR1_EL1, SysReg::MAIR_EL1,
    SysReg::VBAR_EL1,  SysReg::ESR_EL1,   SysReg::FAR_EL1,   SysReg::ELR_EL1,   SysReg::SPSR_EL1,
    SysReg::PAR_EL1,   SysReg::HCR_EL2,   SysReg::VTCR_EL2,  SysReg::VTTBR_EL2, SysReg::ESR_EL2,
    SysReg::FAR_EL2,   SysReg::HPFAR_EL2, SysReg::ELR_EL2,   SysReg::SPSR_EL2,
};
constexpr std::string_view kShownNames[] = {
    "SCTLR_EL1", "TCR_EL1", "TTBR0_EL1", "TTBR1_EL1", "MAIR_EL1", "VBAR_EL1", "ESR_EL1",
    "FAR_EL1",   "ELR_EL1", "SPSR_EL1",  "PAR_EL1",   "HCR_EL2",  "VTCR_EL2", "VTTBR_EL2",
    "ESR_EL2",   "FAR_EL2", "HPFAR_EL2", "ELR_EL2",   "SPSR_EL2",
};
static_assert(std::size(kShown) == std::size(kShownNames));

}  // namespace

std::string place(const machine::Machine& machine, u64 pc, El el) {
  const std::string name = machine.name_of(pc, el);
  return name.empty() ? name : fmt::format(" <{}>", name);
}

std::string format_registers(pe::Pe& core) {
  const pe::State& s = core.s;
  const Pstate p = core.pstate();
  std::string out = fmt::format("CPU#{}  PC={:016x}  SP={:016x}\n", core.index(), s.pc, s.sp);
  for (unsigned i = 0; i < 31; ++i)
    out += fmt::format("X{:02}={:016x}{}", i, s.x[i], i % 4 == 3 || i == 30 ? "\n" : " ");
  out +=
      fmt::format("PSTATE={:08x} {}{}{}{} EL{}{} DAIF={:x}{}{}\n", p.raw, p[Pstate::N] ? 'N' : '-',
                  p[Pstate::Z] ? 'Z' : '-', p[Pstate::C] ? 'C' : '-', p[Pstate::V] ? 'V' : '-', number(core.el()),
                  p[Pstate::SP] ? 'h' : 't', p[Pstate::DAIF], p[Pstate::PAN] ? " PAN" : "", p[Pstate::IL] ? " IL" : "");
  for (usize i = 0; i < std::size(kShown); ++i)
    out += fmt::format("{:>9}={:016x}{}", kShownNames[i], s.sys[kShown[i]], i % 3 == 2 ? "\n" : " ");
  if (std::size(kShown) % 3 != 0) out += "\n";
  out += fmt::format("ESR_EL1: {}\n", describe(Esr::of(s.sys[SysReg::ESR_EL1])));
  return out;
}

std::string format_tlb(pe::Pe& core) {
  std::string out;
  usize lines = 0;
  core.tlb.for_each([&](const mmu::TlbEntry& e) {
    if (++lines > kMostLines) return;
    if (e.kind == mmu::TlbKind::Stage2) {
      out += fmt::format("s2   vmid {:<5} {} -> {} {}\n", e.vmid, Ipa{e.input}, Pa{e.output},
                         size_text(u64{1} << e.size_log2));
      return;
    }
    out += fmt::format("{} vmid {:<5} asid {:<6} {} -> {} {}{}\n", e.kind == mmu::TlbKind::Combined ? "s1+2" : "s1  ",
                       e.vmid, e.global ? std::string("global") : fmt::format("{}", e.asid), Va{e.input}, Pa{e.output},
                       size_text(u64{1} << e.size_log2), e.guarded ? " guarded" : "");
  });
  return fmt::format("{} entries\n", lines) + out + rest(lines);
}

std::string format_memory_map(machine::Machine& machine) {
  std::string out = "guest physical address space\n";
  for (const auto& r : machine.memory_map())
    out += fmt::format("  {:016x}-{:016x} {}\n", r.base, r.base + r.size - 1, r.name);
  return out;
}

std::string format_slots(machine::Machine& machine) {
  if (machine.vm() == nullptr) return "no hypervisor: this machine runs with --el2 none\n";
  std::string out;
  for (const hyp::SlotInfo& slot : machine.vm()->slots())
    out += fmt::format("slot {} {} size {} hva {:#x}{}{}{} mapped {}\n", slot.id, slot.guest, size_text(slot.size),
                       slot.hva, slot.flags & hyp::kMemReadOnly ? " ro" : " rw",
                       slot.flags & hyp::kMemLogDirtyPages ? " log" : "", slot.invalid ? " INVALID" : "",
                       size_text(slot.mapped_bytes));
  return out;
}

std::string format_stage2(machine::Machine& machine) {
  if (machine.vm() == nullptr) return "no hypervisor: this machine runs with --el2 none\n";
  hyp::Vm& vm = *machine.vm();
  std::string out = fmt::format("VMID {}, table at {}, VTCR_EL2 {:#x}\n", vm.vmid(), vm.table_root(), vm.vtcr());
  usize lines = 0;
  vm.for_each_leaf([&](const hyp::LeafInfo& leaf) {
    if (++lines > kMostLines) return;
    // S2AP is bits 7:6, XN bits 54:53, MemAttr bits 5:2 of a stage-2 leaf.
    out +=
        fmt::format("{} -> {} {:>4} level {} {}{}{} memattr {:x} af {}\n", leaf.ipa, leaf.pa, size_text(leaf.size),
                    leaf.level, bit(leaf.descriptor, 6) ? 'r' : '-', bit(leaf.descriptor, 7) ? 'w' : '-',
                    bit(leaf.descriptor, 54) ? '-' : 'x', bits(leaf.descriptor, 5, 2), bits(leaf.descriptor, 10, 10));
  });
  return out + fmt::format("{} leaves\n", lines) + rest(lines);
}

std::string format_drives(const machine::MachineConfig& config) {
  if (config.drives.empty()) return "no drives\n";
  std::string out;
  for (usize i = 0; i < config.drives.size(); ++i) {
    // Linux counts a to z, then aa and so on; there are 32 slots.
    const std::string name = i < 26 ? "" : "a";
    out += fmt::format("vd{}{:c}: {} (raw, {})\n", name, 'a' + static_cast<int>(i % 26), config.drives[i].path,
                       config.drives[i].read_only ? "read-only" : "read-write");
  }
  return out;
}

std::string format_network(const machine::MachineConfig& config) {
  if (!config.net) return "no network\n";
  std::string out = "user: the guest is on 10.0.2.0/24, the host is 10.0.2.2\n";
  for (const machine::ForwardConfig& forward : config.net->forwards)
    out += fmt::format("  {} {}:{} leads to {}:{}\n", forward.udp ? "udp" : "tcp", forward.host_address,
                       forward.host_port, forward.guest_address, forward.guest_port);
  return out;
}

}  // namespace farside::monitor

// tests/unit/pe/fake_ports.h - a PE with a little RAM and hand-driven ports, for tests without the machine.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {

/// 64 KiB of RAM at 0, a counter that tests set, and notes of what the PE asked for.
struct FakePorts final : BusPort, SystemPort, Clock, IccPort, EntropyPort, FirmwarePort, El2Host {
  std::vector<u8> ram = std::vector<u8>(64 << 10);
  u64 now = 0;
  std::map<u32, bool> ppi;
  std::vector<u16> icc_writes;
  bool virtual_sgis = true;
  bool firmware_answers = true;
  unsigned firmware_calls = 0, el2_entries = 0, events = 0;
  Trace trace;

  u8* ram_page(Pa page) override { return page.value + 4096 <= ram.size() ? ram.data() + page.value : nullptr; }
  bool read(Pa, unsigned, u64&, u32) override { return false; }
  bool write(Pa, unsigned, u64, u32) override { return false; }
  void broadcast_tlbi(Pe& issuer, const mmu::TlbiOp& op) override { issuer.apply_tlbi(op); }
  void cache_op(Pe&, const cache::CacheOpByPa&) override {}
  void cache_op(Pe&, const cache::CacheOpBySetWay&) override {}
  void cache_op(Pe&, const cache::ICacheInvalidateAll&) override {}
  void send_event(Pe&) override { ++events; }
  u64 counter(const Pe&) override { return now; }
  void set_ppi(u32, u32 intid, bool level) override { ppi[intid] = level; }
  void timers_changed(u32) override {}
  u64 read(u32, u16) override { return 0x1cc; }
  void write(u32, u16 encoding, u64) override { icc_writes.push_back(encoding); }
  bool takes_virtual_sgis() const override { return virtual_sgis; }
  u64 next() override { return 0x1234; }
  bool call(Pe&, bool) override {
    ++firmware_calls;
    return firmware_answers;
  }
  void on_exception_to_el2(Pe&) override { ++el2_entries; }

  Ports all(bool hosted = false) {
    return {.bus = this,
            .system = this,
            .clock = this,
            .icc = this,
            .el2_host = hosted ? this : nullptr,
            .firmware = this,
            .entropy = this,
            .trace = &trace};
  }
};

/// One PE of a named CPU, at an EL that the test chooses.
struct Bench {
  FakePorts fake;
  Pe pe;
  explicit Bench(const char* cpu = "max", bool el2 = true) : pe(0, model(cpu, el2), fake.all()) { at(El::EL1); }

  static CpuModel model(const char* name, bool el2) {
    CpuModel cpu = *find_cpu(name);
    cpu.features.el2 = el2;
    return cpu;
  }
  void at(El el, bool sp_el0 = false) {
    pe.set_pstate(Pstate{}.with(Pstate::EL, el).with(Pstate::SP, el != El::EL0 && !sp_el0));
  }
  u64& operator[](SysReg reg) { return pe.s.sys[reg]; }
  /// Writes a register as privileged software does, with its effects.
  void set(SysReg reg, u64 value) { pe.write_register(reg, value); }
  /// "ok", or where the access went: "undef", "el1:sys", "el2:sys", "el1:fp" ... The exception is taken.
  std::string access(SysReg reg, bool read, u64 value = 0) { return access(sysreg_info(reg).encoding, read, value); }
  std::string access(SysRegEncoding encoding, bool read, u64 value = 0) {
    u64 out = 0;
    if (read ? pe.read_sysreg(encoding, 3, out) : pe.write_sysreg(encoding, 3, value)) return "ok";
    return take();
  }
  /// Takes what is pending and says where it went.
  std::string take() {
    pe.take_pending();
    const bool el2 = pe.el() == El::EL2;
    const Ec ec = Esr::of(pe.s.sys[el2 ? SysReg::ESR_EL2 : SysReg::ESR_EL1])[Esr::EC];
    if (ec == Ec::UNKNOWN && !el2) return "undef";
    const char* kind = ec == Ec::SYS64 ? "sys" : ec == Ec::FP_ASIMD ? "fp" : ec == Ec::UNKNOWN ? "undef" : ec_name(ec);
    return std::string(el2 ? "el2:" : "el1:") + kind;
  }
};

}  // namespace farside::pe

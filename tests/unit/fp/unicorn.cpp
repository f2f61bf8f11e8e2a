// tests/unit/fp/unicorn.cpp - one instruction at a time through libunicorn.
#include "tests/unit/fp/unicorn.h"

#include <unicorn/unicorn.h>

#include <stdexcept>

namespace farside::fp::test {
namespace {

constexpr u64 kCode = 0x10000, kCodeSize = 4 << 20;

void must(uc_err err, const char* what) {
  if (err != UC_ERR_OK) throw std::runtime_error(std::string(what) + ": " + uc_strerror(err));
}

/// X0 to X30; the last two are not numbered after the others.
int x_reg(unsigned n) {
  const int number = static_cast<int>(n);
  return number >= 29 ? int{UC_ARM64_REG_X29} + number - 29 : int{UC_ARM64_REG_X0} + number;
}

}  // namespace

struct UnicornArm::Impl {
  uc_engine* uc = nullptr;
  u64 at = kCode;

  void open() {
    must(uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &uc), "uc_open");
    must(uc_ctl_set_cpu_model(uc, UC_CPU_ARM64_MAX), "cpu model");
    must(uc_mem_map(uc, kCode, kCodeSize, UC_PROT_ALL), "map");
    u64 cpacr = 3 << 20;
    must(uc_reg_write(uc, UC_ARM64_REG_CPACR_EL1, &cpacr), "cpacr");
    at = kCode;
  }
  void close() {
    if (uc) uc_close(uc);
    uc = nullptr;
  }
};

UnicornArm::UnicornArm() : impl_(std::make_unique<Impl>()) { impl_->open(); }
UnicornArm::~UnicornArm() { impl_->close(); }

bool UnicornArm::run(u32 word, FpState& state) {
  Impl& i = *impl_;
  if (i.at + 8 > kCode + kCodeSize) {  // every word at a fresh address: no stale translation is ever met
    i.close();
    i.open();
  }
  const unsigned numbers[] = {word & 31, (word >> 5) & 31, (word >> 10) & 31, (word >> 16) & 31, (word >> 16) & 15};
  for (unsigned n : numbers) {
    uc_reg_write(i.uc, UC_ARM64_REG_V0 + static_cast<int>(n), &state.v[n]);
    if (n != 31) uc_reg_write(i.uc, x_reg(n), &state.x[n]);
  }
  u64 fpcr = state.env.fpcr.raw, fpsr = state.env.fpsr.raw, nzcv = state.nzcv;
  uc_reg_write(i.uc, UC_ARM64_REG_FPCR, &fpcr);
  uc_reg_write(i.uc, UC_ARM64_REG_FPSR, &fpsr);
  uc_reg_write(i.uc, UC_ARM64_REG_NZCV, &nzcv);
  must(uc_mem_write(i.uc, i.at, &word, 4), "write");
  const uc_err err = uc_emu_start(i.uc, i.at, i.at + 4, 0, 1);
  i.at += 4;
  if (err != UC_ERR_OK) return false;
  const unsigned d = word & 31;
  uc_reg_read(i.uc, UC_ARM64_REG_V0 + static_cast<int>(d), &state.v[d]);
  if (d != 31) uc_reg_read(i.uc, x_reg(d), &state.x[d]);
  uc_reg_read(i.uc, UC_ARM64_REG_FPSR, &fpsr);
  uc_reg_read(i.uc, UC_ARM64_REG_NZCV, &nzcv);
  state.env.fpsr.raw = fpsr;
  state.nzcv = nzcv & 0xf0000000;
  return true;
}

}  // namespace farside::fp::test

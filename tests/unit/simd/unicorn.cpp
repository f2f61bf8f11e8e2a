// tests/unit/simd/unicorn.cpp - one instruction at a time on Unicorn's most capable AArch64 CPU.
#include "tests/unit/simd/unicorn.h"

#include <unicorn/unicorn.h>

#include <array>

#include "core/base/check.h"

namespace farside::isa::simd::test {
namespace {

constexpr u64 kCode = 0x10000, kCodeSize = 1 << 20;
constexpr usize kRegisters = 32 + 31 + 1;  // V0 to V31, X0 to X30, FPSR

std::array<int, kRegisters> register_ids() {
  std::array<int, kRegisters> ids{};
  for (int i = 0; i < 32; ++i) ids[i] = UC_ARM64_REG_V0 + i;
  for (int i = 0; i < 29; ++i) ids[32 + i] = UC_ARM64_REG_X0 + i;
  ids[61] = UC_ARM64_REG_X29, ids[62] = UC_ARM64_REG_X30, ids[63] = UC_ARM64_REG_FPSR;
  return ids;
}

}  // namespace

struct UnicornArm::Impl {
  uc_engine* engine = nullptr;
  u64 next = kCode;  ///< code is never overwritten while mapped: translations stay valid
  std::array<int, kRegisters> ids = register_ids();

  u64 place(u32 word) {
    if (next == kCode + kCodeSize) {
      uc_mem_unmap(engine, kCode, kCodeSize);
      uc_mem_map(engine, kCode, kCodeSize, UC_PROT_ALL);
      next = kCode;
    }
    uc_mem_write(engine, next, &word, sizeof word);
    return (next += 4) - 4;
  }
};

UnicornArm::UnicornArm() : impl_(std::make_unique<Impl>()) {
  CHECK(uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &impl_->engine) == UC_ERR_OK, "Unicorn without Arm64");
  uc_ctl_set_cpu_model(impl_->engine, UC_CPU_ARM64_MAX);
  uc_mem_map(impl_->engine, kCode, kCodeSize, UC_PROT_ALL);
}
UnicornArm::~UnicornArm() { uc_close(impl_->engine); }

bool UnicornArm::run(u32 word, State& state) {
  const u64 pc = impl_->place(word);
  u64 fpsr = state.fp.fpsr.raw;
  std::array<void*, kRegisters> values;
  for (usize i = 0; i < 32; ++i) values[i] = &state.v[i];
  for (usize i = 0; i < 31; ++i) values[32 + i] = &state.x[i];
  values[63] = &fpsr;
  uc_reg_write_batch(impl_->engine, impl_->ids.data(), values.data(), kRegisters);
  const bool defined = uc_emu_start(impl_->engine, pc, pc + 4, 0, 1) == UC_ERR_OK;
  uc_reg_read_batch(impl_->engine, impl_->ids.data(), values.data(), kRegisters);
  state.fp.fpsr.raw = static_cast<u32>(fpsr);
  return defined;
}

}  // namespace farside::isa::simd::test

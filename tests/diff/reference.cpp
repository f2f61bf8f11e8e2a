// tests/diff/reference.cpp - drives Unicorn: registers in, a few instructions, registers out.
#include "tests/diff/reference.h"

#include <cstring>

#include "core/base/check.h"

namespace farside::diff {
namespace {

void must(uc_err err, const char* what) { CHECK(err == UC_ERR_OK, "Unicorn: {}: {}", what, uc_strerror(err)); }

constexpr u32 kClrex = 0xd5033f5f;

/// The registers of UserState in one batch; X29 and X30 are numbered apart from X0..X28.
struct Batch {
  int ids[31 + 32 + 5];
  void* values[31 + 32 + 5];
  int count = 0;
  u64 nzcv, fpcr, fpsr;
  void add(int id, void* value) { ids[count] = id, values[count++] = value; }
  explicit Batch(UserState& s) : nzcv(s.nzcv), fpcr(s.fpcr), fpsr(s.fpsr) {
    for (int i = 0; i < 29; ++i) add(UC_ARM64_REG_X0 + i, &s.x[i]);
    add(UC_ARM64_REG_X29, &s.x[29]);
    add(UC_ARM64_REG_X30, &s.x[30]);
    for (int i = 0; i < 32; ++i) add(UC_ARM64_REG_V0 + i, &s.v[i]);
    add(UC_ARM64_REG_SP, &s.sp);
    add(UC_ARM64_REG_NZCV, &nzcv);
    add(UC_ARM64_REG_FPCR, &fpcr);
    add(UC_ARM64_REG_FPSR, &fpsr);
  }
};

}  // namespace

Reference::Reference(u64 code_base, std::span<const u8> code, u64 data_base, std::span<const u8> data, u64 entry)
    : entry_(entry) {
  code_ = {static_cast<u8*>(aligned_alloc(4096, code.size())), code.size()};
  data_ = {static_cast<u8*>(aligned_alloc(4096, data.size())), data.size()};
  std::memcpy(code_.data(), code.data(), code.size());
  std::memcpy(data_.data(), data.data(), data.size());
  must(uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &uc_), "open");
  must(uc_ctl_set_cpu_model(uc_, UC_CPU_ARM64_MAX), "CPU model");
  must(uc_mem_map_ptr(uc_, code_base, code_.size(), UC_PROT_READ | UC_PROT_EXEC, code_.data()), "map code");
  must(uc_mem_map_ptr(uc_, data_base, data_.size(), UC_PROT_READ | UC_PROT_WRITE, data_.data()), "map data");
  u64 cpacr = u64{3} << 20;
  must(uc_reg_write(uc_, UC_ARM64_REG_CPACR_EL1, &cpacr), "CPACR_EL1");
}

Reference::~Reference() {
  uc_close(uc_);
  free(code_.data());
  free(data_.data());
}

void Reference::set_code(std::span<const u32> words) {
  u32 all[64] = {kClrex};
  CHECK(words.size() < 64, "sequence too long");
  std::memcpy(all + 1, words.data(), words.size_bytes());
  must(uc_mem_write(uc_, entry_ - 4, all, 4 + words.size_bytes()), "write code");
  must(uc_ctl_remove_cache(uc_, entry_ - 4, entry_ + words.size_bytes()), "forget translations");
}

void Reference::write(const UserState& state) {
  UserState copy = state;
  Batch batch(copy);
  must(uc_reg_write_batch(uc_, batch.ids, batch.values, batch.count), "write registers");
}

void Reference::read(UserState& state) {
  Batch batch(state);
  batch.add(UC_ARM64_REG_PC, &state.pc);
  must(uc_reg_read_batch(uc_, batch.ids, batch.values, batch.count), "read registers");
  state.nzcv = static_cast<u32>(batch.nzcv);
  state.fpcr = static_cast<u32>(batch.fpcr);
  state.fpsr = static_cast<u32>(batch.fpsr);
}

Ending Reference::run(UserState& state, unsigned count, bool branches) {
  write(state);
  // Counting always: Unicorn drops all translations when a run switches it on or off.
  const uc_err err = uc_emu_start(uc_, entry_ - 4, entry_ + 4 * count, 0, count + 1);
  read(state);
  switch (err) {
    case UC_ERR_OK: return Ending::Done;
    case UC_ERR_READ_UNMAPPED:
    case UC_ERR_WRITE_UNMAPPED:
    case UC_ERR_READ_UNALIGNED:
    case UC_ERR_WRITE_UNALIGNED:
    case UC_ERR_READ_PROT:
    case UC_ERR_WRITE_PROT: return Ending::Abort;
    case UC_ERR_INSN_INVALID:
    case UC_ERR_EXCEPTION: return Ending::Undefined;
    case UC_ERR_FETCH_PROT:
    case UC_ERR_FETCH_UNMAPPED: return branches ? Ending::Done : Ending::Other;
    default: return Ending::Other;
  }
}

}  // namespace farside::diff

// tests/isa/flat_machine.cpp - builds the identity tables, and executes single instruction words.
#include "tests/isa/flat_machine.h"

#include <cstring>

#include "core/base/check.h"
#include "core/interp/handlers.h"

namespace farside::test {
namespace {

constexpr u64 kTable = FlatMachine::kCode + 0x8000;

/// A 1 GiB block, Normal write-back (MAIR attribute 0), Inner Shareable, accessed. `ap` is AP[2:1].
constexpr u64 block_1g(u64 pa, u64 ap) { return pa | 1 << 10 | 3 << 8 | ap << 6 | 1; }

}  // namespace

Features all_features() {
  Features f;
  f.SHA512 = f.SHA3 = f.LSE = f.RDM = f.FP16 = f.DotProd = f.FHM = f.LOR = f.LRCPC = f.LRCPC2 = f.JSCVT = f.FCMA = true;
  f.PAuth = f.FlagM = f.FlagM2 = f.SB = f.SSBS = f.SSBS2 = f.BTI = f.FRINTTS = f.DPB = f.DPB2 = f.PAN = f.UAO = f.RAS =
      true;
  return f;
}

FlatMachine::FlatMachine(Options options) : model_{}, code_(kCodeSize), data_(kDataSize) {
  // Literals: bytes that differ from those around them. The tables lie behind.
  for (usize i = 0; i < 0x8000; ++i) code_[i] = static_cast<u8>(i * 5 + (i >> 8) + 0x90);
  model_.name = "flat";
  model_.features = all_features();
  build_tables();
  pe_ = std::make_unique<pe::Pe>(0, model_, pe::Ports{.bus = this, .system = this, .clock = this, .trace = &trace_});
  enter_el1(options);
}

void FlatMachine::build_tables() {
  // One level-1 table: code that only EL1 reads, data open to EL0 so that LDTR can be tried.
  const u64 entries[2] = {block_1g(0, 2), block_1g(kData, 1)};
  std::memcpy(code_.data() + (kTable - kCode), entries, sizeof entries);
}

void FlatMachine::enter_el1(Options options) {
  pe_->reset(kCode, El::EL1);
  pe_->s.sys[SysReg::HCR_EL2] |= u64{3} << 40;  // API, APK: FEAT_PAuth is not trapped
  const auto set = [this](unsigned crn, unsigned crm, unsigned op2, u64 value) {
    CHECK(pe_->write_sysreg(encode_sysreg(3, 0, crn, crm, op2), 0, value), "a system register of EL1 refused a write");
  };
  set(10, 2, 0, 0xff);  // MAIR_EL1: attribute 0 is Normal write-back
  // TCR_EL1: 39-bit TTBR0 side in 4 KiB granules from level 1, cacheable walks, no TTBR1 side, 40-bit output.
  set(2, 0, 2, 25 | 1 << 8 | 1 << 10 | 3 << 12 | u64{1} << 23 | u64{2} << 32);
  set(2, 0, 0, kTable);    // TTBR0_EL1
  set(1, 0, 2, 3u << 20);  // CPACR_EL1.FPEN
  const u64 sa = options.check_sp_alignment ? 1 << 3 : 0;
  set(1, 0, 0, 0x30d0'0800 | 1 << 12 | 1 << 2 | 1 | sa);  // SCTLR_EL1: I, C, M
}

u8* FlatMachine::ram_page(Pa page) {
  if (page.value >= kCode && page.value < kCode + kCodeSize) return code_.data() + (page.value - kCode);
  if (page.value >= kData && page.value < kData + kDataSize) return data_.data() + (page.value - kData);
  return nullptr;
}

Ending FlatMachine::execute(u32 word) {
  interp::InterpExec x(*pe_);
  pe_->pending = {};
  const isa::A64 form = isa::decode_a64(word, model_.features);
  const isa::Flow flow = interp::handlers().find(form, word)(x, word);
  if (flow == isa::Flow::Raise) {
    if (pe_->pending.kind == pe::Pending::Kind::Abort) return Ending::Abort;
    return pe_->pending.esr[Esr::EC] == Ec::UNKNOWN ? Ending::Undefined : Ending::Other;
  }
  if (flow != isa::Flow::Jump && flow != isa::Flow::SyncJump) pe_->s.pc += 4;
  return Ending::Done;
}

}  // namespace farside::test

// tests/isa/flat_machine.cpp - builds the identity tables, and executes single instruction words.
#include "tests/isa/flat_machine.h"

#include <cstring>

#include "core/base/check.h"
#include "core/interp/handlers.h"

namespace farside::test {
namespace {

constexpr u64 kTable = FlatMachine::kCode + 0x8000;
const cache::Config kSmallCaches{"small", {2048, 2}, {2048, 2}, {8192, 4}, {}};

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
  build_tables(options.aliases);
  caches_ = std::make_unique<cache::Hierarchy>(kSmallCaches, options.knobs, options.cores, *this, options.seed);
  caches_->set_listener(this);
  pe::Ports ports{.bus = this, .system = this, .clock = this, .trace = &trace_};
  if (caches_->modelled()) ports.caches = caches_.get();
  for (unsigned i = 0; i < options.cores; ++i) {
    pes_.push_back(std::make_unique<pe::Pe>(i, model_, ports));
    enter_el1(*pes_.back(), options);
  }
}

void FlatMachine::build_tables(bool aliases) {
  // One level-1 table: code that only EL1 reads, data open to EL0 so that LDTR can be tried.
  constexpr u64 kAttribute1 = 1 << 2;
  u64 entries[4] = {block_1g(0, 2), block_1g(kData, 1)};
  if (aliases) {
    entries[2] = block_1g(kData, 0) | kAttribute1;
    entries[3] = block_1g(0, 0);
  }
  std::memcpy(code_.data() + (kTable - kCode), entries, sizeof entries);
}

void FlatMachine::enter_el1(pe::Pe& pe, const Options& options) {
  pe.reset(kCode, El::EL1);
  pe.s.sys[SysReg::HCR_EL2] |= u64{3} << 40;  // API, APK: FEAT_PAuth is not trapped
  const auto set = [&pe](unsigned crn, unsigned crm, unsigned op2, u64 value) {
    CHECK(pe.write_sysreg(encode_sysreg(3, 0, crn, crm, op2), 0, value), "a system register of EL1 refused a write");
  };
  set(10, 2, 0, 0x44ff);  // MAIR_EL1: attribute 0 is Normal Write-Back, 1 Non-cacheable
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
  interp::InterpExec x(pe());
  pe().pending = {};
  const isa::A64 form = isa::decode_a64(word, model_.features);
  const isa::Flow flow = interp::handlers().find(form, word)(x, word);
  if (flow == isa::Flow::Raise) {
    if (pe().pending.kind == pe::Pending::Kind::Abort) return Ending::Abort;
    return pe().pending.esr[Esr::EC] == Ec::UNKNOWN ? Ending::Undefined : Ending::Other;
  }
  if (flow != isa::Flow::Jump && flow != isa::Flow::SyncJump) pe().s.pc += 4;
  return Ending::Done;
}

}  // namespace farside::test

// tests/unit/interp/cmo_test.cpp - cache maintenance instructions against the table of cmo_rows.def, as real code.
#include <algorithm>
#include <sstream>

#include "core/interp/interp.h"
#include "tests/unit/catch.h"
#include "tests/unit/pe/fake_ports.h"

using namespace farside;
using namespace farside::pe;

namespace {

enum Stage1 { s1_off, s1_rw, s1_ro, s1_priv, s1_nsh, s1_osh, s1_nc, s1_device, s1_noaf, s1_none };
constexpr u64 kStage1[] = {0x743, 0x743, 0x7c3, 0x703, 0x443, 0x643, 0x747, 0x74b, 0x343, 0};
enum Stage2 { s2_, s2_rw, s2_ro, s2_wo, s2_nc, s2_device, s2_noaf, s2_none };
constexpr u64 kStage2[] = {0x7ff, 0x7ff, 0x77f, 0x7bf, 0x7d7, 0x7c7, 0x3ff, 0};
constexpr u64 kTarget = 0x9048;  // not aligned to a line: FAR is Xt all the same

struct Row {
  const char *operations, *stage1_name;
  int el;
  Stage1 stage1;
  Stage2 stage2;
  const char *controls, *result;
};

Stage2 stage2_named(std::string_view name) {
  constexpr std::string_view kNames[] = {"-", "rw", "ro", "wo", "nc", "device", "noaf", "none"};
  return static_cast<Stage2>(std::find(std::begin(kNames), std::end(kNames), name) - std::begin(kNames));
}

const Row kRows[] = {
#define CMO(operations, el, stage1, stage2, controls, result) \
  {operations, #stage1, el, s1_##stage1, stage2_named(#stage2), controls, result},
#include "tests/unit/interp/cmo_rows.def"
#undef CMO
};

struct Operation {
  const char* name;
  unsigned op1, crn, crm, op2;
  const char* own;  ///< what it does, before the domain
};
constexpr Operation kOperations[] = {
    {"IALLUIS", 0, 7, 1, 0, "ic:all"},
    {"IALLU", 0, 7, 5, 0, "ic:all"},
    {"IVAC", 0, 7, 6, 1, "inval:poc"},
    {"ISW", 0, 7, 6, 2, "sw:inval"},
    {"CSW", 0, 7, 10, 2, "sw:clean"},
    {"CISW", 0, 7, 14, 2, "sw:clean+inval"},
    {"ZVA", 3, 7, 4, 1, "zero"},
    {"IVAU", 3, 7, 5, 1, "ic"},
    {"CVAC", 3, 7, 10, 1, "clean:poc"},
    {"CVAU", 3, 7, 11, 1, "clean:pou"},
    {"CVAP", 3, 7, 12, 1, "clean:pop"},
    {"CVADP", 3, 7, 13, 1, "clean:pop"},
    {"CIVAC", 3, 7, 14, 1, "clean+inval:poc"},
};

/// Takes cache operations as the machine would, and says them in the words of the table.
struct Recorder final : SystemPort {
  std::string seen;
  void broadcast_tlbi(Pe&, const mmu::TlbiOp&) override {}
  void send_event(Pe&) override {}
  static const char* action(cache::Action action) {
    constexpr const char* kNames[] = {"clean", "inval", "clean+inval"};
    return kNames[static_cast<unsigned>(action)];
  }
  static const char* domain(cache::Scope scope) {
    constexpr const char* kNames[] = {":pe", ":ish", ":osh"};
    return kNames[static_cast<unsigned>(scope)];
  }
  void cache_op(Pe&, const cache::CacheOpByPa& op) override {
    constexpr const char* kPoints[] = {":pou", ":poc", ":pop"};
    seen = op.instruction ? "ic" : std::string(action(op.action)) + kPoints[static_cast<unsigned>(op.point)];
    seen += domain(op.scope);
    if (align_down(op.base.value, 64) != align_down(kTarget, 64)) seen += " at another line";
  }
  void cache_op(Pe&, const cache::CacheOpBySetWay& op) override {
    seen = std::string("sw:") + action(op.action) + ":pe";
    if (op.operand != kTarget) seen += " of another operand";
  }
  void cache_op(Pe&, const cache::ICacheInvalidateAll& op) override { seen = std::string("ic:all") + domain(op.scope); }
};

/// Identity tables for both stages in 64 KiB: stage 1 from 0x1000, stage 2 from 0x4000; code at 0x8000, the target's
/// page at 0x9000, vectors at 0xc000 and 0xe000.
struct World : Bench {
  interp::Interp engine{pe.features()};
  Recorder recorder;
  u64 word = 0;

  World(const Row& row, const Operation& op) {
    pe.ports.system = &recorder;
    std::fill(fake.ram.begin() + 0x9000, fake.ram.begin() + 0xa000, u8{0xaa});
    put(0x1000, 0x2003);
    put(0x2000, 0x3003);
    put(0x4000, 0x5003);
    put(0x5000, 0x6003);
    for (u64 page = 0; page < 16; ++page) {
      put(0x3000 + page * 8, page << 12 | 0x7c3);
      put(0x6000 + page * 8, page << 12 | kStage2[s2_rw]);
    }
    put(0x3000 + 9 * 8, kStage1[row.stage1] == 0 ? 0 : 0x9000 | kStage1[row.stage1]);
    put(0x6000 + 9 * 8, kStage2[row.stage2] == 0 ? 0 : 0x9000 | kStage2[row.stage2]);
    word = 0xd5080000 | op.op1 << 16 | op.crn << 12 | op.crm << 8 | op.op2 << 5 | 3;
    put(0x8000, word | u64{0x14000000} << 32);  // then b .
    for (u64 vector = 0xc000; vector < 0x10000; vector += 0x80) put(vector, 0x14000000);
    set_registers(row);
    pe.s.pc = 0x8000;
    pe.s.x[3] = kTarget;
    pe.powered_on = true;
    at(static_cast<El>(row.el));
  }
  void put(u64 address, u64 value) { std::memcpy(fake.ram.data() + address, &value, 8); }
  void set_registers(const Row& row) {
    constexpr u64 kVM = 1, kRW = u64{1} << 31;
    constexpr std::pair<const char*, u64> kHcr[] = {
        {"SWIO", u64{1} << 1}, {"FB", u64{1} << 9},     {"DC", u64{1} << 12},
        {"TSW", u64{1} << 22}, {"TPC", u64{1} << 23},   {"TPU", u64{1} << 24},
        {"TDZ", u64{1} << 28}, {"TICAB", u64{1} << 50}, {"TOCU", u64{1} << 52}};
    constexpr u64 kUCI = u64{1} << 26, kDZE = u64{1} << 14;
    u64 hcr = kRW | (row.stage2 == s2_ ? 0 : kVM), sctlr = 0x30d0'1804 | kUCI | kDZE | (row.stage1 != s1_off);
    std::istringstream words(row.controls);
    for (std::string word; words >> word;) {
      if (word == "-UCI") sctlr &= ~kUCI;
      if (word == "-DZE") sctlr &= ~kDZE;
      for (const auto& [name, mask] : kHcr) hcr |= word == name ? mask : 0;
    }
    set(SysReg::MAIR_EL1, 0x0044ff);
    set(SysReg::TCR_EL1, 25 | u64{1} << 8 | u64{1} << 10 | u64{3} << 12 | u64{1} << 23);
    set(SysReg::TTBR0_EL1, 0x1000);
    set(SysReg::VTCR_EL2, 25 | u64{1} << 6 | u64{1} << 8 | u64{1} << 10 | u64{3} << 12 | u64{2} << 16 | u64{1} << 31);
    set(SysReg::VTTBR_EL2, 0x4000);
    set(SysReg::VBAR_EL1, 0xc000);
    set(SysReg::VBAR_EL2, 0xe000);
    set(SysReg::HCR_EL2, hcr);
    set(SysReg::SCTLR_EL1, sctlr);
  }
  std::string run(bool zva) {
    const El before = pe.el();
    pe.begin_slice(1);
    engine.run(pe);
    if (pe.s.pc == 0x8004 && pe.el() == before) return zva ? zeroed() : recorder.seen;
    return exception(zva);
  }
  std::string zeroed() const {
    const u8* line = fake.ram.data() + align_down(kTarget, 64);
    const bool whole = std::all_of(line, line + 64, [](u8 byte) { return byte == 0; });
    return whole && line[-1] == 0xaa && line[64] == 0xaa ? "zero" : "not the line";
  }
  std::string exception(bool zva) {
    const bool el2 = pe.el() == El::EL2;
    const u64 esr = pe.s.sys[el2 ? SysReg::ESR_EL2 : SysReg::ESR_EL1], ec = bits(esr, 31, 26);
    const std::string where = el2 ? "el2:" : "el1:";
    if (!recorder.seen.empty()) return where + "although it was performed";
    if (ec == 0) return "undef";
    if (ec == 0x18) return where + (trap_matches(esr) ? "trap" : "trap with a wrong syndrome");
    if (ec != 0x24 && ec != 0x25) return where + "exception class " + std::to_string(ec);
    std::string text = where + fault(bits(esr, 5, 0));
    if (bit(esr, 8) == zva) text += zva ? " CM" : " without CM";
    if (!bit(esr, 6)) text += " without WnR";
    if (bit(esr, 24)) text += " ISV";
    if (pe.s.sys[el2 ? SysReg::FAR_EL2 : SysReg::FAR_EL1] != kTarget) text += " with another FAR";
    const bool has_ipa = el2 && (text.find("trans") != std::string::npos || text.find("af") != std::string::npos);
    if (has_ipa && pe.s.sys[SysReg::HPFAR_EL2] != (kTarget >> 12 << 4)) text += " with another HPFAR";
    return text;
  }
  bool trap_matches(u64 esr) const {
    const u64 iss = bits(esr, 24, 0);
    return bits(iss, 21, 20) == 1 && bits(iss, 19, 17) == bits(word, 7, 5) && bits(iss, 16, 14) == bits(word, 18, 16) &&
           bits(iss, 13, 10) == bits(word, 15, 12) && bits(iss, 9, 5) == 3 && bits(iss, 4, 1) == bits(word, 11, 8) &&
           !bit(iss, 0);
  }
  static std::string fault(u64 fsc) {
    if (fsc == 0x21) return "align";
    constexpr const char* kKinds[] = {"size", "trans", "af", "perm"};
    return fsc < 16 ? kKinds[fsc >> 2] + std::to_string(fsc & 3) : "fsc " + std::to_string(fsc);
  }
};

}  // namespace

TEST_CASE("every cache maintenance instruction does what its row says") {
  unsigned cases = 0;
  for (const Row& row : kRows) {
    std::istringstream names(row.operations);
    for (std::string name; names >> name; ++cases) {
      const auto op = std::find_if(std::begin(kOperations), std::end(kOperations),
                                   [&](const Operation& known) { return name == known.name; });
      REQUIRE(op != std::end(kOperations));
      std::string want = row.result;
      if (want.starts_with("own")) want = op->own + want.substr(3);
      CAPTURE(name, row.el, row.stage1_name, static_cast<int>(row.stage2), row.controls);
      World world(row, *op);
      CHECK(world.run(name == "ZVA") == want);
    }
  }
  CHECK(cases >= 270);
}

TEST_CASE("ivac_checks_write=off: what is upgraded needs no write permission, as before the 2021-09 release") {
  const Row row{"IVAC", "rw", 1, s1_rw, s2_ro, "", ""};
  const Operation& ivac = kOperations[2];
  World strict(row, ivac), lenient(row, ivac);
  lenient.pe.tlb = mmu::Tlb({.ivac_checks_write = false});
  CHECK(strict.run(false) == "el2:perm3");
  CHECK(lenient.run(false) == "clean+inval:poc:ish");
}

TEST_CASE("cmo_access_flag=off: DC and IC by VA ignore a clear access flag, loads do not") {
  const Row row{"CVAC", "noaf", 1, s1_noaf, s2_, "", ""};
  const Operation& cvac = kOperations[8];
  World world(row, cvac);
  world.pe.tlb = mmu::Tlb({.cmo_checks_access_flag = false});
  CHECK(world.run(false) == "clean:poc:ish");
}

// tests/litmus/main.cpp - litmus tests on cores with modelled caches: over many seeds, a forbidden outcome never
// happens and an allowed one does.
#include <capstone/capstone.h>
#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/arch/sysreg_fields.h"
#include "core/interp/interp.h"
#ifdef FARSIDE_JIT
#include "core/jit/jit.h"
#endif
#include "tests/unit/pe/fake_ports.h"

using namespace farside;

namespace {

struct Insn {
  u32 word;
  const char* text;
};
/// Register W`reg` of a thread is `value` at the end.
struct Clause {
  u32 thread;
  unsigned reg;
  u64 value;
};
struct Test {
  const char* name;
  /// For DIC=0 IDC=0, IDC=1, and DIC=1 IDC=1: F forbidden; A allowed, and seen; a allowed, but only to cores whose
  /// stores become visible late, which these have not.
  const char* verdicts;
  std::vector<std::vector<Insn>> threads;
  std::vector<Clause> outcome;
};

const Test kTests[] = {
#include "tests/litmus/ifetch_rows.inc"
};

constexpr u64 kFunctionF = 0x9000, kFunctionG = 0xa000, kVariable = 0xb000, kCode = 0xc000, kCodeStride = 0x400,
              kVectors = 0xd000;
constexpr u64 kSeeds = 400, kMostSeeds = 20 * kSeeds;
constexpr u64 kTranslatedSeeds = 12;  ///< each of these runs on both engines
constexpr unsigned kColumns = 3;
constexpr const char* kColumnNames[kColumns] = {"DIC=0 IDC=0", "DIC=0 IDC=1", "DIC=1 IDC=1"};

/// RAM, caches and cores with identity mappings, Write-Back Inner Shareable, MMU and caches on.
class World : public cache::Backing, public cache::LineListener, public pe::SystemPort {
 public:
  World(const Test& test, unsigned column, u64 seed) : test_(test), chance_(seed, "litmus") {
    cache::Config config = *cache::preset(chance_.one_in(2) ? "cortex-a57" : "cortex-a53");
    config.idc = column >= 1;
    config.dic = column == 2;
    cache::Knobs knobs = *cache::profile(chance_.one_in(2) ? "model" : "adversarial");
    constexpr cache::FetchBufferUse kUses[] = {cache::FetchBufferUse::None, cache::FetchBufferUse::Random,
                                               cache::FetchBufferUse::Adversarial};
    knobs.fetch_buffer = kUses[chance_.below(std::size(kUses))];
    knobs.spec_period = knobs.evict_period = knobs.icache_refetch = 4;
    write_memory();
    caches_ =
        std::make_unique<cache::Hierarchy>(config, knobs, static_cast<unsigned>(test.threads.size()), *this, seed);
    caches_->set_listener(this);
    for (u32 i = 0; i < test.threads.size(); ++i) add_core(i, column);
  }
  u8* ram_page(Pa page) override { return fake_.ram_page(page); }
  void line_withdrawn(unsigned core, cache::Side side, Pa, u32 place, cache::Withdrawn what) override {
    if (core < cores_.size()) cores_[core]->line_withdrawn(side, place, what);
  }
  void page_withdrawn(unsigned core, const u8* page, u32 place, u64 lines, cache::Withdrawn what) override {
    if (core < cores_.size()) cores_[core]->page_withdrawn(page, place, lines, what);
  }
  void broadcast_tlbi(pe::Pe&, const mmu::TlbiOp&) override {}
  void cache_op(pe::Pe& issuer, const cache::CacheOpByPa& op) override { apply(issuer, op); }
  void cache_op(pe::Pe& issuer, const cache::CacheOpBySetWay& op) override { apply(issuer, op); }
  void cache_op(pe::Pe& issuer, const cache::ICacheInvalidateAll& op) override { apply(issuer, op); }
  void send_event(pe::Pe&) override {}

  /// Runs all threads to their ends in an order that the seed decides; whether the outcome was seen.
  bool run() {
    interp::Interp engine(cores_.front()->features());
    return run_with(engine);
  }
#ifdef FARSIDE_JIT
  /// The same with translated code.
  bool run_translated() {
    constexpr usize kCodeBytes = usize{1} << 20;
    jit::Jit engine(cores_.front()->features(), {.threshold = 0,
                                                 .code_bytes = kCodeBytes,
                                                 .most_instructions = static_cast<unsigned>(1 + chance_.state() % 2),
                                                 .lines = true,
                                                 .whole = cores_.front()->ports.caches->has_whole_pages()});
    for (const auto& core : cores_) engine.attach(*core);
    const bool seen = run_with(engine);
    translated += engine.counters().entries;
    return seen;
  }
  u64 translated = 0;  ///< times that translated code was entered
#endif
  /// Registers of all cores, and everything that the caches hold.
  std::vector<u64> state() const {
    std::vector<u64> all{caches_->state_hash()};
    for (const auto& core : cores_) {
      all.insert(all.end(), core->s.x, core->s.x + 31);
      all.insert(all.end(), {core->s.pc, core->s.nzcv, core->instructions()});
    }
    return all;
  }

 private:
  template <class Engine>
  bool run_with(Engine& engine) {
    for (u32 core = 0; core < cores_.size(); ++core) {
      if (chance_.one_in(2)) fetch_ahead(core, Pa{kFunctionF});
    }
    const u64 favourite = chance_.below(cores_.size());
    for (unsigned steps = 0; steps < 2000 && !finished(); ++steps) {
      pe::Pe& core = *cores_[chance_.one_in(4) ? chance_.below(cores_.size()) : running_from(favourite)];
      silicon();
      core.begin_slice(1 + chance_.below(3));
      engine.run(core);
      caches_->speculate(core.index(), 2);
    }
    for (const Clause& clause : test_.outcome) {
      if (static_cast<u32>(cores_[clause.thread]->s.x[clause.reg]) != clause.value) return false;
    }
    return finished();
  }
  template <class Op>
  void apply(pe::Pe& issuer, const Op& op) {
    caches_->set_issuer(issuer.maintenance_access());
    caches_->apply(op, issuer.index());
  }
  void put(u64 address, u64 value, unsigned size = 8) { std::memcpy(fake_.ram.data() + address, &value, size); }
  void write_memory() {
    put(0x1000, 0x2003);
    put(0x2000, 0x3003);
    for (u64 page = 0; page < 16; ++page) put(0x3000 + page * 8, page << 12 | 0x703);
    for (const u64 function : {kFunctionF, kFunctionG}) {
      // b .+4; mov w0, #1; ret; mov w0, #2; ret; mov w0, #3; ret. The word in X2 is b .+12, that in X8 b .+20.
      constexpr u32 kWords[] = {0x14000001, 0x52800020, 0xd65f03c0, 0x52800040, 0xd65f03c0, 0x52800060, 0xd65f03c0};
      for (unsigned i = 0; i < std::size(kWords); ++i) put(function + 4 * i, kWords[i], 4);
    }
    // At an exception functions return 42: mov w0, #42; msr elr_el1, x30; eret.
    constexpr u32 kHandler[] = {0x52800540, 0xd518403e, 0xd69f03e0};
    for (unsigned i = 0; i < std::size(kHandler); ++i) put(kVectors + 0x200 + 4 * i, kHandler[i], 4);
    for (u32 thread = 0; thread < test_.threads.size(); ++thread) {
      u64 at = kCode + thread * kCodeStride;
      for (const Insn& insn : test_.threads[thread]) put(std::exchange(at, at + 4), insn.word, 4);
      put(at, 0x14000000, 4);  // b .
    }
  }
  void add_core(u32 index, unsigned column) {
    CpuModel cpu = *find_cpu("cortex-a57");
    cpu.features.el2 = false;
    cpu.features.idc = column >= 1;
    cpu.features.dic = column == 2;
    pe::Ports ports = fake_.all();
    ports.system = this;
    ports.caches = caches_.get();
    cores_.push_back(std::make_unique<pe::Pe>(index, cpu, ports));
    pe::Pe& core = *cores_.back();
    core.set_pstate(Pstate{}.with(Pstate::EL, El::EL1).with(Pstate::SP, true).with(Pstate::DAIF, u64{15}));
    core.write_register(SysReg::MAIR_EL1, 0xff);
    core.write_register(SysReg::TCR_EL1, 25 | u64{1} << 8 | u64{1} << 10 | u64{3} << 12 | u64{1} << 23);
    core.write_register(SysReg::TTBR0_EL1, 0x1000);
    core.write_register(SysReg::VBAR_EL1, kVectors);
    core.write_register(SysReg::SCTLR_EL1, 0x30d0'1805);
    core.s.x[1] = kFunctionF;
    core.s.x[2] = 0x14000003;
    core.s.x[3] = kVariable;
    core.s.x[4] = kFunctionG;
    core.s.x[5] = 1;
    core.s.x[8] = 0x14000005;
    core.s.pc = kCode + index * kCodeStride;
    core.powered_on = true;
  }
  /// What silicon may do at any time to the lines that the threads use.
  void silicon() {
    const auto core = static_cast<unsigned>(chance_.below(cores_.size()));
    const Pa line{chance_.one_in(3) ? kFunctionG : kFunctionF};
    switch (chance_.below(6)) {
      case 0: fetch_ahead(core, line); break;
      case 1: caches_->evict_line(line); break;
      case 2: caches_->speculative_fill(core, line); break;
      default: break;
    }
  }
  /// An instruction cache may fetch any line at any time; while it is the newest, the core has it at hand.
  void fetch_ahead(unsigned core, Pa line) {
    cache::AccessInfo info;
    info.core = core;
    info.kind = cache::AccessKind::Fetch;
    info.attr = cache::kWriteBackIsh;
    info.va = line.value;
    if (caches_->fetch_pointer(info, line) == nullptr) caches_->fetch(info, line);
  }
  bool at_end(u64 core) const {
    return cores_[core]->s.pc == kCode + core * kCodeStride + 4 * test_.threads[core].size();
  }
  bool finished() const {
    for (u64 core = 0; core < cores_.size(); ++core) {
      if (!at_end(core)) return false;
    }
    return true;
  }
  /// `first`, or the next core whose thread has not ended.
  u64 running_from(u64 first) const {
    for (u64 i = 0; i < cores_.size(); ++i) {
      const u64 core = (first + i) % cores_.size();
      if (!at_end(core)) return core;
    }
    return first;
  }

  const Test& test_;
  Chance chance_;
  pe::FakePorts fake_;
  std::unique_ptr<cache::Hierarchy> caches_;
  std::vector<std::unique_ptr<pe::Pe>> cores_;
};

/// The words are what their mnemonics say.
bool listing_is_true() {
  csh handle;
  if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle) != CS_ERR_OK) return false;
  bool all = true;
  for (const Test& test : kTests) {
    for (const auto& thread : test.threads) {
      for (const Insn& insn : thread) {
        cs_insn* decoded = nullptr;
        const usize count = cs_disasm(handle, reinterpret_cast<const u8*>(&insn.word), 4, 0, 1, &decoded);
        const std::string text = count == 0 ? "?" : std::string(decoded->mnemonic) + " " + decoded->op_str;
        const std::string want = std::string(insn.text) + (std::strchr(insn.text, ' ') == nullptr ? " " : "");
        if (text != want) fmt::print("{}: {:08x} is '{}', not '{}'\n", test.name, insn.word, text, want), all = false;
        if (count != 0) cs_free(decoded, count);
      }
    }
  }
  cs_close(&handle);
  return all;
}

/// The outcome with one seed; false in `agree` where translated code makes something else of the same seed.
bool outcome(const Test& test, unsigned column, u64 seed, bool& agree) {
  World world(test, column, seed);
  const bool seen = world.run();
#ifdef FARSIDE_JIT
  if (seed < kTranslatedSeeds && jit::Jit::host_can()) {
    World other(test, column, seed);
    const bool same = other.run_translated() == seen && other.state() == world.state() && other.translated != 0;
    if (!same) fmt::print("{} {} seed {}: the engines differ\n", test.name, kColumnNames[column], seed);
    agree &= same;
  }
#endif
  return seen;
}

/// Prints one line; false when the verdict does not hold.
bool judge(const Test& test) {
  bool good = true;
  std::string line = fmt::format("{:<34}", test.name);
  for (unsigned column = 0; column < kColumns; ++column) {
    const char verdict = test.verdicts[column];
    const auto rare = [&](u64 seen) { return verdict == 'A' && seen == 0; };
    u64 seen = 0;
    for (u64 seed = 0; seed < kSeeds || (rare(seen) && seed < kMostSeeds); ++seed)
      seen += outcome(test, column, seed, good);
    const bool holds = verdict == 'A' ? seen != 0 : seen == 0;
    line += fmt::format("  {} {:>3}{}", verdict, seen, holds ? " " : "!");
    good &= holds;
  }
  fmt::print("{}\n", line);
  return good;
}

}  // namespace

/// Without arguments all tests, else those whose name begins with the argument.
int main(int argc, char** argv) {
  bool good = listing_is_true();
  fmt::print("seen in {} seeds each, or in more until seen: {}, {}, {}\n", kSeeds, kColumnNames[0], kColumnNames[1],
             kColumnNames[2]);
  for (const Test& test : kTests) {
    if (argc < 2 || std::string_view(test.name).starts_with(argv[1])) good &= judge(test);
  }
  return good ? 0 : 1;
}

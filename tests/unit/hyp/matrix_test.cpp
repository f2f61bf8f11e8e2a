// tests/unit/hyp/matrix_test.cpp - KVM's page fault matrix: access x access flag x backing gives exact event counts.
#include <set>
#include <tuple>

#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

/// What is special about the memory that the access meets.
enum class Where : u8 { Hole, ReadOnly, DirtyLog, TablesReadOnly, TablesDirtyLog };

struct Row {
  Where where;
  Kind kind;
  bool af;
  Resume outcome;
  u64 faults, map, relax, tlbi_ipa, civac, ivau, mmio, injected;
  bool dirty;
};

constexpr auto G = Resume::Guest, M = Resume::Mmio, I = Resume::Injected, S = Resume::Stop;
using enum Kind;
using enum Where;

// clang-format off
constexpr Row kRows[] = {
  // where      kind        af   outcome f  map rlx tlbi civ ivau mmio inj dirty
  {Hole,       Read,       true,  M,     1, 0, 0, 0, 0, 0, 1, 0, false},
  {Hole,       Write,      true,  M,     1, 0, 0, 0, 0, 0, 1, 0, false},
  {Hole,       Exec,       true,  I,     1, 0, 0, 0, 0, 0, 0, 1, false},
  {Hole,       NoSyndrome, true,  S,     1, 0, 0, 0, 0, 0, 0, 0, false},
  {Hole,       Cas,        true,  S,     1, 0, 0, 0, 0, 0, 0, 0, false},
  {Hole,       Zva,        true,  S,     1, 0, 0, 0, 0, 0, 0, 0, false},
  {Hole,       At,         true,  G,     0, 0, 0, 0, 0, 0, 0, 0, false},
  {Hole,       Read,       false, M,     1, 0, 0, 0, 0, 0, 1, 0, false},
  {Hole,       Write,      false, M,     1, 0, 0, 0, 0, 0, 1, 0, false},
  {Hole,       Exec,       false, I,     1, 0, 0, 0, 0, 0, 0, 1, false},
  {Hole,       NoSyndrome, false, S,     1, 0, 0, 0, 0, 0, 0, 0, false},
  {Hole,       Cas,        false, S,     1, 0, 0, 0, 0, 0, 0, 0, false},
  {Hole,       Zva,        false, S,     1, 0, 0, 0, 0, 0, 0, 0, false},
  {Hole,       At,         false, G,     0, 0, 0, 0, 0, 0, 0, 0, false},

  {ReadOnly,   Read,       true,  G,     1, 1, 0, 0, 1, 0, 0, 0, false},
  {ReadOnly,   Write,      true,  M,     1, 0, 0, 0, 0, 0, 1, 0, false},
  {ReadOnly,   Exec,       true,  G,     1, 1, 0, 0, 1, 1, 0, 0, false},
  {ReadOnly,   NoSyndrome, true,  G,     1, 1, 0, 0, 1, 0, 0, 0, false},
  {ReadOnly,   Cas,        true,  S,     2, 1, 0, 0, 1, 0, 0, 0, false},
  {ReadOnly,   Zva,        true,  S,     1, 0, 0, 0, 0, 0, 0, 0, false},
  {ReadOnly,   At,         true,  G,     0, 0, 0, 0, 0, 0, 0, 0, false},
  {ReadOnly,   Read,       false, G,     1, 1, 0, 0, 1, 0, 0, 0, false},
  {ReadOnly,   Write,      false, M,     1, 0, 0, 0, 0, 0, 1, 0, false},
  {ReadOnly,   Exec,       false, G,     1, 1, 0, 0, 1, 1, 0, 0, false},
  {ReadOnly,   NoSyndrome, false, G,     1, 1, 0, 0, 1, 0, 0, 0, false},
  {ReadOnly,   Cas,        false, S,     2, 1, 0, 0, 1, 0, 0, 0, false},
  {ReadOnly,   Zva,        false, S,     1, 0, 0, 0, 0, 0, 0, 0, false},
  {ReadOnly,   At,         false, G,     0, 0, 0, 0, 0, 0, 0, 0, false},

  {DirtyLog,   Read,       true,  G,     1, 1, 0, 0, 1, 0, 0, 0, false},
  {DirtyLog,   Write,      true,  G,     1, 1, 0, 0, 1, 0, 0, 0, true},
  {DirtyLog,   Exec,       true,  G,     1, 1, 0, 0, 1, 1, 0, 0, false},
  {DirtyLog,   NoSyndrome, true,  G,     1, 1, 0, 0, 1, 0, 0, 0, false},
  {DirtyLog,   Cas,        true,  G,     2, 1, 1, 1, 1, 0, 0, 0, true},
  {DirtyLog,   Zva,        true,  G,     1, 1, 0, 0, 1, 0, 0, 0, true},
  {DirtyLog,   At,         true,  G,     0, 0, 0, 0, 0, 0, 0, 0, false},
  {DirtyLog,   Read,       false, G,     1, 1, 0, 0, 1, 0, 0, 0, false},
  {DirtyLog,   Write,      false, G,     1, 1, 0, 0, 1, 0, 0, 0, true},
  {DirtyLog,   Exec,       false, G,     1, 1, 0, 0, 1, 1, 0, 0, false},
  {DirtyLog,   NoSyndrome, false, G,     1, 1, 0, 0, 1, 0, 0, 0, false},
  {DirtyLog,   Cas,        false, G,     2, 1, 1, 1, 1, 0, 0, 0, true},
  {DirtyLog,   Zva,        false, G,     1, 1, 0, 0, 1, 0, 0, 0, true},
  {DirtyLog,   At,         false, G,     0, 0, 0, 0, 0, 0, 0, 0, false},

  {TablesReadOnly, Read,       true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesReadOnly, Write,      true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesReadOnly, Exec,       true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesReadOnly, NoSyndrome, true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesReadOnly, Cas,        true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesReadOnly, Zva,        true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesReadOnly, At,         true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesReadOnly, Read,       false, I, 2, 1, 0, 0, 1, 0, 0, 1, false},
  {TablesReadOnly, Write,      false, I, 2, 1, 0, 0, 1, 0, 0, 1, false},
  {TablesReadOnly, Exec,       false, I, 2, 1, 0, 0, 1, 0, 0, 1, false},
  {TablesReadOnly, NoSyndrome, false, I, 2, 1, 0, 0, 1, 0, 0, 1, false},
  {TablesReadOnly, Cas,        false, I, 2, 1, 0, 0, 1, 0, 0, 1, false},
  {TablesReadOnly, Zva,        false, I, 2, 1, 0, 0, 1, 0, 0, 1, false},
  {TablesReadOnly, At,         false, I, 2, 1, 0, 0, 1, 0, 0, 1, false},

  {TablesDirtyLog, Read,       true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesDirtyLog, Write,      true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesDirtyLog, Exec,       true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesDirtyLog, NoSyndrome, true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesDirtyLog, Cas,        true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesDirtyLog, Zva,        true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesDirtyLog, At,         true,  G, 1, 1, 0, 0, 1, 0, 0, 0, false},
  {TablesDirtyLog, Read,       false, G, 2, 1, 1, 1, 1, 0, 0, 0, true},
  {TablesDirtyLog, Write,      false, G, 2, 1, 1, 1, 1, 0, 0, 0, true},
  {TablesDirtyLog, Exec,       false, G, 2, 1, 1, 1, 1, 0, 0, 0, true},
  {TablesDirtyLog, NoSyndrome, false, G, 2, 1, 1, 1, 1, 0, 0, 0, true},
  {TablesDirtyLog, Cas,        false, G, 2, 1, 1, 1, 1, 0, 0, 0, true},
  {TablesDirtyLog, Zva,        false, G, 2, 1, 1, 1, 1, 0, 0, 0, true},
  {TablesDirtyLog, At,         false, G, 2, 1, 1, 1, 1, 0, 0, 0, true},
};
// clang-format on

bool concerns_tables(Where w) { return w == TablesReadOnly || w == TablesDirtyLog; }

u32 flags_of(Where w) {
  if (w == ReadOnly || w == TablesReadOnly) return kMemReadOnly;
  return w == DirtyLog || w == TablesDirtyLog ? u32{kMemLogDirtyPages} : 0;
}

}  // namespace

TEST_CASE("the matrix has every combination once") {
  std::set<std::tuple<Where, Kind, bool>> seen;
  for (const Row& row : kRows) seen.emplace(row.where, row.kind, row.af);
  CHECK(seen.size() == std::size(kRows));
  CHECK(seen.size() == 5 * 7 * 2);
}

TEST_CASE("every access in every kind of slot causes exactly the events of KVM") {
  for (const Row& row : kRows) {
    INFO("where " << int(row.where) << " kind " << int(row.kind) << " af " << row.af);
    World w;
    const bool tables = concerns_tables(row.where);
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20, tables ? 0 : flags_of(row.where)));
    REQUIRE(w.vm->add_ram(1, kPt, 1 << 20, tables ? flags_of(row.where) : 0));
    populate(*w.vm, kRam, 0x4000);
    populate(*w.vm, kPt, 0x4000);
    const u32 log_slot = tables ? 1 : 0;
    if (flags_of(row.where) & kMemLogDirtyPages) REQUIRE(w.vm->get_dirty_log(log_slot));  // forget the VMM's writes
    // What the row is not about is mapped already.
    if (tables) {
      w.access(Write, kRam);
      w.access(Exec, kRam);
    } else {
      w.access(Write, kPt);
    }
    w.s1_table = kPt;
    w.s1_af = row.af;
    const Ipa target = row.where == Hole ? kHole : kRam;

    const Delta d(*w.vm);
    CHECK(w.access(row.kind, target) == row.outcome);
    CHECK(d.faults() == row.faults);
    CHECK(d(&Stats::s2_map) == row.map);
    CHECK(d(&Stats::s2_relax) == row.relax);
    CHECK(d(&Stats::tlbi_ipa) == row.tlbi_ipa);
    CHECK(d(&Stats::dc_civac) == row.civac);
    CHECK(d(&Stats::ic_ivau) == row.ivau);
    CHECK(d(&Stats::mmio_vmm) == row.mmio);
    CHECK(d(&Stats::aborts_injected) == row.injected);
    if (row.outcome == Resume::Stop) {
      CHECK(w.vm->stop_reason(0).error == Errno::NoSys);
      CHECK(w.pe.regs[Reg::ELR_EL2] == kPc);
    }
    if (flags_of(row.where) & kMemLogDirtyPages) CHECK(((*w.vm->get_dirty_log(log_slot))[0] != 0) == row.dirty);
  }
}

TEST_CASE("cache operations by VA follow table 2.6 of the fault specification") {
  struct CmoRow {
    Kind kind;
    u32 flags;
    bool hole, mapped_first;
    Resume outcome;
    std::string rights;
  };
  const CmoRow rows[] = {
      {Civac, 0, false, false, Resume::Guest, "rw-"},  // unmapped RW: a write, dirties the page
      {Ivac, 0, false, false, Resume::Guest, "rw-"},
      {Civac, kMemReadOnly, false, false, Resume::Stop, "none"},  // unmapped RO: no syndrome
      {Civac, 0, true, false, Resume::SkipInsn, "none"},          // no slot: skipped
      {Ivac, 0, true, false, Resume::SkipInsn, "none"},
      {Civac, kMemReadOnly, false, true, Resume::Guest, "r--"},  // mapped: native
      {Ivac, kMemReadOnly, false, true, Resume::Stop, "r--"},    // mapped: permission fault, then no syndrome
  };
  for (const CmoRow& row : rows) {
    INFO("kind " << int(row.kind) << " flags " << row.flags << " hole " << row.hole);
    World w;
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20, row.flags));
    populate(*w.vm, kRam, 0x1000);
    if (row.mapped_first) w.access(Read, kRam);
    const Ipa at = row.hole ? kHole : kRam;
    CHECK(w.access(row.kind, at) == row.outcome);
    CHECK(w.rights(at) == row.rights);
  }
}

TEST_CASE("the cache operation policies of other years differ where they did") {
  Options o;
  o.vm.policy.cmo = CmoRule::Skip;
  World w(o);
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20, kMemReadOnly));
  CHECK(w.access(Civac, kRam) == Resume::SkipInsn);

  Options patch;
  patch.vm.policy.cmo = CmoRule::Inject;
  World p(patch);
  REQUIRE(p.vm->add_ram(0, kRam, 1 << 20, kMemReadOnly));
  CHECK(p.access(Civac, kRam) == Resume::Guest);
  CHECK(p.rights(kRam) == "r--");
}

}  // namespace farside::hyp::test

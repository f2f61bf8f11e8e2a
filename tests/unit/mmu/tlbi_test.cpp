// tests/unit/mmu/tlbi_test.cpp - decoding of every TLBI, and the matrix of operations by entries.
#include "fake.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

namespace {

TlbiContext at_el1(u16 vmid = 7) { return {.el = El::EL1, .vmid = vmid, .features = all_features()}; }
TlbiContext at_el2(bool e2h = false, bool tge = false) {
  return {.el = El::EL2, .vmid = 7, .e2h = e2h, .tge = tge, .features = all_features()};
}

/// The entries of the matrix, named as in its columns.
struct Named {
  const char* name;
  TlbEntry entry;
};

TlbEntry make(TlbKind kind, RegimeId regime, u16 vmid, u16 asid, bool global, u64 input) {
  TlbEntry e;
  e.kind = kind;
  e.regime = regime;
  e.vmid = vmid;
  e.asid = asid;
  e.global = global;
  e.input = input;
  return e;
}

constexpr u64 kVa = 0x40'1000;

const std::vector<Named>& entries() {
  static const std::vector<Named> list = {
      {"s1", make(TlbKind::Stage1, RegimeId::EL10, 7, 5, false, kVa)},
      {"comb", make(TlbKind::Combined, RegimeId::EL10, 7, 5, false, kVa)},
      {"global", make(TlbKind::Combined, RegimeId::EL10, 7, 0, true, kVa)},
      {"asid6", make(TlbKind::Combined, RegimeId::EL10, 7, 6, false, kVa)},
      {"vmid8", make(TlbKind::Combined, RegimeId::EL10, 8, 5, false, kVa)},
      {"other-va", make(TlbKind::Combined, RegimeId::EL10, 7, 5, false, kVa + 0x1000)},
      {"ipa", make(TlbKind::Stage2, RegimeId::EL10, 7, 0, false, kVa)},
      {"ipa-vmid8", make(TlbKind::Stage2, RegimeId::EL10, 8, 0, false, kVa)},
      {"ipa-other", make(TlbKind::Stage2, RegimeId::EL10, 7, 0, false, kVa + 0x1000)},
      {"el2", make(TlbKind::Stage1, RegimeId::EL2, 0, 0, true, kVa)},
      {"el20", make(TlbKind::Stage1, RegimeId::EL20, 0, 5, false, kVa)},
      {"el20-global", make(TlbKind::Stage1, RegimeId::EL20, 0, 6, true, kVa)},
      {"el20-asid6", make(TlbKind::Stage1, RegimeId::EL20, 0, 6, false, kVa)},
  };
  return list;
}

/// Names of the entries that `op` removes, out of a real Tlb.
std::string removed_by(const TlbiOp& op) {
  std::string out;
  for (const Named& row : entries()) {
    Tlb tlb;
    tlb.fill(row.entry);
    const u64 count = tlb.invalidate(op);
    unsigned left = 0;
    tlb.for_each([&](const TlbEntry&) { ++left; });
    REQUIRE(count + left == 1);
    REQUIRE(op.matches(row.entry) == (count == 1));
    if (count) out += (out.empty() ? "" : " ") + std::string(row.name);
  }
  return out;
}

TlbiOp op(unsigned op1, unsigned crm, unsigned op2, u64 xt, const TlbiContext& context) {
  const auto decoded = decode_tlbi(op1, 8, crm, op2, xt, context);
  REQUIRE(decoded);
  return *decoded;
}

constexpr u64 kXtVa = u64{5} << 48 | kVa >> 12;  // ASID 5
constexpr u64 kXtIpa = kVa >> 12;
/// RVAE1 operand: 4K, NUM = 0, SCALE = 0: two pages from kVa - 4K.
constexpr u64 kXtRange = u64{5} << 48 | u64{1} << 46 | (kVa - 0x1000) >> 12;

}  // namespace

TEST_CASE("TLBI matrix: each operation removes exactly its entries") {
  struct Row {
    unsigned op1, crm, op2;
    u64 xt;
    TlbiContext context;
    const char* name;
    const char* removed;
  };
  const char* kEl1Va = "s1 comb global";
  const char* kEl1Vaa = "s1 comb global asid6";
  const char* kVm = "s1 comb global asid6 other-va";
  const Row rows[] = {
      {0, 7, 1, kXtVa, at_el1(), "vae1", kEl1Va},
      {0, 7, 5, kXtVa, at_el1(), "vale1", kEl1Va},
      {0, 3, 1, kXtVa, at_el1(), "vae1is", kEl1Va},
      {0, 1, 5, kXtVa, at_el1(), "vale1os", kEl1Va},
      {0, 7, 3, kXtVa, at_el1(), "vaae1", kEl1Vaa},
      {0, 3, 7, kXtVa, at_el1(), "vaale1is", kEl1Vaa},
      {0, 7, 2, kXtVa, at_el1(), "aside1", "s1 comb other-va"},
      {0, 7, 0, 0, at_el1(), "vmalle1", kVm},
      {0, 3, 0, 0, at_el1(8), "vmalle1is", "vmid8"},
      {0, 6, 1, kXtRange, at_el1(), "rvae1", kEl1Va},
      {0, 2, 3, kXtRange, at_el1(), "rvaae1is", kEl1Vaa},
      {0, 5, 5, kXtRange, at_el1(), "rvale1os", kEl1Va},
      {4, 4, 1, kXtIpa, at_el2(), "ipas2e1", "ipa"},
      {4, 0, 1, kXtIpa, at_el2(), "ipas2e1is", "ipa"},
      {4, 4, 5, kXtIpa, at_el2(), "ipas2le1", "ipa"},
      {4, 4, 0, kXtIpa, at_el2(), "ipas2e1os", "ipa"},
      {4, 4, 2, kXtRange & ones(48), at_el2(), "ripas2e1", "ipa"},
      {4, 0, 6, kXtRange & ones(48), at_el2(), "ripas2le1is", "ipa"},
      {4, 7, 4, 0, at_el2(), "alle1", "s1 comb global asid6 vmid8 other-va ipa ipa-vmid8 ipa-other"},
      {4, 7, 6, 0, at_el2(), "vmalls12e1", "s1 comb global asid6 other-va ipa ipa-other"},
      {4, 3, 6, 0, at_el2(), "vmalls12e1is", "s1 comb global asid6 other-va ipa ipa-other"},
      {4, 7, 0, 0, at_el2(), "alle2", "el2"},
      {4, 7, 1, kVa >> 12, at_el2(), "vae2", "el2"},
      {4, 7, 5, kXtVa, at_el2(), "vale2", "el2"},  // the ASID field is RES0: it does not matter
      {4, 6, 1, kXtRange, at_el2(), "rvae2", "el2"},
      // E1 forms from EL2 act on the guest, unless the host is a VHE host in its own context.
      {0, 7, 1, kXtVa, at_el2(), "vae1", kEl1Va},
      {0, 7, 1, kXtVa, at_el2(true, false), "vae1", kEl1Va},
      {0, 7, 1, kXtVa, at_el2(true, true), "vae1", "el20 el20-global"},
      {0, 7, 3, kXtVa, at_el2(true, true), "vaae1", "el20 el20-global el20-asid6"},
      {0, 7, 2, kXtVa, at_el2(true, true), "aside1", "el20"},
      {0, 7, 0, 0, at_el2(true, true), "vmalle1", "el20 el20-global el20-asid6"},
      {4, 7, 1, kXtVa, at_el2(true, false), "vae2", "el20 el20-global"},
      {4, 7, 0, 0, at_el2(true, true), "alle2", "el20 el20-global el20-asid6"},
      {4, 7, 6, 0, at_el2(true, true), "vmalls12e1", "s1 comb global asid6 other-va ipa ipa-other"},
  };
  for (const Row& row : rows) {
    const TlbiOp decoded = op(row.op1, row.crm, row.op2, row.xt, row.context);
    CAPTURE(row.name);
    CHECK(std::string(decoded.name()) == row.name);
    CHECK(removed_by(decoded) == row.removed);
  }
}

TEST_CASE("every encoding: which exist, and their scope") {
  unsigned base = 0, os = 0, range = 0;
  for (unsigned op1 = 0; op1 < 8; ++op1) {
    for (unsigned crm = 0; crm < 16; ++crm) {
      for (unsigned op2 = 0; op2 < 8; ++op2) {
        TlbiContext full = at_el2(), plain = at_el2();
        plain.features = Features{};
        const auto with = decode_tlbi(op1, 8, crm, op2, 0, full), without = decode_tlbi(op1, 8, crm, op2, 0, plain);
        if (!with) {
          CHECK_FALSE(without);
          continue;
        }
        const std::string name = with->name();
        const bool is_os = name.ends_with("os"), is_range = name[0] == 'r';
        CAPTURE(name);
        CHECK((with->scope == TlbiScope::OuterShareable) == is_os);
        CHECK((with->scope == TlbiScope::InnerShareable) == name.ends_with("is"));
        CHECK(without.has_value() == (!is_os && !is_range));
        ++(is_range ? range : is_os ? os : base);
      }
    }
  }
  CHECK(base == 26);  // ARMv8.0: 13 local or IS pairs: 6 E1, 2 IPA, 5 EL2 forms
  CHECK(os == 13);
  CHECK(range == 24);  // 3 scopes of 4 E1, 2 IPA, 2 E2 forms
  CHECK_FALSE(decode_tlbi(0, 9, 7, 0, 0, at_el2()));
}

TEST_CASE("HCR_EL2.FB broadcasts EL1's local operations") {
  TlbiContext context = at_el1();
  context.fb = true;
  CHECK(op(0, 7, 0, 0, context).scope == TlbiScope::InnerShareable);
  CHECK(op(0, 1, 0, 0, context).scope == TlbiScope::OuterShareable);
  context.el = El::EL2;
  CHECK(op(0, 7, 0, 0, context).scope == TlbiScope::Local);
}

TEST_CASE("8-bit ASIDs ignore the upper half of the field") {
  TlbiContext context = at_el1();
  context.asid16 = false;
  CHECK(op(0, 7, 2, u64{0x1205} << 48, context).asid == 5);
  context.asid16 = true;
  CHECK(op(0, 7, 2, u64{0x1205} << 48, context).asid == 0x1205);
}

TEST_CASE("addresses of the upper range are sign-extended") {
  const TlbiOp upper = op(0, 7, 1, (u64{0xffff'8000'0123'4000} & ones(56)) >> 12, at_el1());
  CHECK(upper.base == 0xffff'8000'0123'4000);
  const TlbiOp range = op(0, 6, 1, u64{1} << 46 | bits(0xffff'8000'0123'4000, 48, 12), at_el1());
  CHECK(range.base == 0xffff'8000'0123'4000);
  TlbEntry entry = make(TlbKind::Stage1, RegimeId::EL10, 7, 0, true, 0xffff'ffff'ffff'f000);
  TlbiOp last = op(0, 7, 1, bits(~u64{0}, 55, 12), at_el1());
  CHECK(last.matches(entry));  // the last page: its end wraps
}

TEST_CASE("range operands: NUM, SCALE and TG give the length") {
  struct Row {
    u64 tg, scale, num;
    u64 size;
  };
  const Row rows[] = {{1, 0, 0, 2 * 4096},
                      {1, 0, 31, 64 * 4096},
                      {1, 1, 0, 64 * 4096},
                      {1, 2, 3, 4 * 2048 * 4096},
                      {1, 3, 31, u64{32} << 16 << 12},
                      {2, 0, 0, 2 * 16384},
                      {3, 1, 1, 2 * 64 * 65536},
                      {0, 0, 0, 0}};
  for (const Row& row : rows) {
    const TlbiOp decoded = op(0, 6, 1, row.tg << 46 | row.scale << 44 | row.num << 39 | 1, at_el1());
    CAPTURE(row.tg, row.scale, row.num);
    CHECK(decoded.size == row.size);
  }
  const TlbiOp nothing = op(0, 6, 1, 1, at_el1());  // TG = 00 is reserved
  CHECK_FALSE(nothing.matches(make(TlbKind::Stage1, RegimeId::EL10, 7, 0, true, 0x1000)));
  // Edges of a range of two pages.
  const TlbiOp two = op(0, 6, 3, u64{1} << 46 | 0x10, at_el1());
  for (u64 page : {0xf, 0x10, 0x11, 0x12}) {
    CHECK(two.matches(make(TlbKind::Stage1, RegimeId::EL10, 7, 0, true, page << 12)) == (page == 0x10 || page == 0x11));
  }
}

TEST_CASE("TTL hints keep entries of other levels, unless the knob or the feature says otherwise") {
  const auto tlb_with = [](Knobs knobs) {
    Tlb tlb(knobs);
    TlbEntry page = make(TlbKind::Stage1, RegimeId::EL10, 7, 5, false, kVa), block = page;
    block.input = align_down(kVa, 0x20'0000);
    block.size_log2 = block.leaf_size_log2 = 21;
    block.level = 2;
    tlb.fill(page);
    tlb.fill(block);
    return tlb;
  };
  const auto hint = [](u64 level, u64 tg = 1) { return kXtVa | tg << 46 | level << 44; };
  const auto removed = [&](u64 xt, Knobs knobs = {}) { return tlb_with(knobs).invalidate(op(0, 7, 1, xt, at_el1())); };
  CHECK(removed(kXtVa) == 2);
  CHECK(removed(hint(3)) == 1);
  CHECK(removed(hint(2)) == 1);
  CHECK(removed(hint(1)) == 0);
  CHECK(removed(hint(0)) == 2);     // no leaf at level 0: not a hint
  CHECK(removed(hint(3, 3)) == 0);  // another granule
  CHECK(removed(hint(3), {.ignore_ttl = true}) == 2);
  TlbiContext plain = at_el1();
  plain.features.TTL = false;
  CHECK(decode_tlbi(0, 8, 7, 1, hint(3), plain)->ttl_level == -1);
}

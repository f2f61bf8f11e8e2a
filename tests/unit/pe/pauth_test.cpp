// tests/unit/pe/pauth_test.cpp - pointer authentication: layout, failure, enables, traps.
#include "tests/unit/pe/fake_ports.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::pe;
using enum SysReg;

namespace {

constexpr u64 kUser = 0x0000'1234'5678'9abc, kKernel = 0xffff'8000'1234'5678, kTagged = 0xab00'1234'5678'9abc;
constexpr u64 kAll = Sctlr::EnIA.mask | Sctlr::EnIB.mask | Sctlr::EnDA.mask | Sctlr::EnDB.mask;
constexpr u64 kTbi0 = u64{1} << 37, kTbid0 = u64{1} << 51;

Bench keyed(u64 tcr = 16 | 16 << 16) {
  Bench bench;
  u64 k = 0x0123'4567'89ab'cdef;
  for (SysReg reg : {APIAKeyLo_EL1, APIAKeyHi_EL1, APIBKeyLo_EL1, APIBKeyHi_EL1, APDAKeyLo_EL1, APDAKeyHi_EL1,
                     APDBKeyLo_EL1, APDBKeyHi_EL1, APGAKeyLo_EL1, APGAKeyHi_EL1})
    bench.set(reg, k = k * 0x9e37'79b9'7f4a'7c15 + 1);
  bench.set(TCR_EL1, tcr);
  bench.set(SCTLR_EL1, kAll);
  bench.set(HCR_EL2, Hcr::API.mask | Hcr::APK.mask);
  return bench;
}

}  // namespace

TEST_CASE("what is signed authenticates with the same key and modifier only") {
  for (PacKey key : {PacKey::IA, PacKey::IB, PacKey::DA, PacKey::DB}) {
    for (u64 pointer : {kUser, kKernel}) {
      Bench bench = keyed();
      u64 value = pointer;
      REQUIRE(bench.pe.add_pac(value, 7, key));
      CHECK(value != pointer);
      CHECK((value & ones(48)) == (pointer & ones(48)));
      CHECK(bit(value, 55) == bit(pointer, 55));
      CHECK(bench.pe.strip_pac(value, true) == pointer);
      u64 good = value, wrong_modifier = value, wrong_key = value, damaged = value ^ u64 { 1 } << 60;
      REQUIRE(bench.pe.auth_pac(good, 7, key));
      CHECK(good == pointer);
      REQUIRE(bench.pe.auth_pac(wrong_modifier, 8, key));
      CHECK(wrong_modifier != pointer);
      REQUIRE(bench.pe.auth_pac(wrong_key, 7, key == PacKey::DB ? PacKey::IA : PacKey::DB));
      CHECK(wrong_key != pointer);
      REQUIRE(bench.pe.auth_pac(damaged, 7, key));
      const u64 error = key == PacKey::IB || key == PacKey::DB ? 2 : 1;
      CHECK(damaged == with_bits(pointer, 62, 61, error));
    }
  }
}

TEST_CASE("with TBI the tag is kept and stays out of the PAC; TBID keeps it in for instructions") {
  Bench bench = keyed(16 | 16 << 16 | kTbi0 | kTbid0);
  u64 data = kTagged;
  REQUIRE(bench.pe.add_pac(data, 1, PacKey::DA));
  CHECK(data >> 56 == 0xab);
  CHECK(data != kTagged);
  REQUIRE(bench.pe.auth_pac(data, 1, PacKey::DA));
  CHECK(data == kTagged);
  data = kTagged ^ u64 { 1 } << 50;
  REQUIRE(bench.pe.auth_pac(data, 1, PacKey::DA));
  CHECK(data == with_bits(kTagged, 54, 53, 1));
  u64 code = kUser;
  REQUIRE(bench.pe.add_pac(code, 1, PacKey::IA));
  CHECK(bench.pe.strip_pac(code, true) == kUser);
  CHECK(bench.pe.strip_pac(kTagged, true) == kUser);
  CHECK(bench.pe.strip_pac(kTagged, false) == kTagged);
}

TEST_CASE("a smaller address space gives a larger PAC field") {
  Bench bench = keyed(25 | 25 << 16);
  u64 value = kUser & ones(39);
  const u64 pointer = value;
  REQUIRE(bench.pe.add_pac(value, 3, PacKey::IA));
  CHECK((value & ones(39)) == pointer);
  CHECK(bits(value, 47, 39) != 0);
  REQUIRE(bench.pe.auth_pac(value, 3, PacKey::IA));
  CHECK(value == pointer);
}

TEST_CASE("signing a bad pointer does not make it good") {
  Bench bench = keyed();
  u64 value = kUser | u64{1} << 50;
  REQUIRE(bench.pe.add_pac(value, 1, PacKey::IA));
  REQUIRE(bench.pe.auth_pac(value, 1, PacKey::IA));
  CHECK(value != kUser);
  CHECK(bits(value, 62, 61) == 1);
}

TEST_CASE("a disabled key leaves pointers alone, per key") {
  Bench bench = keyed();
  bench.set(SCTLR_EL1, Sctlr::EnIB.mask);
  for (PacKey key : {PacKey::IA, PacKey::DA, PacKey::DB}) {
    u64 value = kUser;
    REQUIRE(bench.pe.add_pac(value, 1, key));
    CHECK(value == kUser);
    REQUIRE(bench.pe.auth_pac(value, 1, key));
    CHECK(value == kUser);
  }
  u64 value = kUser;
  REQUIRE(bench.pe.add_pac(value, 1, PacKey::IB));
  CHECK(value != kUser);
}

TEST_CASE("HCR_EL2.API = 0 traps enabled keys and PACGA") {
  Bench bench = keyed();
  bench.set(HCR_EL2, Hcr::APK.mask);
  u64 value = kUser;
  CHECK_FALSE(bench.pe.add_pac(value, 1, PacKey::IA));
  CHECK(bench.take() == "el2:PAC");
  bench.at(El::EL1);
  CHECK_FALSE(bench.pe.generic_pac(value, 1, 2));
  CHECK(bench.take() == "el2:PAC");
  CHECK(bench.pe.generic_pac(value, 1, 2));  // never at EL2
  bench.set(SCTLR_EL1, 0);
  bench.at(El::EL1);
  CHECK(bench.pe.add_pac(value, 1, PacKey::IA));  // disabled: nothing to trap
}

TEST_CASE("PACGA fills the upper half and depends on everything") {
  Bench bench = keyed();
  u64 a, b, c;
  REQUIRE(bench.pe.generic_pac(a, 1, 2));
  REQUIRE(bench.pe.generic_pac(b, 2, 2));
  REQUIRE(bench.pe.generic_pac(c, 1, 3));
  CHECK((a & ones(32)) == 0);
  CHECK(a != b);
  CHECK(a != c);
}

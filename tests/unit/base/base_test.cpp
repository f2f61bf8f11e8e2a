// tests/unit/base/base_test.cpp - bits, fields, addresses, results, chance, traces and memory of the host.
#include <array>
#include <utility>

#include "core/base/addr.h"
#include "core/base/chance.h"
#include "core/base/field.h"
#include "core/base/host_memory.h"
#include "core/base/result.h"
#include "core/base/trace.h"
#include "tests/unit/catch.h"

using namespace farside;

namespace {

enum class Colour : u8 { Red = 1, Blue = 2 };
struct Sample : Reg<Sample> {
  static constexpr Field<63, 60> TOP{};
  static constexpr Field<5, 3, Colour> COLOUR{};
  static constexpr Bit<0> ON{};
};

Result<int, UserError> half(int n) {
  if (n % 2 != 0) return UserError{"odd"};
  return n / 2;
}
Result<int, UserError> quarter(int n) {
  const int once = TRY(half(n));
  return TRY(half(once));
}

}  // namespace

TEST_CASE("bits are cut out, replaced and extended at every width") {
  CHECK(ones(0) == 0);
  CHECK(ones(64) == ~u64{0});
  CHECK(bits(0xabcd'0000'0000'0000, 63, 60) == 0xa);
  CHECK(with_bits(~u64{0}, 7, 4, 0) == ~u64{0xf0});
  for (unsigned width = 1; width <= 64; ++width) {
    CHECK(sign_extend(ones(width), width) == -1);
    CHECK(sign_extend(ones(width) >> 1, width) == static_cast<i64>(ones(width) >> 1));
  }
}

TEST_CASE("rotation stays inside its width") {
  CHECK(rotate_right(1, 1, 8) == 0x80);
  CHECK(rotate_right(0x12, 4, 8) == 0x21);
  CHECK(rotate_right(0x12, 8, 8) == 0x12);
  CHECK(rotate_right(1, 1, 64) == u64{1} << 63);
}

TEST_CASE("every field of a register reads back what with() wrote and leaves the others alone") {
  const Sample s = Sample{}.with(Sample::TOP, u64{9}).with(Sample::COLOUR, Colour::Blue).with(Sample::ON, true);
  CHECK(s[Sample::TOP] == 9);
  CHECK(s[Sample::COLOUR] == Colour::Blue);
  CHECK(s[Sample::ON]);
  CHECK(s.raw == (u64{9} << 60 | 2 << 3 | 1));
  CHECK(s.with(Sample::ON, false).raw == (u64{9} << 60 | 2 << 3));
}

TEST_CASE("addresses print in the vocabulary of traces") {
  CHECK(fmt::format("{}", Ipa{0x4008'0000}) == "ipa:4008_0000");
  CHECK(fmt::format("{}", Va{0xffff'8000'0801'0000}) == "va:ffff_8000_0801_0000");
  CHECK(fmt::format("{}", Pa{0}) == "pa:0");
  CHECK(fmt::format("{}", Pa{0x1'0000}) == "pa:1_0000");
}

TEST_CASE("addresses align, subtract and compare") {
  CHECK(Va{0x1fff}.align_down(0x1000) == Va{0x1000});
  CHECK(Va{0x1001}.align_up(0x1000) == Va{0x2000});
  CHECK(Va{0x3000} - Va{0x1000} == 0x2000);
  CHECK(Va{1} < Va{2});
}

TEST_CASE("TRY passes the first error up") {
  CHECK(*quarter(8) == 2);
  CHECK_FALSE(quarter(6).ok());
  CHECK(quarter(7).error().message == "odd");
}

TEST_CASE("streams of one seed differ by name, streams of one name by seed, and each repeats") {
  CHECK(Chance(1, "a").next() == Chance(1, "a").next());
  CHECK(Chance(1, "a").next() != Chance(1, "b").next());
  CHECK(Chance(1, "a").next() != Chance(2, "a").next());
  Chance chance(7);
  bool seen[5] = {};
  for (int i = 0; i < 1000; ++i) seen[chance.below(5)] = true;
  for (bool s : seen) CHECK(s);
}

TEST_CASE("a trace reaches its sink only for the groups that are on") {
  Trace trace;
  std::string seen;
  trace.set_sink([&](const TraceEvent& event) { seen += event.name; });
  trace.emit(TraceGroup::Kvm, 0, "a", {});
  trace.enable(TraceGroup::Kvm);
  trace.emit(TraceGroup::Kvm, 0, "b", {});
  trace.emit(TraceGroup::Exec, 0, "c", {});
  trace.enable(TraceGroup::Kvm, false);
  trace.emit(TraceGroup::Kvm, 0, "d", {});
  CHECK(seen == "b");
}

TEST_CASE("an array in the host's memory begins as zeros, whatever pages it is in") {
  struct Item {
    std::array<u64, 1000> words;
  };
  for (HostPages pages : {HostPages::Small, HostPages::Huge}) {
    HostArray<Item> items(300, pages);
    REQUIRE(items.all().size() == 300);
    CHECK(reinterpret_cast<u64>(items.all().data()) % HostMemory::kAlign == 0);
    for (Item& item : items.all()) CHECK((item.words.front() | item.words.back()) == 0);
    items.all().back().words.back() = 7;
    const HostArray<Item> moved = std::move(items);
    CHECK(moved.all().back().words.back() == 7);
  }
}

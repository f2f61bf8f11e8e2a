// tests/unit/cache/lending_test.cpp - pointers into lines and pages: what is lent, when it is taken back, what is
// found.
#include <functional>

#include "tests/unit/cache/fixture.h"

using namespace farside;
using namespace farside::cache;

namespace {

struct Call {
  unsigned core;
  Side side;
  Withdrawn what;
  friend bool operator==(const Call&, const Call&) = default;
};

struct PageCall {
  unsigned core;
  const u8* page;
  u64 lines;
  Withdrawn what;
  friend bool operator==(const PageCall&, const PageCall&) = default;
};

struct Listener : LineListener {
  void line_withdrawn(unsigned core, Side side, Pa line, u32, Withdrawn what) override {
    CHECK(line == kX);
    calls.push_back({core, side, what});
  }
  void page_withdrawn(unsigned core, const u8* page, u32, u64 lines, Withdrawn what) override {
    pages.push_back({core, page, lines, what});
  }
  void fetched_ahead(unsigned core) override { ahead.push_back(core); }
  std::vector<Call> calls;
  std::vector<unsigned> ahead;
  std::vector<PageCall> pages;
};

struct Lending : Machine {
  explicit Lending(const Knobs& knobs = quiet()) : Machine(knobs) { caches.set_listener(&listener); }
  LinePointer lend(bool for_write, u32 core = 0) { return caches.line_pointer(by(kWb, 0x700, core), kX, for_write); }
  const u8* lend_code(u32 core = 0) {
    AccessInfo info = by(kWb, 0x700, core);
    info.kind = AccessKind::Fetch;
    info.va = kX.value;
    return caches.fetch_pointer(info, kX);
  }
  Listener listener;
};

}  // namespace

TEST_CASE("stores through a pointer are dirty, newest, and seen by everyone who asks") {
  Lending m;
  const LinePointer p = m.lend(true);
  REQUIRE(p.writable);
  p.data[3] = 0x55;
  CHECK(m.peek(View::Golden) == 0x5500'0000);
  CHECK(m.caches.copies(kX).front().dirty == 8);
  CHECK(m.load(kWb) == 0x5500'0000);  // own access: the pointer stays
  CHECK(m.listener.calls.empty());
  p.data[4] = 0x66;
  CHECK(m.load(kWb, kX, 1) == 0x66'5500'0000);
  CHECK(m.listener.calls == std::vector<Call>{{0, Side::Data, Withdrawn::Write}});
  CHECK(m.errors().empty());
}

TEST_CASE("a store by another core takes every pointer back") {
  Lending m;
  REQUIRE(m.lend(true).data != nullptr);
  m.store(kWb, 1, kX, 1);
  CHECK(m.listener.calls == std::vector<Call>{{0, Side::Data, Withdrawn::All}});
}

TEST_CASE("whatever moves or ages the line takes pointers back") {
  const std::vector<std::pair<std::string, std::function<void(Lending&)>>> causes = {
      {"eviction", [](Lending& m) { m.caches.evict_line(kX); }},
      {"DC CIVAC", [](Lending& m) { m.civac(kX, 1); }},
      {"DC IVAC", [](Lending& m) { m.ivac(kX, 1); }},
      {"a store around the caches", [](Lending& m) { m.store(kNc, 1, kX, 1); }},
      {"DMA", [](Lending& m) { m.dma_write(1); }},
      {"coherent DMA", [](Lending& m) { m.dma_write(1, kX, true); }},
      {"flush", [](Lending& m) { m.caches.flush_all(); }},
      {"adoption", [](Lending& m) { m.caches.adopt(kX, 64); }},
  };
  for (const auto& [name, cause] : causes) {
    for (bool for_write : {false, true}) {
      INFO(name << for_write);
      Lending m;
      REQUIRE(m.lend(for_write).data != nullptr);
      cause(m);
      REQUIRE_FALSE(m.listener.calls.empty());
      CHECK(m.listener.calls.back() == Call{0, Side::Data, Withdrawn::All});
    }
  }
}

TEST_CASE("a private Non-shareable store ages other cores' lines, whose pointers go") {
  Lending m(quiet({"nsh=private"}));
  REQUIRE(m.lend(false, 1).data != nullptr);
  m.store(kWbNsh, 1, kX, 0);
  CHECK(m.listener.calls == std::vector<Call>{{1, Side::Data, Withdrawn::All}});
  CHECK(m.load(kWb, kX, 1) == 0);
  CHECK(m.errors() == Errors{Finding::STALE_CACHED});
}

TEST_CASE("a clean line over different memory is not lent for writing: its own value stored again must be a store") {
  Lending m(quiet({"sanitizer=off"}));
  m.load(kWb);
  m.store(kNc, 7, kX, 1);
  CHECK(m.lend(true).data == nullptr);
  m.store(kWb, 0);
  m.caches.evict_line(kX);
  CHECK(m.load(kNc) == 0);
}

TEST_CASE("a clean takes back only the permission to write, and no store is lost") {
  Lending m;
  const LinePointer p = m.lend(true);
  p.data[0] = 1;
  m.cvac();
  CHECK(m.listener.calls == std::vector<Call>{{0, Side::Data, Withdrawn::Write}});
  CHECK(m.ram.at(kX) == 1);
  m.lend(true).data[0] = 2;
  m.cvac();
  CHECK(m.ram.at(kX) == 2);
}

TEST_CASE("a line that is not what was last written is not lent, so that each read is checked") {
  Lending m;
  m.load(kWb);
  m.store(kNc, 1, kX, 1);
  CHECK(m.lend(false).data == nullptr);
  CHECK(m.lend(true).data == nullptr);
  CHECK(m.load(kWb) == 0);
  CHECK(m.errors() == Errors{Finding::STALE_CACHED});
}

TEST_CASE("no pointers for accesses around the caches, nor with lend=off") {
  Lending m;
  CHECK(m.caches.line_pointer(m.by(kNc), kX, false).data == nullptr);
  CHECK(m.caches.line_pointer(m.by(kOff), kX, false).data == nullptr);
  CHECK(m.caches.line_pointer(m.by(kWb), Pa{0x1000}, false).data == nullptr);
  Lending off(quiet({"lend=off"}));
  CHECK(off.lend(true).data == nullptr);
  CHECK(off.lend_code() == nullptr);
}

TEST_CASE("instruction pointers and pointers for writing exclude each other") {
  Lending m;
  const LinePointer p = m.lend(true);
  p.data[0] = 1;
  m.cvau();
  m.listener.calls.clear();
  REQUIRE(m.lend(true).writable);
  REQUIRE(m.lend_code() != nullptr);
  CHECK(m.listener.calls == std::vector<Call>{{0, Side::Data, Withdrawn::Write}});
  m.listener.calls.clear();
  REQUIRE(m.lend(true).writable);
  CHECK(m.listener.calls == std::vector<Call>{{0, Side::Instruction, Withdrawn::All}});
  CHECK(m.errors().empty());
}

TEST_CASE("an instruction invalidation takes the instruction pointer back") {
  Lending m;
  const u8* code = m.lend_code(1);
  REQUIRE(code != nullptr);
  m.ivau(kX, 0);
  CHECK(m.listener.calls == std::vector<Call>{{1, Side::Instruction, Withdrawn::All}});
}

TEST_CASE("only with something in the fetch buffer does it matter when stores have been seen") {
  constexpr u64 kStep = 500;
  Lending m(quiet({"fetch_buffer=adversarial"}));
  REQUIRE(m.lend_code() != nullptr);
  CHECK(m.listener.ahead.empty());
  CHECK(m.caches.quiet_instructions(0, kStep) > kStep);
  m.store(kWb, 7);
  CHECK(m.listener.ahead == std::vector<unsigned>{0});
  CHECK(m.caches.quiet_instructions(0, kStep) == kStep);
  CHECK(m.caches.quiet_instructions(1, kStep) > kStep);
  m.caches.barrier(0, Barrier::Dsb);
  m.caches.barrier(0, Barrier::Isb);
  CHECK(m.caches.quiet_instructions(0, kStep) > kStep);
}

// tests/unit/machine/cache_clients_test.cpp - instructions and hardware that are clients of the caches as loads and
// stores are: DC ZVA, LSE atomics, exclusives, hardware updates of the access flag and dirty state.
//
// Each program turns the MMU on with Normal Write-Back memory, does one thing, turns the MMU off and looks at memory:
// what the thing has stored is in a line then, and is in memory after a clean.
#include <optional>

#include "frontends/machine/machine.h"
#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"

namespace farside::machine {
namespace {

using Code = std::vector<u32>;

/// X19 is the location, X20 a table of 1 GiB blocks: 0 Device, 0x40000000 Write-Back, and at 0x80000000 the memory
/// again, read-only with DBM and without its access flag. X4 = 0x1111 is in memory, at the location and behind it; X5 =
/// 0x2222.
const Code kPrologue{
    0x10004013,  // adr x19, . + 0x800
    0x10007ff4,  // adr x20, . + 0xffc: the first page behind
    0xd2822224,  // movz x4, #0x1111
    0xd2844445,  // movz x5, #0x2222
    0xf9000264,  // str x4, [x19]
    0xf9000664,  // str x4, [x19, #8]
    0xd2808020,  // movz x0, #0x401
    0xf9000280,  // str x0, [x20]
    0xd280e0a0,  // movz x0, #0x705
    0xf2a80000,  // movk x0, #0x4000, lsl #16
    0xf9000680,  // str x0, [x20, #8]
    0xd280f0a0,  // movz x0, #0x785
    0xf2a80000,  // movk x0, #0x4000, lsl #16
    0xf2e00100,  // movk x0, #0x8, lsl #48
    0x9275f800,  // and x0, x0, #~0x400
    0xf9000a80,  // str x0, [x20, #16]
    0xd5033fbf,  // dmb sy
    0xd5087634,  // dc ivac, x20
    0xd5087633,  // dc ivac, x19
    0xd5033f9f,  // dsb sy
    0xd29fe000,  // movz x0, #0xff00
    0xd518a200,  // msr mair_el1, x0
    0xd286a320,  // movz x0, #0x3519: T0SZ 25, walks Write-Back Inner Shareable
    0xf2a01000,  // movk x0, #0x80, lsl #16: EPD1
    0xf2c03040,  // movk x0, #0x182, lsl #32: HD, HA, IPS 40 bits
    0xd5182040,  // msr tcr_el1, x0
    0xd5182014,  // msr ttbr0_el1, x20
    0xd5033fdf,  // isb
    0xd5381015,  // mrs x21, sctlr_el1
};
const Code kMmuOn{0xd28200a0, 0xaa0002a0, 0xd5181000, 0xd5033fdf};  // movz x0, #0x1005; orr x0, x21, x0; msr; isb
const Code kMmuOff{0xd5181015, 0xd5033fdf};                         // msr sctlr_el1, x21; isb
const Code kLook{0xf9400279, 0xf940067a};                           // ldr x25, [x19]; ldr x26, [x19, #8]
const Code kClean{0xd50b7a33, 0xd5033f9f};                          // dc cvac, x19; dsb sy
const Code kInvalidate{0xd5087633, 0xd5033f9f};                     // dc ivac, x19; dsb sy
const Code kLoad{0xf9400278};                                       // ldr x24, [x19]
const Code kStore{0xf9000265};                                      // str x5, [x19]

struct Client {
  std::string_view name;
  Code code;
  u64 first, second;       ///< what it leaves at the location
  std::optional<u64> old;  ///< X24: what it saw there
};
const Client kClients[] = {
    {"str x5, [x19]", kStore, 0x2222, 0x1111, {}},
    {"dc zva, x19", {0xd50b7433}, 0, 0, {}},
    {"ldadd x5, x24, [x19]", {0xf8250278}, 0x3333, 0x1111, 0x1111},
    {"swp x5, x24, [x19]", {0xf8258278}, 0x2222, 0x1111, 0x1111},
    {"mov x24, x4; cas x24, x5, [x19]", {0xaa0403f8, 0xc8b87e65}, 0x2222, 0x1111, 0x1111},
    {"casp x6, x7, x8, x9, [x19], of x4, x4 and x5, x5; mov x24, x6",
     {0xaa0403e6, 0xaa0403e7, 0xaa0503e8, 0xaa0503e9, 0x48267e68, 0xaa0603f8},
     0x2222,
     0x2222,
     0x1111},
    {"ldxr x24, [x19]; stxr w3, x5, [x19]", {0xc85f7e78, 0xc8037e65}, 0x2222, 0x1111, 0x1111},
    {"ldaxp x24, x23, [x19]; stlxp w3, x5, x5, [x19]", {0xc87fde78, 0xc8239665}, 0x2222, 0x2222, 0x1111},
};

/// Hardware updates: X19 becomes the address of the block's descriptor.
struct Update {
  std::string_view name;
  Code code;
  u64 after;
};
constexpr u64 kDescriptor = 0x0008'0000'4000'0385;
const Update kUpdates[] = {
    {"a load sets AF", {0xaa1403f3, 0x91004273, 0xd2b00000, 0xf9408001}, kDescriptor | 0x400},
    {"a store sets AF and clears AP[2]",
     {0xaa1403f3, 0x91004273, 0xd2b00000, 0xf9008005},
     (kDescriptor | 0x400) & ~u64{0x80}},
};

/// A program run on quiet caches, and what was found.
struct Run {
  explicit Run(const Code& body) : guest(padded(kPrologue + body + call_psci(kSystemOff))) {
    MachineConfig config = guest.config(El2Mode::None);
    config.cpu = "max";
    config.cache = "model";
    config.knobs = {"spec_fill=none", "evict=lazy"};
    config.max_instructions = 10'000;
    auto made = Machine::create(config);
    REQUIRE(made.ok());
    machine = std::move(*made);
    machine->set_finding_sink([this](const cache::Report& report) {
      if (!cache::is_advisory(report.finding)) reports.push_back(report);
    });
    const RunResult result = machine->run();
    INFO(result.text);
    REQUIRE(result.cause == StopCause::PowerOff);
  }
  u64 x(unsigned n) { return machine->cores().front()->s.x[n]; }
  static Code padded(Code code) {
    code.resize(0x2000 / 4, 0);  // the location and the table are behind the code
    return code;
  }

  TinyGuest guest;
  std::unique_ptr<Machine> machine;
  std::vector<cache::Report> reports;
};

}  // namespace

TEST_CASE("what an instruction stores is in its line, and in memory after a clean") {
  const Client client = GENERATE(from_range(std::begin(kClients), std::end(kClients)));
  INFO(client.name);
  Run clean(kMmuOn + client.code + kClean + kMmuOff + kLook);
  CHECK(clean.x(25) == client.first);
  CHECK(clean.x(26) == client.second);
  if (client.old) CHECK(clean.x(24) == *client.old);
  CHECK(clean.reports.empty());

  Run dirty(kMmuOn + client.code + kMmuOff + kLook);
  CHECK(dirty.x(25) == 0x1111);
  CHECK(dirty.x(26) == 0x1111);
  REQUIRE_FALSE(dirty.reports.empty());
  const cache::Report& report = dirty.reports.front();
  CHECK(report.finding == cache::Finding::STALE_RAM);
  CHECK(report.writer.kind == cache::AccessKind::Data);
  CHECK(report.writer.cached);
  CHECK(cache::instructions_of(report.remedy) == std::vector<std::string_view>{"DC CVAC", "DSB"});
}

TEST_CASE("what an instruction reads is what its line holds, however old") {
  const Client client = GENERATE(from_range(std::begin(kClients), std::end(kClients)));
  if (!client.old) return;
  INFO(client.name);
  const Code make_stale = kMmuOn + kLoad + kMmuOff + kStore + kMmuOn;  // the line is older than memory
  Run stale(make_stale + client.code);
  CHECK(stale.x(24) == 0x1111);
  REQUIRE_FALSE(stale.reports.empty());
  CHECK(stale.reports.front().finding == cache::Finding::STALE_CACHED);
  CHECK(stale.reports.front().writer.cached == false);

  Run maintained(make_stale + kInvalidate + client.code);
  CHECK(maintained.x(24) == 0x2222);
  CHECK(maintained.reports.empty());
}

TEST_CASE("hardware updates of descriptors are stores to lines, made by table walks") {
  const Update update = GENERATE(from_range(std::begin(kUpdates), std::end(kUpdates)));
  INFO(update.name);
  Run clean(kMmuOn + update.code + kClean + kMmuOff + kLook);
  CHECK(clean.x(25) == update.after);
  CHECK(clean.reports.empty());

  Run dirty(kMmuOn + update.code + kMmuOff + kLook);
  CHECK(dirty.x(25) == kDescriptor);
  REQUIRE(dirty.reports.size() == 1);
  CHECK(dirty.reports.front().finding == cache::Finding::STALE_RAM);
  CHECK(dirty.reports.front().writer.kind == cache::AccessKind::Walk);
}

TEST_CASE("a table walk uses the line of a descriptor, however old") {
  // Invalidate the block's descriptor around the caches after a walk has brought its line; tlbi vmalle1; walk again.
  const Code forget{0xf9000a9f};                        // str xzr, [x20, #16]
  const Code tlbi{0xd508871f, 0xd5033f9f, 0xd5033fdf};  // tlbi vmalle1; dsb sy; isb
  const Code again{0xd2b00000, 0xf9408001};             // movz x0, #0x8000, lsl #16; ldr x1, [x0, #0x100]
  Run run(kMmuOn + kUpdates[0].code + kClean + kMmuOff + forget + kMmuOn + tlbi + again);
  REQUIRE_FALSE(run.reports.empty());
  CHECK(run.reports.front().finding == cache::Finding::STALE_WALK);
}

}  // namespace farside::machine

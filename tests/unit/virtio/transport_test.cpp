// tests/unit/virtio/transport_test.cpp - the virtio-mmio registers and the split queue, with honest and hostile
// drivers.
#include "devices/virtio/rng.h"
#include "tests/unit/virtio/guest_driver.h"

using namespace farside;
using namespace farside::dev;
using namespace farside::dev::virtio;

namespace {

constexpr u16 kNext = 1, kWrite = 2, kIndirect = 4;

/// Counts what it is given and answers with the number of readable bytes in each writable one.
struct Probe final : Device {
  int starts = 0, resets = 0;
  std::vector<u64> readable, writable;
  u32 written_config = 0;
  std::array<u8, 6> space{1, 2, 3, 4, 5, 6};
  std::string_view name() const override { return "probe"; }
  u32 id() const override { return 42; }
  u64 features() const override { return 0x21; }
  unsigned queues() const override { return 2; }
  std::span<const u8> config() override { return space; }
  void write_config(u64 offset, unsigned size, u32 value) override {
    written_config = value + static_cast<u32>(offset) * 256 + size * 65536;
  }
  void notified(unsigned index) override {
    drain(index, [this](Chain& chain) -> std::optional<u32> {
      readable.push_back(chain.readable());
      writable.push_back(chain.writable());
      std::vector<u8> in(std::min<u64>(chain.readable(), 4096)), out(std::min<u64>(chain.writable(), 4096));
      if (!chain.read(0, in)) return std::nullopt;
      std::fill(out.begin(), out.end(), static_cast<u8>(in.size()));
      if (!chain.write(0, out)) return std::nullopt;
      return static_cast<u32>(out.size());
    });
  }
  void started() override { ++starts; }
  void reset() override { ++resets; }
  void tell() { host_->config_changed(); }
};

using ProbeBench = Bench<Probe>;

}  // namespace

TEST_CASE("A slot says what it is; an empty one has DeviceID 0 and ignores writes") {
  ProbeBench b;
  CHECK(b.io.rd(0x00) == 0x74726976);
  CHECK(b.io.rd(0x04) == 2);
  CHECK(b.io.rd(0x08) == 42);
  CHECK(b.io.rd(0xb0) == 0xffffffff);
  CHECK(b.io.rd(0xb4) == 0xffffffff);
  CHECK(b.io.rd(0xbc) == 0xffffffff);
  MmioTransport empty(b.memory, IrqLine());
  Driver io{empty};
  CHECK(io.rd(0x00) == 0x74726976);
  CHECK(io.rd(0x08) == 0);
  CHECK(io.rd(0x10) == 0);
  io.wr(0x70, 1);
  CHECK(io.rd(0x70) == 0);
  io.wr(0x100, 5);
  CHECK(io.rd(0x100) == 0);
}

TEST_CASE("A device that is not coherent asks for what the platform does for DMA") {
  struct Around final : DmaPort {
    bool read(u64, std::span<u8>) override { return false; }
    bool write(u64, std::span<const u8>) override { return false; }
    bool coherent() const override { return false; }
  } around;
  ProbeBench b;
  Probe device;
  MmioTransport slot(b.memory, IrqLine());
  CHECK(slot.coherent());
  slot.plug(device, around);
  CHECK_FALSE(slot.coherent());
  Driver io{slot};
  io.wr(0x14, 1);
  CHECK(io.rd(0x10) == (1 | 1 << 1));  // VERSION_1, ACCESS_PLATFORM
}

TEST_CASE("Features: device bits low, VERSION_1 high; FEATURES_OK only for a subset that has VERSION_1") {
  ProbeBench b;
  b.io.wr(0x14, 0);
  CHECK(b.io.rd(0x10) == (0x21 | 1u << 28 | 1u << 29));
  b.io.wr(0x14, 1);
  CHECK(b.io.rd(0x10) == 1);
  b.io.wr(0x14, 2);
  CHECK(b.io.rd(0x10) == 0);
  SECTION("without VERSION_1") {
    b.io.wr(0x24, 0);
    b.io.wr(0x20, 1);
    b.io.wr(0x70, 11);
    CHECK(b.io.rd(0x70) == 3);
  }
  SECTION("with something that was not offered") {
    b.io.wr(0x24, 1);
    b.io.wr(0x20, 1);
    b.io.wr(0x24, 0);
    b.io.wr(0x20, 2);
    b.io.wr(0x70, 11);
    CHECK(b.io.rd(0x70) == 3);
  }
  SECTION("after FEATURES_OK nothing changes any more") {
    b.negotiate(kFeatureVersion1);
    b.io.wr(0x24, 0);
    b.io.wr(0x20, 1);
    CHECK(b.slot.features() == kFeatureVersion1);
  }
}

TEST_CASE("Queues: QueueNumMax, selection of none, and registers only while the queue is off") {
  ProbeBench b;
  b.io.wr(0x30, 1);
  CHECK(b.io.rd(0x34) == 256);
  b.io.wr(0x30, 2);
  CHECK(b.io.rd(0x34) == 0);
  b.io.wr(0x44, 1);
  CHECK(b.io.rd(0x44) == 0);
  b.start();
  CHECK(b.device.starts == 1);
  b.io.wr(0x30, 0);
  CHECK(b.io.rd(0x44) == 1);
  b.io.wr(0x38, 3);  // in use: ignored
  CHECK(b.submit({{b.kData, 4}}));
}

TEST_CASE("The configuration space is read in any width, zero beyond its end, and written through the device") {
  ProbeBench b;
  CHECK(b.io.rd(0x100) == 0x04030201);
  CHECK(b.io.rd(0x104) == 0x0605);
  CHECK(b.io.rd8(0x105) == 6);
  CHECK(b.io.rd(0x108) == 0);
  b.io.wr8(0x102, 7);
  CHECK(b.device.written_config == 7 + 2 * 256 + 65536);
}

TEST_CASE("A chain is its readable bytes, then its writable bytes, and comes back by its head") {
  ProbeBench b;
  b.start();
  REQUIRE(b.submit({{b.kData, 3}, {b.kData + 0x100, 5}, {b.kData + 0x200, 2, kWrite}, {b.kData + 0x300, 4, kWrite}}));
  CHECK(b.device.readable == std::vector<u64>{8});
  CHECK(b.device.writable == std::vector<u64>{6});
  CHECK(b.q().used_id(0) == 0);
  CHECK(b.q().used_length(0) == 6);
  CHECK(b.memory.get<u16>(b.kData + 0x200) == 0x0808);
  CHECK(b.memory.get<u32>(b.kData + 0x300) == 0x08080808);
  CHECK(b.irq);
  CHECK(b.io.rd(0x60) == 1);
  b.io.wr(0x64, 1);
  CHECK_FALSE(b.irq);
}

TEST_CASE("A chain in an indirect table is the same chain") {
  ProbeBench b;
  b.start();
  b.memory.put(b.kData + 0x1000, Desc{b.kData, 7, kNext, 2});
  b.memory.put(b.kData + 0x1020, Desc{b.kData + 0x100, 1, kWrite, 0});
  REQUIRE(b.submit({{b.kData + 0x1000, 48, kIndirect}}));
  CHECK(b.device.readable == std::vector<u64>{7});
  CHECK(b.device.writable == std::vector<u64>{1});
}

TEST_CASE("Many chains, more than the ring is long, wrap around both rings") {
  ProbeBench b;
  b.start();
  for (int i = 0; i < 70'000; ++i) {
    if (!b.submit({{b.kData, 1}})) FAIL("chain " << i);
    b.device.readable.clear();
  }
  CHECK(b.q().used_idx() == 70'000 % 65536);
}

TEST_CASE("Interrupts are held back as the driver asks") {
  ProbeBench b;
  SECTION("by the flag") {
    b.start();
    b.memory.put<u16>(b.q().avail, 1);
    REQUIRE(b.submit({{b.kData, 1}}));
    CHECK_FALSE(b.irq);
    b.memory.put<u16>(b.q().avail, 0);
    REQUIRE(b.submit({{b.kData, 1}}));
    CHECK(b.irq);
  }
  SECTION("by used_event, and avail_event follows") {
    b.start(~u64{0});
    const u64 used_event = b.q().avail + 4 + 2 * b.q().size, avail_event = b.q().used + 4 + 8 * b.q().size;
    b.memory.put<u16>(used_event, 1);  // interrupt when entry 1 is used
    REQUIRE(b.submit({{b.kData, 1}}));
    CHECK_FALSE(b.irq);
    CHECK(b.memory.get<u16>(avail_event) == 1);
    REQUIRE(b.submit({{b.kData, 1}}));
    CHECK(b.irq);
    CHECK(b.memory.get<u16>(avail_event) == 2);
  }
}

TEST_CASE("Nothing happens before DRIVER_OK, on queues that do not exist, or on queues that are off") {
  ProbeBench b;
  b.negotiate();
  b.set_up_queue(b.q());
  b.q().set(0, {b.kData, 1});
  b.q().offer(0);
  b.kick();
  CHECK(b.q().used_idx() == 0);
  b.io.wr(0x70, 15);
  b.kick(1);
  b.kick(2);
  b.kick(0xffffffff);
  CHECK(b.q().used_idx() == 0);
  b.kick(0);
  CHECK(b.q().used_idx() == 1);
}

TEST_CASE("A configuration change counts a generation and interrupts a live driver") {
  ProbeBench b;
  const u32 generation = b.io.rd(0xfc);
  b.device.tell();
  CHECK(b.io.rd(0xfc) == generation + 1);
  CHECK_FALSE(b.irq);
  b.start();
  b.device.tell();
  CHECK(b.io.rd(0x60) == 2);
}

namespace {

/// After a kick the device is broken, and stays so until the driver resets it.
void check_broken_until_reset(ProbeBench& b) {
  auto& q = b.q();
  b.kick();
  CHECK(b.broken());
  CHECK(b.io.rd(0x60) == 2);  // a configuration change tells the driver
  CHECK(b.irq);
  CHECK(q.used_idx() == 0);
  b.kick();
  CHECK(q.used_idx() == 0);
  b.memory.bytes.assign(TestMemory::kSize, 0);
  b.start();
  CHECK_FALSE(b.broken());
  CHECK_FALSE(b.irq);
  CHECK(b.submit({{b.kData, 1}}));
}

struct HostileChain {
  const char* what;
  std::vector<Desc> table;  ///< descriptors from 0 on, where the chain begins
  Desc at_data{};           ///< what is in memory at kData
};

constexpr u64 kData = ProbeBench::kData;

const std::vector<HostileChain> kHostileChains{
    {"a loop", {{kData, 1, kNext, 1}, {kData, 1, kNext, 0}}},
    {"a descriptor that is its own next", {{kData, 1, kNext, 0}}},
    {"a next outside the table", {{kData, 1, kNext, 9}}},
    {"a readable buffer outside memory", {{0x1000, 16}}},
    {"a buffer that begins inside memory and ends outside", {{TestMemory::kBase + TestMemory::kSize - 8, 16}}},
    {"a writable buffer outside memory", {{~u64{0} - 3, 4, kWrite}}},
    {"a buffer that wraps around the address space", {{~u64{0} - 3, 16, kWrite}}},
    {"more than 4 GiB", {{kData, 0xffffffff, kNext | kWrite, 1}, {kData, 0xffffffff, kWrite}}},
    {"a readable buffer after a writable one", {{kData, 1, kNext | kWrite, 1}, {kData, 1}}},
    {"an indirect table that is not a whole number of descriptors", {{kData, 17, kIndirect}}},
    {"an empty indirect table", {{kData, 0, kIndirect}}},
    {"an enormous indirect table", {{kData, 0xfffffff0, kIndirect}}},
    {"an indirect table outside memory", {{0, 32, kIndirect}}},
    {"an indirect table with a next", {{kData, 32, kIndirect | kNext, 1}}},
    {"a table inside a table", {{kData, 16, kIndirect}}, {kData, 16, kIndirect}},
    {"a loop inside a table", {{kData, 16, kIndirect}}, {kData, 1, kNext, 0}},
};

}  // namespace

TEST_CASE("A hostile chain breaks the device until reset, and nothing else") {
  for (const HostileChain& chain : kHostileChains) {
    CAPTURE(chain.what);
    ProbeBench b;
    b.start();
    b.memory.put(kData, chain.at_data);
    for (u16 i = 0; i < chain.table.size(); ++i) b.q().set(i, chain.table[i]);
    b.q().offer(0);
    check_broken_until_reset(b);
  }
}

TEST_CASE("A hostile available ring breaks the device until reset, and nothing else") {
  ProbeBench b;
  b.start();
  auto& q = b.q();
  SECTION("a head outside the table") { q.offer(8); }
  SECTION("an index that jumps further than the ring is long") {
    q.set(0, {b.kData, 1});
    q.offer(0);
    b.memory.put<u16>(q.avail + 2, 9);
  }
  SECTION("an index that goes back") { b.memory.put<u16>(q.avail + 2, 0xffff); }
  check_broken_until_reset(b);
}

TEST_CASE("A queue that is set up wrongly breaks the device") {
  ProbeBench b;
  b.negotiate();
  GuestQueue queue{b.memory, 0};
  SECTION("size 0") { queue.size = 0; }
  SECTION("not a power of two") { queue.size = 6; }
  SECTION("too large") { queue.size = 512; }
  SECTION("misaligned table") { queue.desc += 8; }
  SECTION("misaligned available ring") { queue.avail += 1; }
  SECTION("misaligned used ring") { queue.used += 2; }
  SECTION("rings outside memory") { queue.avail = 0x10, queue.used = 0x20; }
  b.set_up_queue(queue);
  b.io.wr(0x70, 15);
  b.kick();
  CHECK(b.broken());
}

TEST_CASE("A used ring outside memory breaks the device") {
  ProbeBench b;
  b.negotiate(~kFeatureEventIdx);
  GuestQueue queue{b.memory, 0};
  queue.used = 0x1000;
  b.set_up_queue(queue);
  b.io.wr(0x70, 15);
  queue.set(0, {b.kData, 1});
  queue.offer(0);
  b.kick();
  CHECK(b.broken());
}

TEST_CASE("A device that writes over its own available index is not held for ever") {
  ProbeBench b;
  b.start();
  auto& q = b.q();
  // Every chain writes 04 04 over avail->idx: there is always something waiting.
  q.set(0, {b.kData, 4, kNext, 1});
  q.set(1, {q.avail + 2, 2, kWrite});
  for (u16 i = 0; i < q.size; ++i) b.memory.put<u16>(q.avail + 4 + 2 * u64{i}, 0);
  b.memory.put<u16>(q.avail + 2, 1);
  b.kick();
  CHECK(b.device.readable.size() <= q.size);
}

TEST_CASE("The state of a slot survives save and restore in the middle of work") {
  ProbeBench b;
  b.start(~u64{0});
  REQUIRE(b.submit({{b.kData, 1}}));
  const auto state = save(b.slot);
  const u64 hash = hash_of(b.slot);
  ProbeBench other;
  other.memory.bytes = b.memory.bytes;
  restore(other.slot, state);
  CHECK(hash_of(other.slot) == hash);
  CHECK(other.irq == b.irq);
  other.q().avail_idx = b.q().avail_idx;
  CHECK(other.submit({{b.kData, 2}}));
  CHECK(other.q().used_idx() == 2);
}

TEST_CASE("A forged state cannot make a queue divide by zero") {
  ProbeBench b;
  b.start();
  auto state = save(b.slot);
  // The first queue's size follows the transport's registers and three addresses.
  const usize size_at = 8 + 6 * 4 + 3 * 8;
  REQUIRE(state[size_at] == 8);
  state[size_at] = 0;
  restore(b.slot, state);
  b.q().offer(0);
  b.kick();
  CHECK(b.q().used_idx() == 0);
}

TEST_CASE("A ring full of enormous chains breaks the device, and does not hold us") {
  Bench<Rng> b(Entropy::Seeded, 1);
  b.start();
  auto& q = b.q();
  for (u16 head = 0; head < 3; ++head) q.set(head, {b.kData, 0x7000'0000, kWrite});
  q.offer(0);
  q.offer(1);
  b.kick();
  CHECK(q.used_idx() == 2);
  for (u16 head = 0; head < 3; ++head) q.offer(head);
  b.kick();
  CHECK(q.used_idx() == 4);
  CHECK(b.broken());
}

TEST_CASE("The entropy device gives the seed's bytes, again after a restart, others for another seed") {
  auto draw = [](u64 seed) {
    Bench<Rng> b(Entropy::Seeded, seed);
    b.start();
    REQUIRE(b.submit({{b.kData, 64, kWrite}}));
    CHECK(b.q().used_length(0) == 64);
    return b.memory.copy(b.kData, 64);
  };
  CHECK(draw(1) == draw(1));
  CHECK(draw(1) != draw(2));
  CHECK(draw(1) != std::vector<u8>(64));
  Bench<Rng> host(Entropy::Host, 1);
  host.start();
  REQUIRE(host.submit({{host.kData, 64, kWrite}}));
  CHECK(host.memory.copy(host.kData, 64) != draw(1));
}

TEST_CASE("The entropy device's stream goes on where a snapshot left it") {
  Bench<Rng> a(Entropy::Seeded, 5), b(Entropy::Seeded, 6);
  a.start();
  REQUIRE(a.submit({{a.kData, 8, kWrite}}));
  b.memory.bytes = a.memory.bytes;
  restore(b.slot, save(a.slot));
  b.q().avail_idx = a.q().avail_idx;
  REQUIRE(a.submit({{a.kData, 8, kWrite}}));
  REQUIRE(b.submit({{a.kData, 8, kWrite}}));
  CHECK(a.memory.get<u64>(a.kData) == b.memory.get<u64>(b.kData));
}

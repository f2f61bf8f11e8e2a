// tests/unit/cache/snapshot_test.cpp - caches that are restored have the same future as those that were saved.
#include <algorithm>

#include "tests/unit/cache/fixture.h"
#include "tests/unit/saved_state.h"

using namespace farside;
using namespace farside::cache;

namespace {

/// A pointer that the hierarchy has lent.
struct Held {
  unsigned core = 0;
  Side side = Side::Data;
  Pa pa{};
  bool writable = false;
  bool whole = false;  ///< leads to memory
  u8* data = nullptr;
};

/// A machine that does what a seeded stream says, remembers the pointers that it has been lent, and writes down all
/// that it sees.
class Player final : public LineListener {
 public:
  Player(const Knobs& knobs, const Config& config) : m(knobs, config, 7) { m.caches.set_listener(this); }
  void line_withdrawn(unsigned core, Side side, Pa line, u32, Withdrawn what) override {
    std::erase_if(held, [&](const Held& h) {
      return !h.whole && h.core == core && h.side == side && h.pa == line && (what == Withdrawn::All || h.writable);
    });
  }
  void page_withdrawn(unsigned core, const u8* page, u32, u64 lines, Withdrawn what) override {
    std::erase_if(held, [&](const Held& h) {
      if (!h.whole || h.core != core || &m.ram.at(h.pa.align_down(4096)) != page) return false;
      return h.writable ? bit(lines, static_cast<unsigned>(h.pa.offset_in(4096) / 64)) : what == Withdrawn::All;
    });
  }

  void play(Chance& chance, unsigned steps) {
    for (unsigned i = 0; i < steps; ++i) step(chance);
  }
  /// Takes over the whole state of `other`, memory and lent pointers included.
  void become(Player& other) {
    for (u64 i = 0; i < kPages * 4096; ++i) m.ram.at(Pa{kRam + i}) = other.m.ram.at(Pa{kRam + i});
    SaveState saved;
    other.m.caches.visit_state(saved);
    RestoreState restorer(saved.bytes());
    m.caches.visit_state(restorer);
    REQUIRE(restorer.finished());
    SaveState again;
    m.caches.visit_state(again);
    REQUIRE((again.bytes() == saved.bytes()));
    held = other.held;
    for (Held& h : held) {
      h.data = h.whole
                   ? &m.ram.at(h.pa)
                   : m.caches.lent_line(h.core, h.side, other.m.caches.place_of(h.core, h.side, h.data), h.writable);
      REQUIRE(h.data != nullptr);
    }
  }

  Machine m;
  std::vector<Held> held;
  std::vector<u64> log;
  static constexpr unsigned kPages = 4;

 private:
  void step(Chance& chance) {
    static constexpr MemAttr kAttrs[] = {kWb, kWb, kWb, kNc, kOff, kWt, kWbNsh};
    const MemAttr attr = kAttrs[chance.below(std::size(kAttrs))];
    const Pa pa{kRam + 64 * chance.below(kPages * 64)};
    const u32 core = static_cast<u32>(chance.below(2));
    const u64 value = chance.next(), pc = 0x1000 + 4 * chance.below(64);
    switch (chance.below(16)) {
      case 0: m.store(attr, value, pa, core, pc); break;
      case 1: m.host_store(value, pa); break;
      case 2: m.dma_write(value, pa, chance.one_in(2)); break;
      case 3: log.push_back(m.host_load(pa)); break;
      case 4: log.push_back(m.dma_read(pa)); break;
      case 5: log.push_back(m.walk(attr, pa)); break;
      case 6: log.push_back(m.fetch(attr, pa, core, pc)); break;
      case 7: lend(core, pa, pc, chance.one_in(2)); break;
      case 8: lend_code(core, pa, pc); break;
      case 9: use_pointer(chance, value); break;
      case 10: m.dc(static_cast<Action>(chance.below(3)), static_cast<Point>(chance.below(2)), pa, core); break;
      case 11: m.ivau(pa, core); break;
      case 12: m.caches.barrier(core, static_cast<Barrier>(chance.below(3))); break;
      case 13: m.caches.speculate(core, 300); break;
      case 14:
        chance.one_in(8) ? forget(core) : m.caches.apply(CacheOpBySetWay{Action::Clean, value & 0x1ff}, core);
        break;
      default: log.push_back(m.load(attr, pa, core, pc)); break;
    }
  }
  void lend(u32 core, Pa pa, u64 pc, bool for_write) {
    const LinePointer line = m.caches.line_pointer(m.by(kWb, pc, core), pa, for_write);
    if (line.data != nullptr) held.push_back({core, Side::Data, pa, for_write, line.page != nullptr, line.data});
  }
  void lend_code(u32 core, Pa pa, u64 pc) {
    AccessInfo info = m.by(kWb, pc, core);
    info.kind = AccessKind::Fetch;
    info.va = pa.value;
    const u8* data = m.caches.fetch_pointer(info, pa);
    if (data != nullptr) held.push_back({core, Side::Instruction, pa, false, false, const_cast<u8*>(data)});
  }
  void use_pointer(Chance& chance, u64 value) {
    if (held.empty()) return;
    const Held& h = held[chance.below(held.size())];
    if (h.writable) h.data[value % 64] = static_cast<u8>(value >> 8);
    log.push_back(h.data[(value >> 16) % 64]);
  }
  void forget(u32 core) {
    m.caches.forget_fetched(core);
    std::erase_if(held, [&](const Held& h) { return h.core == core && h.side == Side::Instruction; });
  }
};

/// Plays, copies, and plays on with both.
void check_twins(const Knobs& knobs, const Config& config, u64 seed) {
  Player first(knobs, config), second(knobs, config);
  Chance chance(seed, "before"), other(seed, "other");
  first.play(chance, 3000);
  second.play(other, 500);  // a past of its own, which must not matter
  second.become(first);
  first.log.clear(), second.log.clear();
  first.m.reports.clear(), second.m.reports.clear();
  Chance one(seed, "after"), two(seed, "after");
  first.play(one, 3000);
  second.play(two, 3000);
  CHECK((first.log == second.log));
  CHECK(first.m.caches.state_hash() == second.m.caches.state_hash());
  REQUIRE(first.m.reports.size() == second.m.reports.size());
  for (usize i = 0; i < first.m.reports.size(); ++i) CHECK(print(first.m.reports[i]) == print(second.m.reports[i]));
  CHECK(std::equal(&first.m.ram.at(Pa{kRam}), &first.m.ram.at(Pa{kRam}) + Player::kPages * 4096,
                   &second.m.ram.at(Pa{kRam})));
  SaveState end, same_end;
  first.m.caches.visit_state(end);
  second.m.caches.visit_state(same_end);
  CHECK((end.bytes() == same_end.bytes()));
}

Config tiny_with(std::string_view lines) {
  return *parse_config("name tiny\nl1i 512 2\nl1d 512 2\nl2 2K 4\nicache pipt\n" + std::string(lines), "tiny");
}

}  // namespace

TEST_CASE("restored caches go on as the saved ones do, with every profile and many geometries") {
  const Knobs all[] = {knobs_of("coherent"), knobs_of("model"), knobs_of("adversarial"),
                       knobs_of("model", {"fetch_buffer=random", "completion=dsb", "evict=oldest"}),
                       knobs_of("adversarial", {"pages=lines"})};
  const Config geometries[] = {tiny(),
                               tiny_with("system_cache 4K 4\n"),
                               tiny_with("l2 none\n"),
                               tiny_with("icache vipt\nl1i 16K 2\n"),
                               tiny_with("icache vpipt\n"),
                               tiny_with("dic yes\nidc yes\n")};
  for (const Knobs& knobs : all)
    for (const Config& config : geometries)
      for (u64 seed = 0; seed < 3; ++seed) check_twins(knobs, config, seed);
}

TEST_CASE("without modelled caches there is nothing to keep") {
  Machine m(Knobs{});
  SaveState saved;
  m.caches.visit_state(saved);
  CHECK(saved.bytes().empty());
}

TEST_CASE("a place whose line has not been lent is no pointer") {
  Machine m;
  m.store(kWb, 1);
  const u8* const line = m.caches.line_pointer(m.by(kWb), kX, false).data;
  REQUIRE(line != nullptr);
  const u32 place = m.caches.place_of(0, Side::Data, line);
  CHECK(m.caches.lent_line(0, Side::Data, place, false) == line);
  CHECK(m.caches.lent_line(0, Side::Data, place, true) == nullptr);
  CHECK(m.caches.lent_line(1, Side::Data, place, false) == nullptr);
  CHECK(m.caches.lent_line(0, Side::Data, 1 << 20, false) == nullptr);
  CHECK(m.caches.lent_line(7, Side::Data, place, false) == nullptr);
}

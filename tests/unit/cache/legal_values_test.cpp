// tests/unit/cache/legal_values_test.cpp - the hierarchy against a plain reference that keeps every legal state of a
// byte.
#include <functional>
#include <set>

#include "tests/unit/cache/fixture.h"

using namespace farside;
using namespace farside::cache;

namespace {

/// One copy of one byte. LineDirty: the byte is clean but shares its line with a dirty one, so it may be written back.
struct ByteCopy {
  enum class Kind : u8 { Absent, Clean, LineDirty, Dirty };
  Kind kind = Kind::Absent;
  u8 value = 0;
  auto operator<=>(const ByteCopy&) const = default;
  bool present() const { return kind != Kind::Absent; }
};
using Kind = ByteCopy::Kind;

/// One possible state of a byte: first-level data caches of one coherent domain are as one, then L2, then memory.
struct World {
  ByteCopy l1, l2;
  u8 memory = 0;
  auto operator<=>(const World&) const = default;
};
using Worlds = std::set<World>;

/// What may happen to a byte without being asked. `alias`: some cacheable mapping exists, so it may be fetched.
void spontaneous(const World& w, const std::function<void(World)>& to) {
  if (!w.l1.present()) {
    World filled = w;
    if (!w.l2.present()) filled.l2 = {Kind::Clean, w.memory};
    filled.l1 = {Kind::Clean, filled.l2.value};
    to(filled);
  } else {
    World left = w;
    left.l1 = {};
    World cleaned = w;
    cleaned.l1.kind = Kind::Clean;
    const bool may_keep = w.l1.kind != Kind::Dirty, may_write = w.l1.kind != Kind::Clean;
    if (may_write) {
      left.l2 = cleaned.l2 = {Kind::Dirty, w.l1.value};
      to(left), to(cleaned);
    }
    if (may_keep) {
      left.l2 = cleaned.l2 = w.l2;
      const bool by_neighbour = w.l1.kind == Kind::LineDirty;
      if (by_neighbour) left.l2 = cleaned.l2 = {Kind::LineDirty, w.l2.present() ? w.l2.value : w.l1.value};
      to(left), to(cleaned);
    }
  }
  if (w.l2.present()) {
    World left = w;
    left.l2 = {};
    World cleaned = w;
    cleaned.l2.kind = Kind::Clean;
    if (w.l2.kind != Kind::Dirty) to(left), to(cleaned);
    if (w.l2.kind != Kind::Clean) {
      left.memory = cleaned.memory = w.l2.value;
      to(left), to(cleaned);
    }
  }
}

Worlds closure(Worlds worlds) {
  std::vector<World> work(worlds.begin(), worlds.end());
  while (!work.empty()) {
    const World w = work.back();
    work.pop_back();
    spontaneous(w, [&](World next) {
      if (worlds.insert(next).second) work.push_back(next);
    });
  }
  return worlds;
}

/// The two bytes of the test lie in one line; each has its own set of worlds.
class Reference {
 public:
  Reference() {
    for (Worlds& worlds : bytes_) worlds = closure({World{}});
  }
  std::set<u8> cached_values(unsigned byte) const {
    return values(
        byte, [](const World& w) { return w.l1.present() ? w.l1.value : w.memory; },
        [](const World& w) { return w.l1.present(); });
  }
  std::set<u8> memory_values(unsigned byte) const {
    return values(
        byte, [](const World& w) { return w.memory; }, [](const World&) { return true; });
  }
  void saw_cached(unsigned byte, u8 value) {
    keep(byte, [&](const World& w) { return w.l1.present() && w.l1.value == value; });
    other(byte, [](World& w) { return w.l1.present(); });
  }
  void saw_memory(unsigned byte, u8 value) {
    keep(byte, [&](const World& w) { return w.memory == value; });
  }
  void store_cached(unsigned byte, u8 value) {
    keep(byte, [&](const World& w) { return w.l1.present(); });
    change(byte, [&](World& w) { w.l1 = {Kind::Dirty, value}; });
    other(byte, [](World& w) {
      if (w.l1.kind == Kind::Clean) w.l1.kind = Kind::LineDirty;
      return w.l1.present();
    });
  }
  void store_memory(unsigned byte, u8 value) {
    change(byte, [&](World& w) { w.memory = value; });
  }
  void maintain(Action action) {
    for (unsigned byte = 0; byte < 2; ++byte) {
      if (action == Action::Invalidate) {
        change(byte, [](World& w) { w.l1 = w.l2 = {}; });
        continue;
      }
      keep(byte, [](const World& w) { return is_clean(w.l1) && is_clean(w.l2); });
      if (action == Action::CleanInvalidate) change(byte, [](World& w) { w.l1 = w.l2 = {}; });
    }
  }

 private:
  static bool is_clean(const ByteCopy& copy) { return copy.kind == Kind::Absent || copy.kind == Kind::Clean; }
  template <class Value, class If>
  std::set<u8> values(unsigned byte, Value value, If condition) const {
    std::set<u8> out;
    for (const World& w : bytes_[byte]) {
      if (condition(w)) out.insert(value(w));
    }
    return out;
  }
  template <class If>
  void keep(unsigned byte, If condition) {
    std::erase_if(bytes_[byte], [&](const World& w) { return !condition(w); });
    bytes_[byte] = closure(bytes_[byte]);
  }
  template <class Change>
  void change(unsigned byte, Change apply) {
    Worlds out;
    for (World w : bytes_[byte]) apply(w), out.insert(w);
    bytes_[byte] = closure(out);
  }
  /// The line was brought in for the sake of `byte`: so was the other one.
  template <class Change>
  void other(unsigned byte, Change apply) {
    Worlds out;
    for (World w : bytes_[byte ^ 1]) {
      if (apply(w)) out.insert(w);
    }
    bytes_[byte ^ 1] = closure(out);
  }
  Worlds bytes_[2];
};

struct Op {
  enum Code : u8 { CachedStore, CachedLoad, MemoryStore, MemoryLoad, Clean, Invalidate, CleanInvalidate } code;
  u8 byte = 0, value = 0;
};

/// So small that random evictions find the line.
Config minute() { return *parse_config("l1i 128 2\nl1d 128 2\nl2 256 2\n", "minute"); }

/// Runs the program on model and reference; what each load returned. Checks that nothing illegal was returned.
class Pair {
 public:
  Pair(const Knobs& knobs, u64 seed) : chance_(seed, "test"), m_(knobs, minute(), seed) {}
  std::vector<u8> run(std::span<const Op> ops, std::vector<std::set<u8>>* legal = nullptr) {
    std::vector<u8> loads;
    for (const Op& op : ops) {
      unasked();
      step(op, loads, legal);
    }
    return loads;
  }

 private:
  void unasked() {
    for (u64 i = chance_.below(4); i > 0; --i) {
      const auto core = static_cast<unsigned>(chance_.below(3));
      switch (chance_.below(4)) {
        case 0: m_.caches.speculative_fill(core, kX); break;
        case 1: m_.caches.evict_line(kX); break;
        case 2: m_.cvau(kX, core); break;  // as a write-back from L1 to L2, which silicon may do any time
        default:
          for (u64 n = chance_.below(60); n > 0; --n) m_.caches.speculate(core, 1 + chance_.below(5000));
      }
    }
  }
  void step(const Op& op, std::vector<u8>& loads, std::vector<std::set<u8>>* legal) {
    const auto core = static_cast<u32>(chance_.below(3));
    const Pa pa = kX + op.byte * 9;
    const bool cached = op.code == Op::CachedStore || op.code == Op::CachedLoad;
    const AccessInfo info = m_.by(cached ? kWb : kNc, 0, core);
    u8 value = op.value;
    switch (op.code) {
      case Op::CachedStore:
        lend_or_write(info, pa, value);
        reference_.store_cached(op.byte, value);
        break;
      case Op::MemoryStore:
        REQUIRE(m_.caches.write(info, pa, {&value, 1}));
        reference_.store_memory(op.byte, value);
        break;
      case Op::CachedLoad:
      case Op::MemoryLoad: {
        REQUIRE(m_.caches.read(info, pa, {&value, 1}));
        const std::set<u8> allowed = cached ? reference_.cached_values(op.byte) : reference_.memory_values(op.byte);
        REQUIRE(allowed.contains(value));
        if (legal != nullptr) legal->push_back(allowed);
        loads.push_back(value);
        cached ? reference_.saw_cached(op.byte, value) : reference_.saw_memory(op.byte, value);
        break;
      }
      default: {
        const Action action = op.code == Op::Clean        ? Action::Clean
                              : op.code == Op::Invalidate ? Action::Invalidate
                                                          : Action::CleanInvalidate;
        m_.dc(action, Point::PoC, kX, core);
        m_.dsb(core);
        reference_.maintain(action);
      }
    }
  }
  void lend_or_write(const AccessInfo& info, Pa pa, u8 value) {
    const LinePointer pointer = chance_.one_in(2) ? m_.caches.line_pointer(info, pa, true) : LinePointer{};
    if (pointer.data != nullptr) {
      REQUIRE(pointer.writable);
      pointer.data[pa.offset_in(64)] = value;
    } else {
      REQUIRE(m_.caches.write(info, pa, {&value, 1}));
    }
  }
  Chance chance_;
  Machine m_;
  Reference reference_;
};

Knobs restless(u64 seed) {
  return knobs_of("model", {seed % 2 == 0 ? "wb_granule=line" : "wb_granule=bytes", "spec_fill=any", "spec_period=500",
                            "evict_period=200", "fetch_ahead=0"});
}

std::vector<Op> random_program(u64 seed) {
  Chance chance(seed, "program");
  std::vector<Op> ops;
  for (u8 i = 0; i < 14; ++i) {
    ops.push_back(
        {static_cast<Op::Code>(chance.below(7)), static_cast<u8>(chance.below(2)), static_cast<u8>(i % 3 + 1)});
  }
  return ops;
}

}  // namespace

TEST_CASE("random programs: no load returns a value outside the legal set") {
  for (u64 seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    Pair(restless(seed), seed).run(random_program(seed));
  }
}

TEST_CASE("random programs are legal under the adversary too") {
  for (u64 seed = 0; seed < 2000; ++seed) {
    INFO("seed " << seed);
    Pair(knobs_of("adversarial", {"spec_period=500", "evict_period=200"}), seed).run(random_program(seed));
  }
}

TEST_CASE("every legal value of the last load is reached under some seed") {
  const std::vector<std::vector<Op>> programs = {
      {{Op::CachedStore, 0, 1}, {Op::MemoryLoad, 0}},
      {{Op::MemoryStore, 0, 1}, {Op::CachedLoad, 0}},
      {{Op::CachedLoad, 0}, {Op::MemoryStore, 0, 1}, {Op::CachedLoad, 0}},
      {{Op::CachedStore, 0, 1}, {Op::MemoryStore, 0, 2}, {Op::MemoryLoad, 0}},
      {{Op::CachedStore, 0, 1}, {Op::MemoryStore, 0, 2}, {Op::CachedLoad, 0}},
      {{Op::CachedStore, 1, 1}, {Op::MemoryStore, 0, 2}, {Op::MemoryLoad, 0}},
      {{Op::CachedStore, 0, 1}, {Op::CachedStore, 0, 2}, {Op::Invalidate}, {Op::CachedLoad, 0}},
      {{Op::CachedStore, 0, 1}, {Op::Clean}, {Op::MemoryLoad, 0}},
      {{Op::CachedStore, 0, 1}, {Op::CleanInvalidate}, {Op::MemoryStore, 0, 2}, {Op::MemoryLoad, 0}},
      {{Op::CachedStore, 0, 1}, {Op::CachedStore, 0, 2}, {Op::MemoryStore, 0, 3}, {Op::MemoryLoad, 0}},
  };
  for (usize i = 0; i < programs.size(); ++i) {
    std::set<u8> seen, legal;
    for (u64 seed = 0; seed < 400; ++seed) {
      std::vector<std::set<u8>> allowed;
      seen.insert(Pair(restless(seed), seed).run(programs[i], &allowed).back());
      legal.insert(allowed.back().begin(), allowed.back().end());
    }
    INFO("program " << i);
    CHECK(seen == legal);
  }
}

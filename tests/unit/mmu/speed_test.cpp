// tests/unit/mmu/speed_test.cpp - how long translations take; run with `unit_mmu [.speed]`.
#include <cstdio>
#include <ctime>

#include "fake.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

namespace {

/// Descriptors in one flat array: what a port over RAM costs. Each 4 GiB of addresses gets 2 MiB of it.
class FlatMemory : public DescriptorPort {
 public:
  static u64 index(u64 address) { return (address / 8 + (address >> 32 << 18)) & ones(22); }
  std::optional<u64> read(Pa pa, const MemAttr&) override { return words[index(pa.value)]; }
  SwapOutcome compare_exchange(Pa, const MemAttr&, u64, u64) override { return SwapOutcome::Unsupported; }
  std::vector<u64> words = std::vector<u64>(1u << 22);
};

/// CPU time of this thread, so that a busy machine does not count.
double now_ns() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

template <class Work>
void measure(const char* what, unsigned count, const Work& work) {
  double best = 1e18;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double start = now_ns();
    for (unsigned i = 0; i < count; ++i) work(i);
    best = std::min(best, (now_ns() - start) / count);
  }
  std::printf("%-40s %8.1f ns\n", what, best);
}

}  // namespace

TEST_CASE("translation speed", "[.speed]") {
  Nested nested;
  Single single;
  for (u64 page = 0; page < 512; ++page) {
    nested.s1.map(0x4000'0000 + page * 4096, 0x4000'0000 + page * 4096, 3, kS1);
    nested.s2.map(0x4000'0000 + page * 4096, 0x8000'0000 + page * 4096, 3, kS2);
    single.s1.map(0x4000'0000 + page * 4096, 0x4000'0000 + page * 4096, 3, kS1);
  }
  // The same tables in a flat array: the map of FakeMemory would be all that is measured.
  const auto flatten = [](const FakeMemory& from, FlatMemory& to) {
    for (const auto& [address, word] : from.words) to.words[FlatMemory::index(address)] = word;
  };
  FlatMemory one, two;
  flatten(single.memory, one);
  flatten(nested.memory, two);
  const TlbiOp all = *decode_tlbi(4, 8, 7, 4, 0, {.el = El::EL2, .features = all_features()});
  u64 sum = 0;
  const auto run = [&](Regime& regime, FlatMemory& port, Tlb& tlb, unsigned page) {
    const auto got = translate(regime, Va{0x4000'0000 + page * 4096}, Access{}, port, tlb);
    if (!got.ok()) FAIL("fault");
    sum += got->pa.value;
  };
  measure("stage-1 hit, 512 pages", 1'000'000, [&](unsigned i) { run(single.regime, one, single.tlb, i & 511); });
  measure("combined hit, 512 pages", 1'000'000, [&](unsigned i) { run(nested.regime, two, nested.tlb, i & 511); });
  measure("combined hit, one page", 1'000'000, [&](unsigned) { run(nested.regime, two, nested.tlb, 0); });
  u16 asid = 0;
  measure("stage-1 miss, 4 levels", 300'000, [&](unsigned i) {
    single.regime.config = static_cast<u16>(0x8000 | ++asid);  // no entry has this: every access walks
    run(single.regime, one, single.tlb, i & 511);
  });
  measure("combined miss, stage-2 entries hit", 300'000, [&](unsigned i) {
    nested.regime.config = static_cast<u16>(0x8000 | ++asid);
    run(nested.regime, two, nested.tlb, i & 511);
  });
  measure("TLBI ALLE1 of full TLB, and one refill", 3'000, [&](unsigned i) {
    nested.tlb.invalidate(all);
    run(nested.regime, two, nested.tlb, i & 511);
  });
  nested.regime.config = 3;
  for (unsigned page = 0; page < 512; ++page) run(nested.regime, two, nested.tlb, page);
  const TlbiOp page = *decode_tlbi(0, 8, 7, 3, 0x7000'0000 >> 12, {.vmid = 7, .features = all_features()});
  measure("TLBI VAAE1, nothing there", 1'000'000, [&](unsigned) { sum += nested.tlb.invalidate(page); });
  std::printf("(sum %llx)\n", static_cast<unsigned long long>(sum));
}

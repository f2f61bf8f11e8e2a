// tests/unit/fp/host_test.cpp - the library against the host FPU: all rounding modes, results and flags.
#include <fmt/format.h>

#include "core/isa/fp/arith.h"
#include "core/isa/fp/compare.h"
#include "core/isa/fp/convert.h"
#include "tests/unit/catch.h"
#include "tests/unit/fp/host_oracle.h"
#include "tests/unit/fp/operands.h"

using namespace farside;
using namespace farside::fp;
using namespace farside::fp::test;

namespace {

constexpr HostOp kArithmetic[] = {HostOp::Add,  HostOp::Sub, HostOp::Mul, HostOp::Div,
                                  HostOp::Sqrt, HostOp::Fma, HostOp::Rint};

template <Bits T>
T ours(HostOp op, FpEnv& env, T a, T b, T c) {
  switch (op) {
    case HostOp::Add: return add(env, a, b);
    case HostOp::Sub: return sub(env, a, b);
    case HostOp::Mul: return mul(env, a, b);
    case HostOp::Div: return div(env, a, b);
    case HostOp::Sqrt: return fp::sqrt(env, a);
    case HostOp::Fma: return mul_add(env, c, a, b);
    default: return round_int(env, a, rounding(env), true);
  }
}

/// The host finds results tiny after rounding and Arm before, so a result on the border tells nothing about UFC.
template <Bits T>
u64 comparable_flags(T result) {
  const u64 all = Fpsr::IOC.mask | Fpsr::DZC.mask | Fpsr::OFC.mask | Fpsr::UFC.mask | Fpsr::IXC.mask;
  return magnitude(result) == (T{1} << Format<T>::frac_bits) ? all & ~Fpsr::UFC.mask : all;
}

template <Bits T>
void check_against_host(Random& random, u64 cases) {
  for (u64 i = 0; i < cases; ++i) {
    const HostOp op = kArithmetic[random.below(std::size(kArithmetic))];
    const Rounding mode = static_cast<Rounding>(random.below(4));
    const T a = operand<T>(random), b = operand<T>(random), c = operand<T>(random);
    const u64 already = random.next() & Fpsr::IXC.mask;  // both ways through the host's arithmetic
    FpEnv env{Fpcr{}.with(Fpcr::RMode, mode), Fpsr::of(already)};
    const T got = ours<T>(op, env, a, b, c);
    const HostResult want = host_compute(op, sizeof(T) == 4, mode, a, b, c);
    const u64 flags = comparable_flags<T>(got);
    const bool same = is_nan(got) ? is_nan(static_cast<T>(want.bits)) : got == want.bits;
    // 0 * inf + quiet NaN is invalid for Arm but not for x86. NaN payloads are Arm's own and tested elsewhere.
    if (op == HostOp::Fma && is_nan(c)) continue;
    if (same && ((env.fpsr.raw ^ (want.flags | already)) & flags) == 0) continue;
    FAIL(fmt::format("op {} mode {} a={:x} b={:x} c={:x}: {:x} fpsr {:x}, host {:x} flags {:x}", static_cast<int>(op),
                     static_cast<int>(mode), a, b, c, got, env.fpsr.raw, want.bits, want.flags | already));
  }
}

}  // namespace

TEST_CASE("arithmetic agrees with the host in every rounding mode") {
  const u64 seed = setting("FARSIDE_FP_SEED", 1), cases = setting("FARSIDE_FP_CASES", 200'000);
  INFO("FARSIDE_FP_SEED=" << seed);
  Random random(seed);
  check_against_host<u32>(random, cases);
  check_against_host<u64>(random, cases);
}

TEST_CASE("narrowing agrees with the host in every rounding mode") {
  const u64 seed = setting("FARSIDE_FP_SEED", 2), cases = setting("FARSIDE_FP_CASES", 100'000);
  Random random(seed);
  for (u64 i = 0; i < cases; ++i) {
    u64 a = operand<u64>(random);
    if (random.below(2))
      a = with_bits(a, 62, 52, 1023 - 152 + random.below(284));  // the range of singles and its borders
    const Rounding mode = static_cast<Rounding>(random.below(4));
    FpEnv env{Fpcr{}.with(Fpcr::RMode, mode), {}};
    const u32 got = convert<u32>(env, a);
    const HostResult want = host_compute(HostOp::Narrow, false, mode, a, 0, 0);
    INFO(fmt::format("seed {} mode {} a={:x}: {:x} fpsr {:x}, host {:x} flags {:x}", seed, static_cast<int>(mode), a,
                     got, env.fpsr.raw, want.bits, want.flags));
    const bool same = is_nan(got) ? is_nan(static_cast<u32>(want.bits)) : got == want.bits;
    if (!same || ((env.fpsr.raw ^ want.flags) & comparable_flags<u32>(got)) != 0) FAIL("differs");
  }
}

TEST_CASE("conversions from and to integers agree with the host") {
  const u64 seed = setting("FARSIDE_FP_SEED", 3), cases = setting("FARSIDE_FP_CASES", 100'000);
  Random random(seed);
  for (u64 i = 0; i < cases; ++i) {
    const Rounding mode = static_cast<Rounding>(random.below(4));
    const bool single = random.below(2);
    const u64 integer = random.next() >> random.below(64);
    FpEnv env{Fpcr{}.with(Fpcr::RMode, mode), {}};
    const bool is_unsigned = random.below(2);
    const HostResult from = host_compute(is_unsigned ? HostOp::FromU64 : HostOp::FromI64, single, mode, integer, 0, 0);
    const u64 got = single ? from_fixed<u32>(env, integer, 0, is_unsigned, mode)
                           : from_fixed<u64>(env, integer, 0, is_unsigned, mode);
    INFO(fmt::format("seed {} integer {:x} unsigned {} single {} mode {}", seed, integer, is_unsigned, single,
                     static_cast<int>(mode)));
    // The host's unsigned conversion is a sequence whose flags are its own.
    if (got != from.bits || (!is_unsigned && env.fpsr.raw != from.flags))
      FAIL(fmt::format("{:x} fpsr {:x}, host {:x} flags {:x}", got, env.fpsr.raw, from.bits, from.flags));

    const u64 a = single ? operand<u32>(random) : operand<u64>(random);
    env.fpsr = {};
    const u64 whole =
        single ? to_fixed(env, static_cast<u32>(a), 0, false, mode, 64) : to_fixed(env, a, 0, false, mode, 64);
    const HostResult to = host_compute(HostOp::ToI64, single, mode, a, 0, 0);
    const bool invalid_there = to.flags & Fpsr::IOC.mask;  // the host's result is then not Arm's
    if (env.fpsr.raw != to.flags || (!invalid_there && whole != to.bits))
      FAIL(fmt::format("to integer a={:x}: {:x} fpsr {:x}, host {:x} flags {:x}", a, whole, env.fpsr.raw, to.bits,
                       to.flags));
  }
}

TEST_CASE("the quick way through the host equals exact significands") {
  const u64 seed = setting("FARSIDE_FP_SEED", 4), cases = setting("FARSIDE_FP_CASES", 200'000);
  Random random(seed);
  const auto differ = [&]<class T>(T, HostOp op, T a, T b, T c, u64 fpcr, u64 fpsr) {
    FpEnv quick{Fpcr::of(fpcr), Fpsr::of(fpsr)}, slow = quick;
    const T got = ours<T>(op, quick, a, b, c);
    T want{};
    switch (op) {
      case HostOp::Add: want = exact::add(slow, a, b, false); break;
      case HostOp::Sub: want = exact::add(slow, a, b, true); break;
      case HostOp::Mul: want = exact::mul(slow, a, b); break;
      case HostOp::Div: want = exact::div(slow, a, b); break;
      case HostOp::Sqrt: want = exact::sqrt(slow, a); break;
      case HostOp::Fma: want = exact::mul_add(slow, c, a, b); break;
      default: return;
    }
    if (got == want && quick.fpsr == slow.fpsr) return;
    FAIL(fmt::format("seed {} op {} a={:x} b={:x} c={:x} fpcr {:x}: {:x} {:x}, exact {:x} {:x}", seed,
                     static_cast<int>(op), a, b, c, fpcr, got, quick.fpsr.raw, want, slow.fpsr.raw));
  };
  for (u64 i = 0; i < cases; ++i) {
    const HostOp op = kArithmetic[random.below(6)];
    const u64 fpcr = random.next() & (Fpcr::FZ.mask | Fpcr::DN.mask), fpsr = random.next() & Fpsr::IXC.mask;
    differ(u32{}, op, operand<u32>(random), operand<u32>(random), operand<u32>(random), fpcr, fpsr);
    differ(u64{}, op, operand<u64>(random), operand<u64>(random), operand<u64>(random), fpcr, fpsr);
  }
}

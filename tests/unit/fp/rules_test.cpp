// tests/unit/fp/rules_test.cpp - the rules that make Arm's floating point Arm's, one by one.
#include "core/isa/fp/arith.h"
#include "core/isa/fp/compare.h"
#include "core/isa/fp/convert.h"
#include "core/isa/fp/estimate.h"
#include "tests/unit/catch.h"
#include "tests/unit/fp/test_exec.h"

using namespace farside;
using namespace farside::fp;
using namespace farside::fp::test;

namespace {

constexpr u64 kIoc = Fpsr::IOC.mask, kDzc = Fpsr::DZC.mask, kOfc = Fpsr::OFC.mask, kUfc = Fpsr::UFC.mask;
constexpr u64 kIxc = Fpsr::IXC.mask, kIdc = Fpsr::IDC.mask;
constexpr u32 kOne = 0x3f800000, kInf = 0x7f800000, kQnan = 0x7fc00000;
constexpr u32 kMinNormal = 0x00800000, kMinDenormal = 0x00000001;

/// An environment with FPCR's named bits, and the flags that a computation raised.
struct Env : FpEnv {
  explicit Env(u64 fpcr_bits = 0, Rounding mode = Rounding::TieEven) {
    fpcr = Fpcr::of(fpcr_bits).with(Fpcr::RMode, mode);
  }
  u64 take_flags() {
    const u64 flags = fpsr.raw;
    fpsr.raw = 0;
    return flags;
  }
};

}  // namespace

TEST_CASE("NaNs: signalling before quiet, then in operand order, made quiet") {
  Env env;
  const u32 q1 = 0x7fc00001, q2 = 0xffc00002, s1 = 0x7f800003, s2 = 0xff800004;
  REQUIRE(add(env, q1, q2) == q1);
  REQUIRE(add(env, q2, q1) == q2);
  REQUIRE(env.take_flags() == 0);
  REQUIRE(add(env, q1, s2) == (s2 | 0x400000));
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(mul(env, s1, s2) == (s1 | 0x400000));
  REQUIRE(mul_add(env, q1, kOne, s2) == (s2 | 0x400000));  // the addend is first among equals only
  REQUIRE(mul_add(env, q1, q2, kOne) == q1);
  env.fpcr = env.fpcr.with(Fpcr::DN, true);
  REQUIRE(add(env, q2, q1) == kQnan);
}

TEST_CASE("a subtraction does not negate the NaN that it passes on, FNMUL and FMSUB do") {
  Env env;
  const u32 nan = 0x7fc12345;
  REQUIRE(sub(env, kOne, nan) == nan);
  REQUIRE(neg_mul(env, nan, kOne) == (nan | 0x80000000));
  REQUIRE(mul_sub(env, kOne, nan, kOne) == (nan | 0x80000000));
  REQUIRE(abs_diff(env, kOne, nan | 0x80000000) == nan);
  REQUIRE(neg_mul(env, kInf, u32{0}) == 0xffc00000);  // even the default NaN
}

TEST_CASE("infinity times zero plus a quiet NaN is invalid and gives the default NaN") {
  Env env;
  REQUIRE(mul_add(env, u32{0x7fc00055}, kInf, u32{0}) == kQnan);
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(mul_add(env, u32{0x7f800055}, kInf, u32{0}) == 0x7fc00055);  // a signalling addend wins
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(mul_add(env, kInf, kInf, u32{0xbf800000}) == kQnan);
  REQUIRE(env.take_flags() == kIoc);
}

TEST_CASE("an exact zero sum is negative only towards minus infinity") {
  for (Rounding mode : {Rounding::TieEven, Rounding::PlusInf, Rounding::MinusInf, Rounding::Zero}) {
    Env env(0, mode);
    const u64 expected = mode == Rounding::MinusInf ? u64{1} << 63 : 0, one = 0x3ff0000000000000;
    REQUIRE(sub(env, one, one) == expected);
    REQUIRE(mul_add(env, one, one, neg(one)) == expected);
    REQUIRE(add(env, zero<u64>(true), zero<u64>(true)) == zero<u64>(true));
    REQUIRE(env.take_flags() == 0);
  }
}

TEST_CASE("underflow is judged before rounding") {
  Env env;
  REQUIRE(mul(env, u32{0x3f800001}, u32{0x007ffffe}) == 0x007fffff);
  REQUIRE(env.take_flags() == (kUfc | kIxc));
  // (1 - 2^-24) * 2^-126 rounds up to the least normal number: tiny all the same.
  REQUIRE(mul(env, u32{0x3f7fffff}, kMinNormal) == kMinNormal);
  REQUIRE(env.take_flags() == (kUfc | kIxc));
  REQUIRE(mul(env, u32{0x3f000000}, kMinNormal) == 0x00400000);  // exact: a denormal result without underflow
  REQUIRE(env.take_flags() == 0);
}

TEST_CASE("overflow goes to infinity or to the largest number as the mode says") {
  const u32 big = 0x7f7fffff, two = 0x40000000;
  const auto doubled = [&](Rounding mode, u32 v) {
    Env env(0, mode);
    const u32 result = mul(env, v, two);
    REQUIRE(env.take_flags() == (kOfc | kIxc));
    return result;
  };
  REQUIRE(doubled(Rounding::TieEven, big) == kInf);
  REQUIRE(doubled(Rounding::PlusInf, big) == kInf);
  REQUIRE(doubled(Rounding::PlusInf, neg(big)) == neg(big));
  REQUIRE(doubled(Rounding::MinusInf, big) == big);
  REQUIRE(doubled(Rounding::MinusInf, neg(big)) == neg(kInf));
  REQUIRE(doubled(Rounding::Zero, big) == big);
}

TEST_CASE("FZ flushes inputs with IDC and tiny results with UFC but without IXC") {
  Env env(Fpcr::FZ.mask);
  REQUIRE(add(env, kMinDenormal, kOne) == kOne);
  REQUIRE(env.take_flags() == kIdc);
  REQUIRE(mul(env, neg(kMinNormal), u32{0x3f000000}) == zero<u32>(true));
  REQUIRE(env.take_flags() == kUfc);
  REQUIRE(mul(env, u32{0x3f7fffff}, kMinNormal) == 0);  // would have rounded to the least normal number
  REQUIRE(env.take_flags() == kUfc);
  REQUIRE(compare(env, kMinDenormal, u32{0}, false) == u64{0b0110} << 28);
  REQUIRE(env.take_flags() == kIdc);
  REQUIRE(add(env, u16{1}, u16{1}) == 2);  // FZ leaves half precision alone
  REQUIRE(env.take_flags() == 0);
}

TEST_CASE("FZ16 flushes half precision, inputs without any flag, conversions not at all") {
  Env env(Fpcr::FZ16.mask);
  REQUIRE(add(env, u16{1}, u16{0x3c00}) == 0x3c00);
  REQUIRE(env.take_flags() == 0);
  REQUIRE(mul(env, u16{0x0400}, u16{0x3800}) == 0);
  REQUIRE(env.take_flags() == kUfc);
  REQUIRE(convert<u32>(env, u16{1}) == 0x33800000);
  REQUIRE(convert<u16>(env, u32{0x33800000}) == 1);
  REQUIRE(env.take_flags() == 0);
  REQUIRE(add(env, kMinDenormal, kMinDenormal) == 2);
}

TEST_CASE("the alternative half format has numbers where IEEE has infinities and NaNs") {
  Env env(Fpcr::AHP.mask);
  REQUIRE(convert<u32>(env, u16{0x7c00}) == 0x47800000);  // 65536
  REQUIRE(convert<u32>(env, u16{0xffff}) == 0xc7ffe000);  // -131008
  REQUIRE(env.take_flags() == 0);
  REQUIRE(convert<u16>(env, u32{0x47ffe000}) == 0x7fff);
  REQUIRE(env.take_flags() == 0);
  REQUIRE(convert<u16>(env, u32{0x48000000}) == 0x7fff);  // too large: invalid, not overflow
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(convert<u16>(env, kInf) == 0x7fff);
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(convert<u16>(env, u32{0xffc00000}) == 0x8000);  // a NaN becomes zero
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(is_infinity(add(env, u16{0x7bff}, u16{0x7bff})));  // arithmetic never sees AHP
}

TEST_CASE("conversions between formats keep the top of a NaN's payload") {
  Env env;
  REQUIRE(convert<u64>(env, u32{0xffa00001}) == 0xfffc000020000000);
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(convert<u16>(env, u32{0x7fffe000}) == 0x7fff);
  REQUIRE(convert<u32>(env, u64{0x7ff8000000000001}) == kQnan);
  REQUIRE(env.take_flags() == 0);
}

TEST_CASE("round to odd leaves a trace of every inexact bit") {
  Env env;
  REQUIRE(convert<u32>(env, u64{0x3ff0000000000001}, Rounding::Odd) == 0x3f800001);
  REQUIRE(convert<u32>(env, u64{0x3ff0000030000000}, Rounding::Odd) == 0x3f800001);
  REQUIRE(env.take_flags() == kIxc);
  REQUIRE(convert<u32>(env, u64{0x47f0000000000000}, Rounding::Odd) == 0x7f7fffff);  // 2^128
  REQUIRE(env.take_flags() == (kOfc | kIxc));
  REQUIRE(convert<u32>(env, u64{1}, Rounding::Odd) == 1);
  REQUIRE(env.take_flags() == (kUfc | kIxc));
}

TEST_CASE("conversions to integers saturate with IOC and never also raise IXC") {
  Env env;
  const u64 big = 0x43f0000000000000;  // 2^64
  REQUIRE(to_fixed(env, big, 0, true, Rounding::Zero, 64) == ~u64{0});
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(to_fixed(env, neg(big), 0, false, Rounding::Zero, 32) == 0x80000000);
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(to_fixed(env, u64{0xbfe0000000000000}, 0, true, Rounding::Zero, 64) == 0);  // -0.5 rounds to zero
  REQUIRE(env.take_flags() == kIxc);
  REQUIRE(to_fixed(env, u64{0xbfe0000000000000}, 0, true, Rounding::MinusInf, 64) == 0);  // -0.5 rounds to -1
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(to_fixed(env, u64{0x41dfffffffe00000}, 0, false, Rounding::TieEven, 32) == 0x7fffffff);  // 2^31 - 0.5 ties up
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(to_fixed(env, default_nan<u64>(), 0, false, Rounding::Zero, 64) == 0);
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(to_fixed(env, u64{0x4004000000000000}, 0, false, Rounding::TieEven, 64) == 2);
  REQUIRE(to_fixed(env, u64{0x4004000000000000}, 0, false, Rounding::TieAway, 64) == 3);
  REQUIRE(to_fixed(env, u64{0x3fe0000000000000}, 4, false, Rounding::Zero, 64) == 8);
}

TEST_CASE("FRINTX alone among FRINT* reports inexact; the sign of zero survives") {
  Env env;
  const u32 minus_tenth = 0xbdcccccd;
  REQUIRE(round_int(env, minus_tenth, Rounding::TieEven, false) == 0x80000000);
  REQUIRE(env.take_flags() == 0);
  REQUIRE(round_int(env, minus_tenth, Rounding::TieEven, true) == 0x80000000);
  REQUIRE(env.take_flags() == kIxc);
  REQUIRE(round_int(env, minus_tenth, Rounding::MinusInf, false) == 0xbf800000);
  REQUIRE(round_int_n(env, u32{0x4f000000}, Rounding::Zero, 32) == 0xcf000000);  // 2^31 does not fit
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(round_int_n(env, u32{0xcf000000}, Rounding::Zero, 32) == 0xcf000000);
  REQUIRE(env.take_flags() == 0);
}

TEST_CASE("FJCVTZS wraps modulo 2^32 and its flag says whether JavaScript would call it exact") {
  Env env;
  constexpr u64 exact = u64{1} << 32;
  REQUIRE(to_int_js(env, 0x4059000000000000) == (exact | 100));
  REQUIRE(to_int_js(env, 0x41f0000000100000) == 1);  // 2^32 + 1
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(to_int_js(env, 0xc1f0000000100000) == 0xffffffff);
  REQUIRE(to_int_js(env, 0x8000000000000000) == 0);  // -0
  env.take_flags();
  REQUIRE(to_int_js(env, 0x3fe0000000000000) == 0);
  REQUIRE(env.take_flags() == kIxc);
  REQUIRE(to_int_js(env, 0x4350000000000001) == 4);                     // 2^54 + 4
  REQUIRE(to_int_js(env, 0x4530000000000001) == 0);                     // 2^84 + 2^32
  REQUIRE(to_int_js(env, 0xc1e0000000000000) == (exact | 0x80000000));  // -2^31
  env.fpcr = env.fpcr.with(Fpcr::FZ, true);
  env.take_flags();
  REQUIRE(to_int_js(env, 1) == 0);  // flushed: not exact
  REQUIRE(env.take_flags() == kIdc);
}

TEST_CASE("maximum and minimum order the zeros; the Num forms prefer numbers to quiet NaNs") {
  Env env;
  const u32 plus = 0, minus = 0x80000000;
  REQUIRE(fp::max(env, minus, plus) == plus);
  REQUIRE(fp::max(env, plus, minus) == plus);
  REQUIRE(fp::min(env, plus, minus) == minus);
  REQUIRE(fp::max(env, kOne, kQnan) == kQnan);
  REQUIRE(max_num(env, kOne, kQnan) == kOne);
  REQUIRE(min_num(env, kQnan, neg(kInf)) == neg(kInf));
  REQUIRE(env.take_flags() == 0);
  REQUIRE(max_num(env, kOne, u32{0x7f800001}) == 0x7fc00001);  // a signalling NaN still wins
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(max_num(env, u32{0x7fc00007}, u32{0x7fc00008}) == 0x7fc00007);
}

TEST_CASE("comparisons: FCMP minds signalling NaNs, FCMPE, FCMGE and FCMGT any") {
  Env env;
  constexpr u64 unordered = u64{0b0011} << 28;
  REQUIRE(compare(env, kOne, kQnan, false) == unordered);
  REQUIRE(compare_eq(env, kQnan, kQnan) == 0);
  REQUIRE(env.take_flags() == 0);
  REQUIRE(compare(env, kOne, kQnan, true) == unordered);
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(compare_ge(env, kQnan, kOne) == 0);
  REQUIRE(env.take_flags() == kIoc);
  REQUIRE(compare(env, neg(kOne), kOne, false) == u64{0b1000} << 28);
  REQUIRE(compare(env, kOne, neg(kInf), false) == u64{0b0010} << 28);
  REQUIRE(compare(env, u32{0}, u32{0x80000000}, false) == u64{0b0110} << 28);
  REQUIRE(compare_abs_gt(env, u32{0xc0000000}, kOne) == ~u32{0});
}

TEST_CASE("estimates: 8 bits, powers of two give the largest value below") {
  Env env;
  REQUIRE(recip_estimate(env, kOne) == 0x3f7f8000);  // 0.998
  REQUIRE(rsqrt_estimate(env, kOne) == 0x3f7f8000);
  REQUIRE(rsqrt_estimate(env, u32{0x40000000}) == 0x3f348000);  // 0.705 for 1/sqrt(2)
  REQUIRE(unsigned_recip_estimate(0x80000000) == 0xff800000);
  REQUIRE(unsigned_rsqrt_estimate(0x40000000) == 0xff800000);
  REQUIRE(unsigned_recip_estimate(0x7fffffff) == 0xffffffff);
  REQUIRE(recip_exponent(env, kOne) == 0x40000000);
  REQUIRE(recip_exponent(env, u32{0}) == 0x7f000000);
  REQUIRE(env.take_flags() == 0);
  REQUIRE(recip_estimate(env, zero<u32>(true)) == neg(kInf));
  REQUIRE(env.take_flags() == kDzc);
  REQUIRE(recip_estimate(env, u32{0x001fffff}) == kInf);
  REQUIRE(env.take_flags() == (kOfc | kIxc));
  REQUIRE(rsqrt_estimate(env, neg(kOne)) == kQnan);
  REQUIRE(env.take_flags() == kIoc);
}

TEST_CASE("estimates stay within their specified error for every table entry") {
  for (u32 a = 256; a < 512; ++a) {
    const double x = (a + 0.5) / 512, r = recip_estimate_9bit(a) / 256.0;
    REQUIRE(std::abs(r * x - 1) < 1.0 / 256);
  }
  for (u32 a = 128; a < 512; ++a) {
    const double x = (a + 0.5) / 512, r = rsqrt_estimate_9bit(a) / 256.0;
    REQUIRE(std::abs(r * std::sqrt(x) - 1) < 1.0 / 256);
  }
}

TEST_CASE("Newton steps: infinity times zero is no error, and the product is not rounded") {
  Env env;
  REQUIRE(recip_step(env, kInf, u32{0}) == 0x40000000);
  REQUIRE(rsqrt_step(env, u32{0}, neg(kInf)) == 0x3fc00000);
  REQUIRE(recip_step(env, kOne, kOne) == kOne);
  REQUIRE(rsqrt_step(env, kOne, kOne) == kOne);
  REQUIRE(env.take_flags() == 0);
  REQUIRE(mul_extended(env, neg(kInf), u32{0}) == 0xc0000000);
  REQUIRE(env.take_flags() == 0);
  // 2 - (1 + 2^-23)(1 - 2^-23) = 1 + 2^-46: with the product rounded up first this would be 1.
  Env up(0, Rounding::PlusInf);
  REQUIRE(recip_step(up, u32{0x3f800001}, u32{0x3f7ffffe}) == 0x3f800001);
  REQUIRE(up.take_flags() == kIxc);
}

TEST_CASE("instructions: traps, reserved encodings and features") {
  const Features all = all_features(), none{};
  const auto execute = [](const Features& features, u32 word, bool enabled, TestExec& x) {
    x.fp_enabled = enabled;
    const Form* form = find_form(word, features);
    return form ? form->run(x, word) : x.undefined();
  };
  constexpr u32 fadd_d = 0x1e622820, fadd_h = 0x1ee22820, fadd_reserved = 0x1ea22820, fadd_1d = 0x0e62d420;
  SECTION("a disabled unit traps before anything changes") {
    TestExec x(all);
    x.s.v[0] = {1, 2};
    REQUIRE(execute(all, fadd_d, false, x) == isa::Flow::Raise);
    REQUIRE((!x.undefined_seen && x.s.v[0] == Vec{1, 2}));
  }
  SECTION("a reserved encoding is undefined even when the unit is disabled") {
    for (u32 word : {fadd_reserved, fadd_1d}) {
      TestExec x(all);
      execute(all, word, false, x);
      REQUIRE(x.undefined_seen);
    }
  }
  SECTION("half precision needs FP16, but converting to it does not") {
    TestExec with(all), without(none), convert(none);
    REQUIRE(execute(all, fadd_h, true, with) == isa::Flow::Next);
    execute(none, fadd_h, true, without);
    REQUIRE(without.undefined_seen);
    REQUIRE(execute(none, 0x1ee24020, true, convert) == isa::Flow::Next);  // fcvt s0, h1
  }
  SECTION("a scalar result clears the rest of the register") {
    TestExec x(all);
    x.s.v[0] = {~u64{0}, ~u64{0}};
    x.s.v[1] = x.s.v[2] = {kOne | u64{kOne} << 32, 5};
    execute(all, 0x1e222820, true, x);  // fadd s0, s1, s2
    REQUIRE(x.s.v[0] == Vec{0x40000000, 0});
  }
  SECTION("FCCMP that does not compare raises nothing") {
    TestExec x(all);
    x.s.v[1] = {0x7f800001, 0};         // signalling
    execute(all, 0x1e220425, true, x);  // fccmp s1, s2, #5, eq with Z clear
    REQUIRE((x.s.nzcv == u64{5} << 28 && x.s.env.fpsr.raw == 0));
    x.s.nzcv = u64{4} << 28;
    execute(all, 0x1e220425, true, x);
    REQUIRE((x.s.nzcv == u64{3} << 28 && x.s.env.fpsr.raw == kIoc));
  }
}

TEST_CASE("no two forms of equal precision claim the same word") {
  const std::vector<Form>& all = forms();
  for (usize i = 0; i < all.size(); ++i) {
    REQUIRE(all[i].pattern.valid);
    for (usize j = i + 1; j < all.size(); ++j) {
      const isa::Pattern &a = all[i].pattern, &b = all[j].pattern;
      const bool overlap = ((a.value ^ b.value) & a.mask & b.mask) == 0;
      INFO(all[i].name << " and " << all[j].name);
      REQUIRE(!(overlap && std::popcount(a.mask) == std::popcount(b.mask)));
    }
  }
}

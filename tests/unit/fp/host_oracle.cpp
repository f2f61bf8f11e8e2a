// tests/unit/fp/host_oracle.cpp - compiled with -frounding-math, unlike everything else.
#include "tests/unit/fp/host_oracle.h"

#include <bit>
#include <cfenv>
#include <cmath>

namespace farside::fp::test {
namespace {

int host_mode(Rounding mode) {
  switch (mode) {
    case Rounding::PlusInf: return FE_UPWARD;
    case Rounding::MinusInf: return FE_DOWNWARD;
    case Rounding::Zero: return FE_TOWARDZERO;
    default: return FE_TONEAREST;
  }
}

u64 host_flags() {
  const int raised = std::fetestexcept(FE_ALL_EXCEPT);
  u64 flags = 0;
  if (raised & FE_INVALID) flags |= Fpsr::IOC.mask;
  if (raised & FE_DIVBYZERO) flags |= Fpsr::DZC.mask;
  if (raised & FE_OVERFLOW) flags |= Fpsr::OFC.mask;
  if (raised & FE_UNDERFLOW) flags |= Fpsr::UFC.mask;
  if (raised & FE_INEXACT) flags |= Fpsr::IXC.mask;
  return flags;
}

u64 to_bits(double v) { return std::bit_cast<u64>(v); }
u64 to_bits(float v) { return std::bit_cast<u32>(v); }

template <class F, class U>
u64 run(HostOp op, u64 pa, u64 pb, u64 pc) {
  volatile F a = std::bit_cast<F>(static_cast<U>(pa)), b = std::bit_cast<F>(static_cast<U>(pb));
  volatile F c = std::bit_cast<F>(static_cast<U>(pc)), r{};
  volatile u64 integer = pa;
  volatile i64 whole = 0;
  switch (op) {
    case HostOp::Add: r = a + b; break;
    case HostOp::Sub: r = a - b; break;
    case HostOp::Mul: r = a * b; break;
    case HostOp::Div: r = a / b; break;
    case HostOp::Sqrt: r = std::sqrt(static_cast<F>(a)); break;
    case HostOp::Fma: r = std::fma(static_cast<F>(a), static_cast<F>(b), static_cast<F>(c)); break;
    case HostOp::Narrow: {
      volatile double wide = std::bit_cast<double>(pa);
      volatile float narrow = static_cast<float>(wide);
      return to_bits(static_cast<float>(narrow));
    }
    case HostOp::Rint: r = std::rint(static_cast<F>(a)); break;
    case HostOp::FromI64: r = static_cast<F>(static_cast<i64>(integer)); break;
    case HostOp::FromU64: r = static_cast<F>(integer); break;
    case HostOp::FromI32: r = static_cast<F>(static_cast<i32>(integer)); break;
    case HostOp::ToI64: whole = std::llrint(static_cast<F>(a)); return static_cast<u64>(whole);
    case HostOp::ToI32: whole = std::llrint(static_cast<F>(a)); return static_cast<u32>(whole);
  }
  return to_bits(static_cast<F>(r));
}

}  // namespace

HostResult host_compute(HostOp op, bool single, Rounding mode, u64 a, u64 b, u64 c) {
  std::fenv_t saved;
  std::feholdexcept(&saved);
  std::fesetround(host_mode(mode));
  HostResult out{};
  out.bits = single ? run<float, u32>(op, a, b, c) : run<double, u64>(op, a, b, c);
  out.flags = host_flags();
  std::fesetenv(&saved);
  return out;
}

}  // namespace farside::fp::test

// core/jit/host_features.cpp - asks asmjit what the host's processor has.
#include "core/jit/host_features.h"

#include <asmjit/x86.h>

namespace farside::jit {

bool HostFeatures::has_least() {
  const auto& cpu = asmjit::CpuInfo::host().features().x86();
  return cpu.hasBMI2() && cpu.hasLZCNT();
}

HostFeatures HostFeatures::detect() {
  const auto& cpu = asmjit::CpuInfo::host().features().x86();
  return {.avx = cpu.hasAVX(),
          .avx2 = cpu.hasAVX2(),
          .fma = cpu.hasFMA(),
          .f16c = cpu.hasF16C() && cpu.hasAVX(),
          .aes = cpu.hasAESNI(),
          .pclmul = cpu.hasPCLMULQDQ(),
          .sha = cpu.hasSHA()};
}

}  // namespace farside::jit

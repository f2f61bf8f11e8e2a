// frontends/machine/reset.cpp - SYSTEM_RESET: what the VMM and the hypervisor do before the guest starts again.
#include "frontends/machine/board.h"
#include "frontends/machine/hyp_adapter.h"
#include "frontends/machine/machine.h"
#include "frontends/machine/semihosting.h"

namespace farside::machine {

/// Time and seeded streams go on, and memory keeps its contents, except where kernel, initrd and tree are put again.
Result<void, UserError> Machine::reset() {
  for (const auto& core : cores_) {
    core->powered_on = false;
    core->lines.serror = false;
    core->reset(0, hyp_ != nullptr ? El::EL2 : El::EL1);
  }
  board_->bus().reset();
  if (semihosting_ != nullptr) semihosting_->reset();
  // KVM_ARM_VCPU_INIT of every vCPU: stage 2 is unmapped, so that what the guest runs next is cleaned to the PoC.
  for (const auto& core : cores_)
    if (hyp_ != nullptr) hyp_->vm().init_vcpu(core->index());
  has_run_ = true;
  TRY_VOID(load());
  // The instruction caches begin anew with their cores; those under a hypervisor are not reset.
  if (hyp_ == nullptr) board_->renew_code(cache::ICacheInvalidateAll{});
  return {};
}

/// What an ELF file does not fill: zero already, unless the guest has been there.
void Machine::clear_ram(u64 address, u64 size) {
  if (!has_run_) return;
  const std::vector<u8> zeros(64 * 1024);
  for (u64 done = 0; done < size; done += zeros.size())
    put_into_ram(address + done, std::span(zeros).first(std::min<u64>(zeros.size(), size - done)));
}

}  // namespace farside::machine

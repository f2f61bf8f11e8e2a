// frontends/cli/guest_names.cpp - reads the guest's symbols when they are first needed and keeps looking for its
// kernel.
#include "frontends/cli/guest_names.h"

namespace farside::cli {

Result<std::unique_ptr<GuestNames>, UserError> GuestNames::create(const std::string& symbols,
                                                                  const std::string& kernel) {
  std::unique_ptr<GuestNames> names(new GuestNames(kernel));
  if (symbols.empty()) return names;
  names->symbols_ = TRY(symbols::read_symbols(symbols, "--symbols"));
  names->read_ = true;
  return names;
}

void GuestNames::serve(machine::Machine& machine) {
  machine_ = &machine;
  namer_.reset();
  machine.set_names([this](u64 pc, El el) { return name(pc, el); });
}

/// VBAR_EL1 belongs to the kernel's own vectors at most times: one core in the kernel is enough.
void GuestNames::locate() {
  for (const auto& core : machine_->cores()) {
    if (namer_->located()) return;
    if (core->el() == El::EL1) namer_->observe(core->s.sys[SysReg::VBAR_EL1], core->s.pc);
  }
}

std::string GuestNames::name(u64 pc, El el) {
  if (!read_ && !kernel_.empty()) {
    auto own = symbols::read_symbols(kernel_, "kernel");
    if (own.ok()) symbols_ = std::move(own.value());
  }
  read_ = true;
  if (!symbols_) return {};
  if (!namer_) namer_.emplace(*symbols_, machine_->image_base());
  locate();
  return namer_->name(pc, el);
}

}  // namespace farside::cli

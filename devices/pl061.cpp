// devices/pl061.cpp - behaviour of the PL061: directions, edges, levels.
#include "devices/pl061.h"

#include "core/base/bits.h"

namespace farside::dev {

using pl061::Register;

Pl061::Pl061(IrqLine irq) : irq_(std::move(irq)) { reset(); }

void Pl061::reset() {
  // The wires from outside keep their levels.
  data_ = dir_ = is_ = ibe_ = iev_ = ie_ = latched_ = afsel_ = 0;
  seen_ = levels();
  driven_ = 0;
  update();
}

void Pl061::set_input(unsigned line, bool level) {
  input_ = static_cast<u8>(with_bits(input_, line & 7, line & 7, level));
  update();
}

void Pl061::update() {
  const u8 now = levels();
  const u8 inputs = static_cast<u8>(~dir_);
  const u8 changed = (now ^ seen_) & inputs;
  const u8 edges = changed & (ibe_ | ~(now ^ iev_));  // rising where IEV is 1, falling where it is 0
  latched_ |= static_cast<u8>(edges & ~is_);
  seen_ = now;
  const u8 outputs = data_ & dir_;
  const u8 driven_before = driven_;
  driven_ = outputs;
  if (output_changed_) {
    for (unsigned line = 0; line < 8; line++) {
      if (bit(outputs ^ driven_before, line)) output_changed_(line, bit(outputs, line));
    }
  }
  irq_.set((read_register(Register::MIS, 0) & 0xff) != 0);
}

u8 Pl061::read_register(Register reg, u32 lines) const {
  const u8 high = static_cast<u8>(~(levels() ^ iev_) & is_ & ~dir_);  // level interrupts at their active level
  const u8 raw = static_cast<u8>(latched_ | high);
  switch (reg) {
    case Register::DATA: return static_cast<u8>(levels() & lines);
    case Register::DIR: return dir_;
    case Register::IS: return is_;
    case Register::IBE: return ibe_;
    case Register::IEV: return iev_;
    case Register::IE: return ie_;
    case Register::RIS: return raw;
    case Register::MIS: return raw & ie_;
    case Register::AFSEL: return afsel_;
    case Register::IC:
    case Register::ID: break;
  }
  return 0;
}

void Pl061::write_register(Register reg, u32 lines, u8 value) {
  switch (reg) {
    case Register::DATA: {
      const u8 mask = static_cast<u8>(lines & dir_);  // input lines ignore writes
      data_ = static_cast<u8>((data_ & ~mask) | (value & mask));
      break;
    }
    case Register::DIR: dir_ = value; break;
    case Register::IS: is_ = value; break;
    case Register::IBE: ibe_ = value; break;
    case Register::IEV: iev_ = value; break;
    case Register::IE: ie_ = value; break;
    case Register::IC: latched_ &= static_cast<u8>(~value); break;
    case Register::AFSEL: afsel_ = value; break;
    case Register::RIS:
    case Register::MIS:
    case Register::ID: break;
  }
  update();
}

MmioResult Pl061::read(u64 offset, unsigned size, u32) {
  const auto* row = find_register(pl061::kRegisters, offset);
  if (row == nullptr || !row->readable()) return {0};
  if (row->id == Register::ID) return {narrow(id_byte(pl061::kId, offset - row->offset), offset, size)};
  return {narrow(read_register(row->id, bits(offset, 9, 2)), offset, size)};
}

MmioResult Pl061::write(u64 offset, unsigned, u64 value, u32) {
  const auto* row = find_register(pl061::kRegisters, offset);
  if (row != nullptr && row->writable() && is_aligned(offset, 4)) {
    write_register(row->id, bits(offset, 9, 2), static_cast<u8>(value));
  }
  return {};
}

void Pl061::visit_state(StateVisitor& v) {
  for (u8* reg : {&data_, &dir_, &is_, &ibe_, &iev_, &ie_, &latched_, &afsel_, &input_, &seen_, &driven_}) {
    v.value("pl061.register", *reg);
  }
  if (v.restoring()) irq_.restore(read_register(Register::MIS, 0) != 0);
}

}  // namespace farside::dev

// devices/pl031.cpp - behaviour of the PL031: counter, match, interrupt.
#include "devices/pl031.h"

#include "core/base/bits.h"

namespace farside::dev {

using pl031::Register;

Pl031::Pl031(IrqLine irq, Seconds now) : irq_(std::move(irq)), now_(std::move(now)) { reset(); }

void Pl031::reset() {
  offset_ = match_ = load_ = imsc_ = ris_ = 0;
  match_at_ = 0;
  armed_ = 0;
  update_irq();
  if (schedule_changed_) schedule_changed_();
}

void Pl031::update() {
  if (armed_ == 0 || now_() < match_at_) return;
  ris_ |= pl031::kIntMatch;
  armed_ = 0;
  update_irq();
  if (schedule_changed_) schedule_changed_();
}

std::optional<u64> Pl031::next_match() const { return armed_ ? std::optional{match_at_} : std::nullopt; }

/// The counter meets RTCMR again in (match - counter) seconds, modulo 2^32; at once when they are equal.
void Pl031::rearm() {
  const u64 now = now_();
  match_at_ = now + static_cast<u32>(match_ - static_cast<u32>(now + offset_));
  armed_ = 1;
  if (schedule_changed_) schedule_changed_();
  update();
}

u32 Pl031::read_register(Register reg) {
  switch (reg) {
    case Register::DR: return counter();
    case Register::MR: return match_;
    case Register::LR: return load_;
    case Register::CR: return pl031::kCrStart;
    case Register::IMSC: return imsc_;
    case Register::RIS: return ris_;
    case Register::MIS: return ris_ & imsc_;
    case Register::ICR:
    case Register::ID: break;
  }
  return 0;
}

void Pl031::write_register(Register reg, u32 value) {
  switch (reg) {
    case Register::MR:
      match_ = value;
      rearm();
      break;
    case Register::LR:
      load_ = value;
      offset_ = value - static_cast<u32>(now_());
      rearm();
      break;
    case Register::IMSC: imsc_ = value & pl031::kIntMatch; break;
    case Register::ICR: ris_ = 0; break;  // any value clears, as drivers of this machine expect
    case Register::CR:                    // started already, and only a reset stops it
    case Register::DR:
    case Register::RIS:
    case Register::MIS:
    case Register::ID: break;
  }
  update_irq();
}

MmioResult Pl031::read(u64 offset, unsigned size, u32) {
  const auto* row = find_register(pl031::kRegisters, offset);
  if (row == nullptr || !row->readable()) return {0};
  if (row->id == Register::ID) return {narrow(id_byte(pl031::kId, offset - row->offset), offset, size)};
  update();
  return {narrow(read_register(row->id), offset, size)};
}

MmioResult Pl031::write(u64 offset, unsigned, u64 value, u32) {
  const auto* row = find_register(pl031::kRegisters, offset);
  if (row == nullptr || !row->writable() || !is_aligned(offset, 4)) return {};
  update();
  write_register(row->id, static_cast<u32>(value));
  return {};
}

void Pl031::visit_state(StateVisitor& v) {
  v.value("pl031.offset", offset_);
  for (u32* reg : {&match_, &load_, &imsc_, &ris_}) v.value("pl031.register", *reg);
  v.value("pl031.match_at", match_at_);
  v.value("pl031.armed", armed_);
  if (!v.restoring()) return;
  irq_.restore((ris_ & imsc_) != 0);
  if (schedule_changed_) schedule_changed_();
}

}  // namespace farside::dev

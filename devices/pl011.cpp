// devices/pl011.cpp - behaviour of the PL011: FIFO, loopback, interrupts.
#include "devices/pl011.h"

#include "core/base/bits.h"

namespace farside::dev {

using pl011::Register;

Pl011::Pl011(IrqLine irq, Sink tx) : irq_(std::move(irq)), tx_(std::move(tx)) { reset(); }

void Pl011::reset() {
  fifo_head_ = fifo_count_ = 0;
  fifo_.fill(0);
  waiting_.clear();
  rsr_ = ilpr_ = ibrd_ = fbrd_ = lcr_h_ = imsc_ = ris_ = dmacr_ = 0;
  cr_ = pl011::kCrReset;
  ifls_ = pl011::kIflsReset;
  update_irq();
}

u32 Pl011::depth() const { return lcr_h_ & pl011::kLcrhFen ? pl011::kFifoDepth : 1; }

u32 Pl011::rx_trigger() const {
  if (depth() == 1) return 1;
  // UARTIFLS.RXIFLSEL: 1/8, 1/4, 1/2, 3/4, 7/8; the rest is reserved.
  static constexpr u32 kEighths[8] = {1, 2, 4, 6, 7, 7, 7, 7};
  return pl011::kFifoDepth * kEighths[bits(ifls_, 5, 3)] / 8;
}

u32 Pl011::modem_lines() const {
  using namespace pl011;
  if ((cr_ & kCrLbe) == 0) return kFrCts | kFrDsr | kFrDcd;  // somebody is there
  u32 lines = 0;
  if (cr_ & kCrRts) lines |= kFrCts;
  if (cr_ & kCrDtr) lines |= kFrDsr;
  if (cr_ & kCrOut1) lines |= kFrDcd;
  if (cr_ & kCrOut2) lines |= kFrRi;
  return lines;
}

u32 Pl011::flags() const {
  u32 flags = modem_lines() | pl011::kFrTxfe;
  if (fifo_count_ == 0) flags |= pl011::kFrRxfe;
  if (fifo_count_ >= depth()) flags |= pl011::kFrRxff;
  return flags;
}

void Pl011::update_irq() { irq_.set((ris_ & imsc_) != 0); }

void Pl011::receive_break() { arrive(pl011::kDrBe); }

void Pl011::arrive(u16 entry) {
  waiting_.push_back(entry);
  fill_fifo();
}

void Pl011::fill_fifo() {
  while (!waiting_.empty() && fifo_count_ < depth()) {
    const u16 entry = waiting_.front();
    waiting_.pop_front();
    fifo_[(fifo_head_ + fifo_count_) % pl011::kFifoDepth] = entry;
    fifo_count_++;
    if (fifo_count_ >= rx_trigger()) ris_ |= pl011::kIntRx;
    if (entry & pl011::kDrBe) ris_ |= pl011::kIntBe;
    // No time passes on our wire, so the 32 bit periods of the receive timeout are over as soon as a character is in.
    if (depth() > 1) ris_ |= pl011::kIntRt;
  }
  update_irq();
}

u32 Pl011::read_data() {
  if (fifo_count_ == 0) return 0;
  const u16 entry = fifo_[fifo_head_];
  fifo_head_ = (fifo_head_ + 1) % pl011::kFifoDepth;
  fifo_count_--;
  rsr_ = entry >> 8;
  if (fifo_count_ < rx_trigger()) ris_ &= ~pl011::kIntRx;
  if (fifo_count_ == 0) ris_ &= ~pl011::kIntRt;
  fill_fifo();
  return entry;
}

void Pl011::drop_fifo() {
  fifo_head_ = fifo_count_ = 0;
  ris_ &= ~(pl011::kIntRx | pl011::kIntRt);
}

void Pl011::transmit(u8 byte) {
  if (cr_ & pl011::kCrLbe) {
    arrive(byte);
  } else if (tx_) {
    tx_(byte);
  }
  // The FIFO has drained through its trigger level already.
  ris_ |= pl011::kIntTx;
  update_irq();
}

void Pl011::write_line_control(u32 value) {
  const u32 changed = lcr_h_ ^ value;
  lcr_h_ = value & pl011::kLcrhMask;
  if (changed & pl011::kLcrhFen) {
    drop_fifo();
    fill_fifo();
  }
}

u32 Pl011::read_register(Register reg) {
  switch (reg) {
    case Register::DR: return read_data();
    case Register::RSR: return rsr_;
    case Register::FR: return flags();
    case Register::ILPR: return ilpr_;
    case Register::IBRD: return ibrd_;
    case Register::FBRD: return fbrd_;
    case Register::LCR_H: return lcr_h_;
    case Register::CR: return cr_;
    case Register::IFLS: return ifls_;
    case Register::IMSC: return imsc_;
    case Register::RIS: return ris_;
    case Register::MIS: return ris_ & imsc_;
    case Register::DMACR: return dmacr_;
    case Register::ICR:
    case Register::ID: break;
  }
  return 0;
}

void Pl011::write_register(Register reg, u32 value) {
  using namespace pl011;
  switch (reg) {
    case Register::DR: transmit(static_cast<u8>(value)); break;
    case Register::RSR: rsr_ = 0; break;
    case Register::ILPR: ilpr_ = value & 0xff; break;
    case Register::IBRD: ibrd_ = value & 0xffff; break;
    case Register::FBRD: fbrd_ = value & 0x3f; break;
    case Register::LCR_H: write_line_control(value); break;
    case Register::CR: {
      const u32 before = modem_lines();
      cr_ = value & kCrMask;
      const u32 changed = before ^ modem_lines();
      if (changed & kFrRi) ris_ |= kIntRi;
      if (changed & kFrCts) ris_ |= kIntCts;
      if (changed & kFrDcd) ris_ |= kIntDcd;
      if (changed & kFrDsr) ris_ |= kIntDsr;
      break;
    }
    case Register::IFLS: ifls_ = value & kIflsMask; break;
    case Register::IMSC: imsc_ = value & kIntMask; break;
    case Register::ICR: ris_ &= ~value; break;
    case Register::DMACR: dmacr_ = value & kDmacrMask; break;
    case Register::FR:
    case Register::RIS:
    case Register::MIS:
    case Register::ID: break;
  }
  update_irq();
}

MmioResult Pl011::read(u64 offset, unsigned size, u32) {
  const auto* row = find_register(pl011::kRegisters, offset);
  if (row == nullptr || !row->readable()) return {0};
  if (row->id == Register::ID) return {narrow(id_byte(pl011::kId, offset - row->offset), offset, size)};
  return {narrow(read_register(row->id), offset, size)};
}

MmioResult Pl011::write(u64 offset, unsigned, u64 value, u32) {
  const auto* row = find_register(pl011::kRegisters, offset);
  // The APB has no byte lanes: only the register's own address writes it.
  if (row != nullptr && row->writable() && is_aligned(offset, 4)) write_register(row->id, static_cast<u32>(value));
  return {};
}

void Pl011::visit_state(StateVisitor& v) {
  v.value("pl011.fifo", fifo_);
  v.value("pl011.fifo_head", fifo_head_);
  v.value("pl011.fifo_count", fifo_count_);
  for (u32* reg : {&rsr_, &ilpr_, &ibrd_, &fbrd_, &lcr_h_, &cr_, &ifls_, &imsc_, &ris_, &dmacr_}) {
    v.value("pl011.register", *reg);
  }
  const u64 waiting = v.count("pl011.waiting", waiting_.size(), ~u64{0}, sizeof(u16));
  if (v.restoring()) waiting_.clear();
  for (u64 i = 0; i < waiting; i++) {
    u16 entry = v.restoring() ? 0 : waiting_[i];
    v.value("pl011.character", entry);
    if (v.restoring()) waiting_.push_back(entry);
  }
  if (v.restoring()) {
    fifo_head_ %= pl011::kFifoDepth;
    fifo_count_ = std::min(fifo_count_, pl011::kFifoDepth);
    irq_.restore((ris_ & imsc_) != 0);
  }
}

}  // namespace farside::dev

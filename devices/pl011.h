// devices/pl011.h - Arm PrimeCell UART (PL011): FIFOs, flags and interrupts; characters travel in no time.
#pragma once
#include <array>
#include <deque>
#include <functional>

#include "devices/device.h"
#include "devices/irq_line.h"
#include "devices/pl011_spec.h"

namespace farside::dev {

/// The UART. Characters that the FIFO cannot take yet wait in a queue before it, as with perfect flow control, so a
/// pasted text is never lost. As on other machines of this kind, transfer does not depend on UARTEN, TXE and RXE.
class Pl011 final : public MmioDevice {
 public:
  using Sink = std::function<void(u8)>;

  /// `irq` is the combined UARTINTR; `tx` gets each transmitted character.
  Pl011(IrqLine irq, Sink tx);
  void set_sink(Sink tx) { tx_ = std::move(tx); }

  /// A character arrives on the wire.
  void receive(u8 byte) { arrive(byte); }
  /// A break condition arrives: a zero character with the break error flag.
  void receive_break();
  /// Characters that have arrived and have not been read, in the FIFO and before it.
  usize unread() const { return fifo_count_ + waiting_.size(); }

  std::string_view name() const override { return "pl011"; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override;
  MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) override;
  void reset() override;
  void visit_state(StateVisitor& visitor) override;

 private:
  u32 read_register(pl011::Register reg);
  void write_register(pl011::Register reg, u32 value);
  u32 read_data();
  u32 flags() const;
  void transmit(u8 byte);
  void arrive(u16 entry);
  void fill_fifo();
  void drop_fifo();
  void write_line_control(u32 value);
  u32 modem_lines() const;
  u32 depth() const;
  u32 rx_trigger() const;
  void update_irq();

  IrqLine irq_;
  Sink tx_;
  std::array<u16, pl011::kFifoDepth> fifo_{};  // character and its error flags in bits 11:8
  u32 fifo_head_ = 0;
  u32 fifo_count_ = 0;
  std::deque<u16> waiting_;
  u32 rsr_ = 0, ilpr_ = 0, ibrd_ = 0, fbrd_ = 0, lcr_h_ = 0, cr_ = 0, ifls_ = 0, imsc_ = 0, ris_ = 0, dmacr_ = 0;
};

}  // namespace farside::dev

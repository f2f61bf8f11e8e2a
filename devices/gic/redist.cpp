// devices/gic/redist.cpp - the redistributors' registers: RD_base and SGI_base of each PE.
#include "devices/gic/bank.h"
#include "devices/gic/frames.h"

namespace farside::dev {

using gic::Frame;

namespace {

/// SGIs are edge-triggered for good.
constexpr u32 kSgiMask = static_cast<u32>(ones(gic::kSgis));

/// GICR_TYPER of PE `pe`, whose affinity is 0.0.0.pe.
gic::GicrTyper typer(u32 pe, u32 pes) {
  return gic::GicrTyper{}
      .with(gic::GicrTyper::Affinity_Value, u64{pe})
      .with(gic::GicrTyper::Processor_Number, u64{pe})
      .with(gic::GicrTyper::Last, pe + 1 == pes);
}

}  // namespace

u32 GicRedistributors::read_rd_word(u32 pe, u64 offset) const {
  const auto* row = find_register(gic::kRedistributorRegisters, offset);
  if (row == nullptr) return 0;
  switch (row->id) {
    case Frame::IIDR: return gic::kIidr;
    case Frame::TYPER: return static_cast<u32>(typer(pe, gic_.pes_).raw >> (offset & 4 ? 32 : 0));
    case Frame::WAKER: return gic_.s_.pe[pe].waker;
    case Frame::ID: return gic::kRedistributorId[(offset - row->offset) / 4];
    default: return 0;
  }
}

u32 GicRedistributors::read_sgi_word(u32 pe, u64 offset) const {
  const auto* row = find_register(gic::kBankRegisters, offset);
  if (row == nullptr) return 0;
  const gic::BankPlace place = gic::bank_place(row->id, offset - row->offset);
  return place.bank == 0 ? gic::read_bank(gic_.s_.pe[pe].bank, row->id, place.word) : 0;
}

void GicRedistributors::write_word(u32 pe, u64 offset, u32 value, u32 lanes) {
  if (offset >= gic::kFrameSize) {
    const auto* row = find_register(gic::kBankRegisters, offset - gic::kFrameSize);
    if (row == nullptr) return;
    const gic::BankPlace place = gic::bank_place(row->id, offset - gic::kFrameSize - row->offset);
    if (place.bank != 0) return;
    gic::write_bank(gic_.s_.pe[pe].bank, row->id, place.word, value, lanes, kSgiMask);
    gic_.select_private(pe);
    return;
  }
  const auto* row = find_register(gic::kRedistributorRegisters, offset);
  if (row == nullptr || row->id != Frame::WAKER || lanes != 0xffffffff) return;
  // The interface is quiet at once, so ChildrenAsleep follows ProcessorSleep. Delivery does not depend on it: a
  // sleeping PE would be woken by its wake request, and guests that never write GICR_WAKER expect their interrupts.
  const bool sleep = gic::GicrWaker::of(value)[gic::GicrWaker::ProcessorSleep];
  gic_.s_.pe[pe].waker = static_cast<u32>(
      gic::GicrWaker{}.with(gic::GicrWaker::ProcessorSleep, sleep).with(gic::GicrWaker::ChildrenAsleep, sleep).raw);
  gic_.select_shared();
}

MmioResult GicRedistributors::read(u64 offset, unsigned size, u32) {
  const u64 pe = offset / gic::kRedistributorSize;
  if (pe >= gic_.pes_) return MmioResult::failed();
  const u64 place = align_down(offset % gic::kRedistributorSize, 4);
  auto word = [&](u64 at) {
    return at < gic::kFrameSize ? read_rd_word(static_cast<u32>(pe), at)
                                : read_sgi_word(static_cast<u32>(pe), at - gic::kFrameSize);
  };
  if (size == 8) return {word(place) | u64{word(place + 4)} << 32};
  return {narrow(word(place), offset, size)};
}

MmioResult GicRedistributors::write(u64 offset, unsigned size, u64 value, u32) {
  const u64 pe = offset / gic::kRedistributorSize;
  if (pe >= gic_.pes_) return MmioResult::failed();
  const u64 place = align_down(offset % gic::kRedistributorSize, 4);
  if (size == 8) {
    write_word(static_cast<u32>(pe), place, static_cast<u32>(value), 0xffffffff);
    write_word(static_cast<u32>(pe), place + 4, static_cast<u32>(value >> 32), 0xffffffff);
  } else {
    write_word(static_cast<u32>(pe), place, static_cast<u32>(value << (8 * (offset & 3))), byte_lanes(offset, size));
  }
  return {};
}

}  // namespace farside::dev

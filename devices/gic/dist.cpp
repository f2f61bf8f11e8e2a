// devices/gic/dist.cpp - the distributor's registers.
#include "devices/gic/bank.h"
#include "devices/gic/frames.h"

namespace farside::dev {

using gic::Frame;

/// The route that holds byte `offset` of the distributor, or null.
u64* GicDistributor::route_at(u64 offset) {
  const auto* row = find_register(gic::kDistributorRegisters, offset);
  if (row == nullptr || row->id != Frame::IROUTER) return nullptr;
  const u64 spi = (offset - row->offset) / 8;
  return spi < gic_.spis_ ? &gic_.s_.route[spi] : nullptr;
}

u32 GicDistributor::read_word(u64 offset) const {
  if (const auto* row = find_register(gic::kBankRegisters, offset)) {
    const gic::BankPlace place = gic::bank_place(row->id, offset - row->offset);
    // Affinity routing: private interrupts are in the redistributors.
    if (place.bank == 0 || place.bank > gic_.spis_ / 32) return 0;
    return gic::read_bank(gic_.s_.spi[place.bank - 1], row->id, place.word);
  }
  const auto* row = find_register(gic::kDistributorRegisters, offset);
  if (row == nullptr) return 0;
  switch (row->id) {
    case Frame::CTLR:
      return static_cast<u32>(
          gic::GicdCtlr::of(gic_.s_.ctlr).with(gic::GicdCtlr::ARE, true).with(gic::GicdCtlr::DS, true).raw);
    case Frame::TYPER:
      return static_cast<u32>(gic::GicdTyper{}
                                  .with(gic::GicdTyper::ITLinesNumber, u64{gic_.spis_ / 32})
                                  .with(gic::GicdTyper::IDbits, u64{9})  // INTIDs of 10 bits
                                  .with(gic::GicdTyper::A3V, true)
                                  .raw);
    case Frame::IIDR: return gic::kIidr;
    case Frame::ID: return gic::kDistributorId[(offset - row->offset) / 4];
    default: return 0;
  }
}

void GicDistributor::write_word(u64 offset, u32 value, u32 lanes) {
  if (const auto* row = find_register(gic::kBankRegisters, offset)) {
    const gic::BankPlace place = gic::bank_place(row->id, offset - row->offset);
    if (place.bank == 0 || place.bank > gic_.spis_ / 32) return;
    gic::write_bank(gic_.s_.spi[place.bank - 1], row->id, place.word, value, lanes, 0);
    gic_.select_shared();
    return;
  }
  if (lanes != 0xffffffff) return;
  if (u64* route = route_at(offset)) {
    const unsigned low = offset & 4 ? 32 : 0;
    *route = with_bits(*route, low + 31, low, value) & gic::Irouter::writable;
    gic_.select_shared();
    return;
  }
  const auto* row = find_register(gic::kDistributorRegisters, offset);
  if (row == nullptr || row->id != Frame::CTLR) return;
  gic_.s_.ctlr = value & static_cast<u32>(gic::GicdCtlr::EnableGrp0.mask | gic::GicdCtlr::EnableGrp1.mask);
  gic_.select_all();
}

MmioResult GicDistributor::read(u64 offset, unsigned size, u32) {
  if (const u64* route = route_at(offset)) return {(*route >> (8 * (offset & 7))) & ones(8 * size)};
  const u64 word = align_down(offset, 4);
  if (size == 8) return {read_word(word) | u64{read_word(word + 4)} << 32};
  return {narrow(read_word(word), offset, size)};
}

MmioResult GicDistributor::write(u64 offset, unsigned size, u64 value, u32) {
  if (size == 8) {
    if (u64* route = route_at(offset)) {  // at once, so that the interrupt never goes to a PE of half an affinity
      *route = value & gic::Irouter::writable;
      gic_.select_shared();
      return {};
    }
    write_word(offset, static_cast<u32>(value), 0xffffffff);
    write_word(offset + 4, static_cast<u32>(value >> 32), 0xffffffff);
    return {};
  }
  write_word(align_down(offset, 4), static_cast<u32>(value << (8 * (offset & 3))), byte_lanes(offset, size));
  return {};
}

}  // namespace farside::dev

// devices/gic/v2_dist.cpp - GICv2's distributor: registers that are banked by PE, targets, software interrupts.
#include "devices/gic/bank.h"
#include "devices/gic/frames.h"
#include "devices/gic/v2.h"

namespace farside::dev {

using gic::Frame, gic::v2::Dist;

namespace {

/// SGIs are edge-triggered for good.
constexpr u32 kSgiMask = static_cast<u32>(ones(gic::kSgis));

}  // namespace

u32 GicV2Distributor::read_word(u64 offset, u32 pe) const {
  if (const auto* row = find_register(gic::kBankRegisters, offset)) {
    const gic::BankPlace place = gic::bank_place(row->id, offset - row->offset);
    if (place.bank > gic_.spis_ / 32) return 0;
    return gic::read_bank(place.bank == 0 ? gic_.pe_[pe].bank : gic_.spi_[place.bank - 1], row->id, place.word);
  }
  const auto* row = find_register(gic::v2::kDistributor, offset);
  if (row == nullptr || !row->readable()) return 0;
  const u64 at = offset - row->offset;
  const auto four = [&](auto byte) {
    u32 word = 0;
    for (u32 i = 0; i < 4; ++i) word |= u32{byte(at + i)} << (8 * i);
    return word;
  };
  switch (row->id) {
    case Dist::CTLR: return gic_.ctlr_;
    case Dist::TYPER:
      return static_cast<u32>(gic::v2::Typer{}
                                  .with(gic::v2::Typer::ITLinesNumber, u64{gic_.spis_ / 32})
                                  .with(gic::v2::Typer::CPUNumber, u64{gic_.pes_ - 1})
                                  .raw);
    case Dist::IIDR: return gic::kIidr;
    case Dist::ITARGETSR:
      return four([&](u64 intid) -> u8 {
        if (intid < gic::kPrivateIntids) return static_cast<u8>(1u << pe);
        return gic_.known(static_cast<u32>(intid)) ? gic_.targets_[intid - gic::kPrivateIntids] : u8{0};
      });
    case Dist::CPENDSGIR:
    case Dist::SPENDSGIR: return four([&](u64 sgi) { return gic_.pe_[pe].sources[sgi]; });
    case Dist::ID: return gic::v2::kDistributorId[at / 4];
    default: return 0;
  }
}

/// Registers with one byte for each interrupt.
void GicV2Distributor::write_byte(Dist reg, u64 index, u8 value, u32 pe) {
  if (reg == Dist::ITARGETSR) {
    if (index >= gic::kPrivateIntids && gic_.known(static_cast<u32>(index)))
      gic_.targets_[index - gic::kPrivateIntids] = static_cast<u8>(value & ones(gic_.pes_));
    return;
  }
  const u8 now = gic_.pe_[pe].sources[index];
  const u8 present = static_cast<u8>(value & ones(gic_.pes_));
  gic_.set_sgi_sources(pe, static_cast<u32>(index),
                       static_cast<u8>(reg == Dist::SPENDSGIR ? now | present : now & ~value));
}

MmioResult GicV2Distributor::read(u64 offset, unsigned size, u32 pe) {
  if (pe >= gic_.pes_) return {0};
  const u64 word = align_down(offset, 4);
  if (size == 8) return {read_word(word, pe) | u64{read_word(word + 4, pe)} << 32};
  return {narrow(read_word(word, pe), offset, size)};
}

MmioResult GicV2Distributor::write(u64 offset, unsigned size, u64 value, u32 pe) {
  if (pe >= gic_.pes_) return {};
  if (size == 8) {
    write(offset, 4, static_cast<u32>(value), pe);
    return write(offset + 4, 4, value >> 32, pe);
  }
  const u32 lanes = byte_lanes(offset, size);
  if (const auto* row = find_register(gic::kBankRegisters, offset)) {
    const gic::BankPlace place = gic::bank_place(row->id, align_down(offset, 4) - row->offset);
    if (place.bank > gic_.spis_ / 32) return {};
    u32 word = static_cast<u32>(value << (8 * (offset & 3)));
    // SGIs become pending and not pending through their own registers, and are always enabled.
    const bool pending = row->id == Frame::ISPENDR || row->id == Frame::ICPENDR || row->id == Frame::ICENABLER;
    if (place.bank == 0 && pending) word &= ~kSgiMask;
    gic::write_bank(place.bank == 0 ? gic_.pe_[pe].bank : gic_.spi_[place.bank - 1], row->id, place.word, word, lanes,
                    place.bank == 0 ? kSgiMask : 0);
  } else if (const auto* own = find_register(gic::v2::kDistributor, offset); own != nullptr && own->writable()) {
    if (own->id == Dist::CTLR && lanes == 0xffffffff) {
      gic_.ctlr_ = static_cast<u32>(value & gic::v2::Ctlr::writable);
    } else if (own->id == Dist::SGIR && lanes == 0xffffffff) {
      gic_.send_sgi(pe, value);
    } else if (own->id == Dist::ITARGETSR || own->id == Dist::CPENDSGIR || own->id == Dist::SPENDSGIR) {
      for (unsigned i = 0; i < size; ++i)
        write_byte(own->id, offset - own->offset + i, static_cast<u8>(value >> (8 * i)), pe);
    }
  }
  gic_.select();
  return {};
}

}  // namespace farside::dev

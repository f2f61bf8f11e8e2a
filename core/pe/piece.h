// core/pe/piece.h - what memory.cpp and cached_memory.cpp share: a translated part of an access, and the walkers'
// ports.
#pragma once
#include <cstring>

#include "core/pe/pe.h"

namespace farside::pe {

/// The part of an access that lies in one 4 KiB page, translated.
struct Pe::Piece {
  u64 va = 0;
  unsigned size = 0;
  mmu::Translation t{};
  u8* page = nullptr;  ///< host page when the address is RAM, or ROM that is read
  bool rom = false;    ///< it is ROM: never written through `page`, and not cached
};

/// Descriptor reads and hardware updates of table walks: straight to RAM, or as accesses to modelled caches.
class Pe::Walker : public mmu::DescriptorPort {
 public:
  Walker(Pe& pe, u64 va) : pe_(pe), va_(va) {}
  std::optional<u64> read(Pa pa, const MemAttr& attr) override {
    const u8* page = pe_.ports.bus->ram_page(pa.align_down(kL0PageSize));
    if (page != nullptr && pe_.ports.caches != nullptr) return pe_.cached_descriptor(pa, attr, va_);
    if (page == nullptr) page = pe_.ports.bus->rom_page(pa.align_down(kL0PageSize));
    if (page == nullptr) return std::nullopt;  // tables in device space: External abort on the walk
    u64 value;
    std::memcpy(&value, page + pa.offset_in(kL0PageSize), sizeof value);
    return value;
  }
  mmu::SwapOutcome compare_exchange(Pa pa, const MemAttr& attr, u64 expected, u64 desired) override {
    if (pe_.ports.caches != nullptr) return pe_.cached_descriptor_swap(pa, attr, va_, expected, desired);
    const auto now = read(pa, attr);
    if (!now) return mmu::SwapOutcome::ExternalAbort;
    if (*now != expected) return mmu::SwapOutcome::Mismatch;
    u8* page = pe_.ports.bus->ram_page(pa.align_down(kL0PageSize));
    if (page == nullptr) return mmu::SwapOutcome::ExternalAbort;  // tables in ROM
    std::memcpy(page + pa.offset_in(kL0PageSize), &desired, sizeof desired);
    if (pe_.ports.code_watch != nullptr) pe_.ports.code_watch->written(page);
    return mmu::SwapOutcome::Done;
  }

 protected:
  Pe& pe_;
  u64 va_;  ///< what is being translated, for reports
};

/// A walker that changes nothing: it looks without filling caches, and hardware updates are pretended.
class Pe::Peeker : public Pe::Walker {
 public:
  using Walker::Walker;
  std::optional<u64> read(Pa pa, const MemAttr& attr) override {
    if (pe_.ports.caches == nullptr) return Walker::read(pa, attr);
    u64 value = 0;
    if (!pe_.peek_physical(pa, &value, sizeof value)) return std::nullopt;
    return value;
  }
  mmu::SwapOutcome compare_exchange(Pa, const MemAttr&, u64, u64) override { return mmu::SwapOutcome::Done; }
};

}  // namespace farside::pe

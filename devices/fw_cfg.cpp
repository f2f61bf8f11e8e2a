// devices/fw_cfg.cpp - selection, data register and DMA of the firmware configuration interface.
#include "devices/fw_cfg.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/bits.h"
#include "core/base/check.h"

namespace farside::dev {

using namespace fw_cfg;

namespace {

constexpr usize kPiece = 64 * 1024;

template <class T>
void append_big_endian(std::vector<u8>& out, T value) {
  for (int shift = 8 * (static_cast<int>(sizeof value) - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<u8>(value >> shift));
  }
}

u64 swap(u64 value, unsigned size) { return __builtin_bswap64(value) >> (64 - 8 * size); }

}  // namespace

FwCfg::FwCfg(DmaPort& dma) : dma_(dma) {
  add(kKeySignature, {'Q', 'E', 'M', 'U'});
  add_u32(kKeyId, kIdTraditional | kIdDma);
  write_directory();
  reset();
}

void FwCfg::add_u32(u16 key, u32 value) {
  std::vector<u8> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  add(key, std::move(bytes));
}

void FwCfg::add_file(const std::string& name, std::vector<u8> bytes) {
  CHECK(name.size() < kFileNameSize && !files_.contains(name), "fw_cfg file {}", name);
  const u16 key = static_cast<u16>(kKeyFirstFile + files_.size());
  files_[name] = key;
  add(key, std::move(bytes));
  write_directory();
}

void FwCfg::write_directory() {
  std::vector<u8> directory;
  append_big_endian<u32>(directory, static_cast<u32>(files_.size()));
  for (const auto& [name, key] : files_) {
    append_big_endian<u32>(directory, static_cast<u32>(items_[key].size()));
    append_big_endian<u16>(directory, key);
    append_big_endian<u16>(directory, 0);
    std::vector<u8> padded(name.begin(), name.end());
    padded.resize(kFileNameSize);
    directory.insert(directory.end(), padded.begin(), padded.end());
  }
  add(kKeyFileDirectory, std::move(directory));
}

void FwCfg::reset() {
  dma_high_ = 0;
  select(0);
}

void FwCfg::select(u16 key) {
  key_ = key & kKeyMask;
  const auto item = items_.find(key_);
  current_ = item == items_.end() ? nullptr : &item->second;
  position_ = 0;
}

/// Behind an item's end, and in keys without an item, there are zeros.
u8 FwCfg::next_byte() {
  const u8 byte = current_ != nullptr && position_ < current_->size() ? (*current_)[position_] : 0;
  ++position_;
  return byte;
}

MmioResult FwCfg::read(u64 offset, unsigned size, u32) {
  if (offset < kData + 8) {
    // The data register is a string of bytes: the first is the lowest of the access.
    u64 value = 0;
    for (unsigned i = 0; i < size; ++i) value |= u64{next_byte()} << (8 * i);
    return {value};
  }
  if (offset >= kDma) {
    const u64 shown = swap(kDmaSignature, 8);
    return {(shown >> (8 * (offset - kDma))) & ones(8 * size)};
  }
  return {0};
}

MmioResult FwCfg::write(u64 offset, unsigned size, u64 value, u32) {
  if (offset == kSelector && size == 2) {
    select(static_cast<u16>(swap(value, 2)));
  } else if (offset == kDma && size == 8) {
    dma(swap(value, 8));
  } else if (offset == kDma && size == 4) {
    dma_high_ = static_cast<u32>(swap(value, 4));
  } else if (offset == kDma + 4 && size == 4) {
    dma(u64{dma_high_} << 32 | swap(value, 4));
    dma_high_ = 0;
  }
  return {};
}

void FwCfg::dma(u64 address) {
  std::array<u8, kDmaAccessSize> access;
  if (!dma_.read(address, access)) return;  // nowhere to report to
  u32 control, length;
  u64 target;
  std::memcpy(&control, access.data(), 4);
  std::memcpy(&length, access.data() + 4, 4);
  std::memcpy(&target, access.data() + 8, 8);
  control = __builtin_bswap32(control);
  if (control & kDmaSelect) select(static_cast<u16>(control >> 16));
  const bool done = transfer(control, __builtin_bswap32(length), __builtin_bswap64(target));
  const u32 result = __builtin_bswap32(done ? 0 : kDmaError);
  (void)dma_.write(address, {reinterpret_cast<const u8*>(&result), sizeof result});
}

bool FwCfg::transfer(u32 control, u32 length, u64 address) {
  if (control & kDmaRead) {
    std::vector<u8> piece;
    for (u32 done = 0; done < length;) {
      piece.assign(std::min<usize>(kPiece, length - done), 0);
      if (current_ != nullptr && position_ < current_->size()) {
        const usize there = std::min<usize>(piece.size(), current_->size() - position_);
        std::copy_n(current_->begin() + static_cast<std::ptrdiff_t>(position_), there, piece.begin());
      }
      if (!dma_.write(address + done, piece)) return false;
      position_ += piece.size();
      done += static_cast<u32>(piece.size());
    }
    return true;
  }
  if (control & kDmaWrite) return false;  // every item is read-only
  if (control & kDmaSkip) position_ += length;
  return true;
}

void FwCfg::visit_state(StateVisitor& v) {
  u16 key = key_;
  u64 position = position_;
  v.value("fw_cfg.key", key);
  v.value("fw_cfg.position", position);
  v.value("fw_cfg.dma_high", dma_high_);
  if (!v.restoring()) return;
  select(key);
  position_ = position;
}

}  // namespace farside::dev

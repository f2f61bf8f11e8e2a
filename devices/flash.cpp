// devices/flash.cpp - the command state machine of the NOR flash.
#include "devices/flash.h"

#include <algorithm>
#include <cstring>

#include "core/base/bits.h"
#include "core/base/check.h"

namespace farside::dev {

using namespace flash;

namespace {

constexpr u64 kNoBuffer = ~u64{0};  ///< no word has been given yet

/// Compared with itself one byte further: memcmp is the fastest loop there is.
bool erased(const u8* sector) { return sector[0] == 0xff && std::memcmp(sector, sector + 1, kSectorSize - 1) == 0; }

}  // namespace

Flash::Flash(std::span<const u8> contents, bool writable, u64 size)
    : bytes_(contents.begin(), contents.begin() + static_cast<std::ptrdiff_t>(std::min(contents.size(), size))),
      writable_(writable) {
  CHECK(is_power_of_two(size) && size >= kSectorSize && size <= kBankSize, "flash of {} bytes", size);
  bytes_.resize(size, 0xff);
}

void Flash::reset() {
  step_ = Step::Command;
  status_ = kReady;
  set_mode(Mode::Array);
}

void Flash::set_mode(Mode mode) {
  const bool was_array = mode_ == Mode::Array;
  mode_ = mode;
  if (mode_listener_ && was_array != (mode == Mode::Array)) mode_listener_(mode == Mode::Array);
}

std::pair<u64, u64> Flash::take_changes() {
  if (changed_to_ == 0) return {0, 0};
  const std::pair range{changed_from_, changed_to_};
  changed_from_ = ~u64{0};
  changed_to_ = 0;
  return range;
}

void Flash::changed(u64 offset, u64 size) {
  changed_from_ = std::min(changed_from_, offset);
  changed_to_ = std::max(changed_to_, offset + size);
  // A host that cannot keep it is told to the guest as a program error.
  if (file_ && !file_->write(offset, {bytes_.data() + offset, size})) status_ |= kProgramError;
}

/// Programming clears bits and never sets one.
void Flash::program(u64 offset, std::span<const u8> bytes) {
  if (!writable_) return fail(kProgramError | kProtected);
  if (offset > bytes_.size() || bytes.size() > bytes_.size() - offset) return fail(kProgramError);
  for (usize i = 0; i < bytes.size(); ++i) bytes_[offset + i] &= bytes[i];
  changed(offset, bytes.size());
}

void Flash::erase(u64 offset) {
  if (!writable_) return fail(kEraseError | kProtected);
  offset = align_down(offset, kSectorSize);
  std::memset(bytes_.data() + offset, 0xff, kSectorSize);
  changed(offset, kSectorSize);
}

void Flash::fail(u8 error) { status_ |= error; }

void Flash::command(u8 value) {
  switch (value) {
    case kProgram:
    case kProgramAlternate: step_ = Step::ProgramData; break;
    case kErase: step_ = Step::EraseConfirm; break;
    case kLockSetup: step_ = Step::LockConfirm; break;
    case kWriteBuffer:
      step_ = Step::BufferCount;
      buffer_base_ = kNoBuffer;
      break;
    case kClearStatus: status_ = kReady; return set_mode(Mode::Array);
    case kReadStatus: break;
    case kReadId: return set_mode(Mode::Id);
    case kQuery: return set_mode(Mode::Query);
    default: return set_mode(Mode::Array);  // READ ARRAY, and what no chip of this family knows
  }
  set_mode(Mode::Status);
}

/// The data cycles of a buffered program. They may come in any order, but not leave the buffer.
void Flash::buffer_data(u64 offset, unsigned size, u64 value) {
  // The command names the sector only; the first word says which part of it the buffer is for.
  if (buffer_base_ == kNoBuffer) buffer_base_ = align_down(offset, kBufferSize);
  const u64 at = offset - buffer_base_;
  if (at < kBufferSize && size <= kBufferSize - at) {
    std::memcpy(buffer_.data() + at, &value, size);
  } else {
    fail(kProgramError | kEraseError);  // a sequence error
  }
  const u32 words = std::max<u32>(1, size / kBusWidth);
  buffer_left_ -= std::min(buffer_left_, words);
  if (buffer_left_ == 0) step_ = Step::BufferConfirm;
}

MmioResult Flash::write(u64 offset, unsigned size, u64 value, u32) {
  const u8 low = static_cast<u8>(value);
  const Step step = step_;
  if (step != Step::BufferCount && step != Step::BufferData) step_ = Step::Command;
  switch (step) {
    case Step::Command: command(low); break;
    case Step::ProgramData: program(offset, {reinterpret_cast<const u8*>(&value), size}); break;
    case Step::EraseConfirm: low == kConfirm ? erase(offset) : fail(kEraseError | kProgramError); break;
    case Step::LockConfirm:
      if (low != kConfirm && low != kLock && low != kLockDown) fail(kEraseError | kProgramError);
      break;
    case Step::BufferCount:
      // Each chip is told the number of its words less one.
      buffer_left_ = static_cast<u32>(value & 0xffff) + 1;
      step_ = Step::BufferData;
      if (buffer_left_ * kBusWidth > kBufferSize) {
        fail(kEraseError | kProgramError);
        step_ = Step::Command;
      }
      buffer_.fill(0xff);
      break;
    case Step::BufferData: buffer_data(offset, size, value); break;
    case Step::BufferConfirm: {
      const bool sound = low == kConfirm && !(status_ & (kProgramError | kEraseError));
      // Words that were not given are all ones, which program nothing.
      sound ? program(buffer_base_, buffer_) : fail(kEraseError | kProgramError);
      break;
    }
  }
  return {};
}

/// The CFI table says the size of one chip as a power of two, and its number of blocks less one.
u8 Flash::query(u64 address) const {
  if (address == kCfiChipSize) return static_cast<u8>(log2_floor(bytes_.size() / kChips));
  if (address == kCfiBlocks) return static_cast<u8>(bytes_.size() / kSectorSize - 1);
  return address >= kCfiBase && address - kCfiBase < kCfi.size() ? kCfi[address - kCfiBase] : 0;
}

/// What a 32-bit read at `offset` gives: both chips answer in their half.
u32 Flash::word(u64 offset) const {
  const u64 address = offset / kBusWidth;  // in words of one chip
  u32 chip = 0;
  switch (mode_) {
    case Mode::Array: {
      u32 value;
      std::memcpy(&value, bytes_.data() + offset, sizeof value);
      return value;
    }
    case Mode::Status: chip = status_; break;
    case Mode::Id: {
      const u64 in_sector = (offset % kSectorSize) / kBusWidth;
      chip = in_sector == 0 ? kManufacturer : in_sector == 1 ? kDevice : 0;  // 2: no block is locked
      break;
    }
    case Mode::Query: chip = query(address); break;
  }
  return chip | chip << 16;
}

MmioResult Flash::read(u64 offset, unsigned size, u32) {
  const u64 base = align_down(offset, kBusWidth);
  if (size <= kBusWidth) return {(u64{word(base)} >> (8 * (offset - base))) & ones(8 * size)};
  const u64 high = base + kBusWidth < bytes_.size() ? word(base + kBusWidth) : 0;
  return {word(base) | high << 32};
}

void Flash::visit_state(StateVisitor& v) {
  for (u8* field : {reinterpret_cast<u8*>(&mode_), reinterpret_cast<u8*>(&step_), &status_}) {
    v.value("flash.mode", *field);
  }
  v.value("flash.left", buffer_left_);
  v.value("flash.base", buffer_base_);
  v.value("flash.buffer", buffer_);
  if (v.restoring()) {
    mode_ = std::min(mode_, Mode::Query);
    step_ = std::min(step_, Step::BufferConfirm);
    if (buffer_base_ != kNoBuffer) {
      buffer_base_ = align_down(std::min(buffer_base_, bytes_.size() - kBufferSize), kBufferSize);
    }
  }
  for (u64 offset = 0; writable_ && offset < bytes_.size(); offset += kSectorSize) {
    u8* const sector = bytes_.data() + offset;
    const bool was_erased = erased(sector);
    u8 used = !was_erased;
    v.value("flash.used", used);
    if (used) v.field("flash.sector", sector, kSectorSize);
    if (!v.restoring() || (was_erased && !used)) continue;
    if (!used) std::memset(sector, 0xff, kSectorSize);
    changed(offset, kSectorSize);
  }
  if (!v.restoring() || !mode_listener_) return;
  mode_listener_(false);
  if (mode_ == Mode::Array) mode_listener_(true);
}

}  // namespace farside::dev

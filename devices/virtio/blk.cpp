// devices/virtio/blk.cpp - block requests on a Disk.
#include "devices/virtio/blk.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace farside::dev::virtio {
namespace {

constexpr usize kBufferSize = 64 * 1024;

}  // namespace

Block::Block(std::unique_ptr<Disk> disk) : disk_(std::move(disk)), buffer_(kBufferSize) {
  config_.capacity = disk_->size() / kSectorSize;
  config_.seg_max = blk::kSegMax;
  config_.blk_size = kSectorSize;
  config_.num_queues = 1;
  config_.max_discard_sectors = config_.max_write_zeroes_sectors = blk::kMaxRangeSectors;
  config_.max_discard_seg = config_.max_write_zeroes_seg = blk::kMaxRanges;
  config_.discard_sector_alignment = 1;
  config_.write_zeroes_may_unmap = 1;
}

u64 Block::features() const {
  const u64 common = blk::kFeatureSegMax | blk::kFeatureBlkSize | blk::kFeatureFlush;
  return common | (disk_->read_only() ? blk::kFeatureReadOnly : blk::kFeatureDiscard | blk::kFeatureWriteZeroes);
}

void Block::notified(unsigned index) {
  drain(index, [this](Chain& chain) { return serve(chain); });
}

bool Block::inside(u64 sector, u64 length) const {
  return sector <= config_.capacity && length / kSectorSize <= config_.capacity - sector && length % kSectorSize == 0;
}

/// The header is the first 16 readable bytes, the status the last writable one, however the driver cuts them up.
std::optional<u32> Block::serve(Chain& chain) {
  blk::Header header;
  if (chain.writable() == 0 || !chain.read_value(0, header)) return std::nullopt;
  const u64 room = chain.writable() - 1;
  const std::optional<Outcome> outcome = perform(chain, header, room);
  if (!outcome || !chain.write(room, {&outcome->status, 1})) return std::nullopt;
  // 2.7.8.2: what is counted must have been written from the start on.
  return static_cast<u32>(outcome->written == room ? room + 1 : outcome->written);
}

std::optional<Block::Outcome> Block::perform(Chain& chain, const blk::Header& header, u64 room) {
  switch (header.type) {
    case blk::kIn: return read(chain, header.sector, room);
    case blk::kOut: return write(chain, header.sector, chain.readable() - sizeof header);
    case blk::kFlush: return Outcome{disk_->read_only() || disk_->flush() ? blk::kOk : blk::kIoError};
    case blk::kGetId: return get_id(chain, room);
    case blk::kDiscard: return ranges(chain, false);
    case blk::kWriteZeroes: return ranges(chain, true);
    default: return Outcome{blk::kUnsupported};
  }
}

std::optional<Block::Outcome> Block::read(Chain& chain, u64 sector, u64 length) {
  if (!inside(sector, length)) return Outcome{blk::kIoError};
  for (u64 done = 0; done < length;) {
    const std::span<u8> piece(buffer_.data(), std::min<u64>(buffer_.size(), length - done));
    if (!disk_->read(sector * kSectorSize + done, piece)) return Outcome{blk::kIoError, done};
    if (!chain.write(done, piece)) return std::nullopt;
    done += piece.size();
  }
  return Outcome{blk::kOk, length};
}

std::optional<Block::Outcome> Block::write(Chain& chain, u64 sector, u64 length) {
  if (disk_->read_only() || !inside(sector, length)) return Outcome{blk::kIoError};
  for (u64 done = 0; done < length;) {
    const std::span<u8> piece(buffer_.data(), std::min<u64>(buffer_.size(), length - done));
    if (!chain.read(sizeof(blk::Header) + done, piece)) return std::nullopt;
    if (!disk_->write(sector * kSectorSize + done, piece)) return Outcome{blk::kIoError};
    done += piece.size();
  }
  const bool write_through = !(host_->features() & blk::kFeatureFlush);
  return Outcome{write_through && !disk_->flush() ? blk::kIoError : blk::kOk};
}

std::optional<Block::Outcome> Block::get_id(Chain& chain, u64 room) {
  std::array<u8, blk::kIdBytes> id{};
  const std::string serial = disk_->serial();
  std::memcpy(id.data(), serial.data(), std::min(serial.size(), id.size()));
  const std::span<const u8> bytes(id.data(), std::min<u64>(id.size(), room));
  if (!chain.write(0, bytes)) return std::nullopt;
  return Outcome{blk::kOk, bytes.size()};
}

std::optional<Block::Outcome> Block::ranges(Chain& chain, bool zeroes) {
  const u64 length = chain.readable() - sizeof(blk::Header);
  if (disk_->read_only()) return Outcome{blk::kIoError};
  if (length % sizeof(blk::Range) != 0 || length / sizeof(blk::Range) > blk::kMaxRanges) {
    return Outcome{blk::kUnsupported};
  }
  for (u64 at = sizeof(blk::Header); at < chain.readable(); at += sizeof(blk::Range)) {
    blk::Range range;
    if (!chain.read_value(at, range)) return std::nullopt;
    // 5.2.6.2: unknown flags, and unmap where it means nothing, are not supported.
    if ((range.flags & ~blk::kRangeUnmap) || (!zeroes && range.flags)) return Outcome{blk::kUnsupported};
    const u64 bytes = u64{range.sectors} * kSectorSize;
    if (range.sectors > blk::kMaxRangeSectors || !inside(range.sector, bytes)) return Outcome{blk::kIoError};
    const u64 offset = range.sector * kSectorSize;
    const bool done =
        zeroes ? disk_->write_zeroes(offset, bytes, range.flags & blk::kRangeUnmap) : disk_->discard(offset, bytes);
    if (!done) return Outcome{blk::kIoError};
  }
  const bool write_through = !(host_->features() & blk::kFeatureFlush);
  return Outcome{write_through && !disk_->flush() ? blk::kIoError : blk::kOk};
}

}  // namespace farside::dev::virtio

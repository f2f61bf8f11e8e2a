// devices/virtio/blk_spec.h - block device (Virtio 1.2, 5.2): features, configuration and request format.
#pragma once
#include "core/base/types.h"

namespace farside::dev::virtio::blk {

inline constexpr u64 kFeatureSegMax = 1 << 2, kFeatureReadOnly = 1 << 5, kFeatureBlkSize = 1 << 6,
                     kFeatureFlush = 1 << 9, kFeatureDiscard = 1 << 13, kFeatureWriteZeroes = 1 << 14;

/// struct virtio_blk_config.
struct Config {
  u64 capacity;  ///< in sectors of 512 bytes
  u32 size_max, seg_max;
  u16 cylinders;
  u8 heads, sectors;
  u32 blk_size;
  u8 physical_block_exp, alignment_offset;
  u16 min_io_size;
  u32 opt_io_size;
  u8 writeback, unused0;
  u16 num_queues;
  u32 max_discard_sectors, max_discard_seg, discard_sector_alignment;
  u32 max_write_zeroes_sectors, max_write_zeroes_seg;
  u8 write_zeroes_may_unmap, unused1[3];
};
static_assert(sizeof(Config) == 64);  // 60 and the padding of a u64

/// What every request begins with; data and a status byte follow.
struct Header {
  u32 type, reserved;
  u64 sector;
};
static_assert(sizeof(Header) == 16);

inline constexpr u32 kIn = 0, kOut = 1, kFlush = 4, kGetId = 8, kDiscard = 11, kWriteZeroes = 13;
inline constexpr u8 kOk = 0, kIoError = 1, kUnsupported = 2;
inline constexpr u32 kIdBytes = 20;

/// A range of DISCARD and WRITE_ZEROES.
struct Range {
  u64 sector;
  u32 sectors, flags;
};
static_assert(sizeof(Range) == 16);
inline constexpr u32 kRangeUnmap = 1;

inline constexpr u32 kSegMax = 254;  ///< data segments of a request
// DISCARD and WRITE_ZEROES: so small that a ring full of them can be written where the host cannot punch holes.
inline constexpr u32 kMaxRanges = 4;
inline constexpr u32 kMaxRangeSectors = 0x8000;  ///< 16 MiB each

}  // namespace farside::dev::virtio::blk

// devices/virtio/p9_spec.h - 9P2000.L as the Linux client speaks it: message types, flags, limits.
#pragma once
#include "core/base/types.h"

namespace farside::dev::virtio::p9 {

/// T-messages; the answer to each is the next number. kLerror answers any.
enum class Type : u8 {
  Lerror = 7,
  Statfs = 8,
  Lopen = 12,
  Lcreate = 14,
  Symlink = 16,
  Mknod = 18,
  Rename = 20,
  Readlink = 22,
  Getattr = 24,
  Setattr = 26,
  Xattrwalk = 30,
  Xattrcreate = 32,
  Readdir = 40,
  Fsync = 50,
  Lock = 52,
  Getlock = 54,
  Link = 70,
  Mkdir = 72,
  Renameat = 74,
  Unlinkat = 76,
  Version = 100,
  Auth = 102,
  Attach = 104,
  Flush = 108,
  Walk = 110,
  Read = 116,
  Write = 118,
  Clunk = 120,
  Remove = 122,
};

inline constexpr u32 kHeader = 7;  ///< size[4] type[1] tag[2]
inline constexpr u32 kMessageMin = 4096, kMessageMax = 512 * 1024;
inline constexpr u32 kReadOverhead = kHeader + 4;  ///< of Rread and Rreaddir
inline constexpr u32 kNoFid = ~u32{0};
inline constexpr u16 kWalkMax = 16;
inline constexpr usize kNameMax = 255, kLinkMax = 4095;
inline constexpr usize kFidMax = 16384;

inline constexpr u8 kQidDirectory = 0x80, kQidSymlink = 0x02, kQidFile = 0x00;

// Open flags of the protocol: octal, and not those of every Linux.
inline constexpr u32 kOpenAccess = 03, kOpenTrunc = 01000, kOpenAppend = 02000, kOpenSync = 04000000,
                     kOpenDsync = 010000;
inline constexpr u32 kUnlinkDirectory = 0x200;

// Tgetattr, Rgetattr: everything up to blocks. Tsetattr: which fields are valid.
inline constexpr u64 kGetattrBasic = 0x7ff;
inline constexpr u32 kSetMode = 1, kSetUid = 2, kSetGid = 4, kSetSize = 8, kSetAtime = 0x10, kSetMtime = 0x20,
                     kSetAtimeGiven = 0x80, kSetMtimeGiven = 0x100;
inline constexpr u8 kUnlocked = 2;  ///< lock type of Rgetlock
inline constexpr u32 kFilesystemMagic = 0x01021997;

}  // namespace farside::dev::virtio::p9

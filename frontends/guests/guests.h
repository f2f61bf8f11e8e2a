// frontends/guests/guests.h - the guests that farside can fetch by itself: their names, and their files on this
// machine.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace farside::guests {

/// A guest that can be named on the command line.
struct GuestInfo {
  std::string_view name;
  std::string_view summary;
  std::string_view kernel;        ///< file name in the guest folder
  std::string_view initrd;        ///< file name in the guest folder
  std::string_view command_line;  ///< for the kernel
};

inline constexpr std::string_view kDefaultGuest = "debian";

/// All of them, the default first.
std::span<const GuestInfo> known_guests();
/// nullptr when there is no guest of that name.
const GuestInfo* find_guest(std::string_view name);

/// A guest's files, ready to be loaded.
struct GuestFiles {
  std::string kernel;  ///< path
  std::string initrd;  ///< path
};

/// How to get a guest.
struct GetOptions {
  bool force = false;  ///< fetch again even if a sound copy is there
  bool quiet = false;  ///< no progress lines
};

/// True when a complete and undamaged copy is on this machine.
bool is_cached(const GuestInfo& guest);
/// The files of `guest`, fetched from Debian's archive unless a sound copy is in the cache folder.
Result<GuestFiles, UserError> get_guest(const GuestInfo& guest, GetOptions options = {});

/// The default guest's initramfs, not compressed (the guest would spend more on unpacking it than we save): `busybox`
/// and the init script, nothing else.
std::string make_initramfs(std::string_view busybox);

}  // namespace farside::guests

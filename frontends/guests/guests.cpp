// frontends/guests/guests.cpp - the guests that farside can fetch by itself: their names, and their files on this
// machine.
#include "frontends/guests/guests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <vector>

#include "frontends/guests/cpio.h"
#include "frontends/guests/debian.h"
#include "frontends/guests/init_script.h"
#include "frontends/guests/store.h"

namespace farside::guests {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kKernel = "linux", kInstallerInitrd = "installer-initrd.gz", kBusybox = "busybox",
                           kInitramfs = "initramfs.cpio";
constexpr std::string_view kNetbootPackage = "debian-installer-12-netboot-arm64", kBusyboxPackage = "busybox-static";

// panic=-1: a panic resets the machine at once, so that --no-reboot sees it.
constexpr std::array<GuestInfo, 2> kGuests{{
    {"debian", "Debian 12's own arm64 kernel with a busybox shell", kKernel, kInitramfs,
     "console=ttyAMA0 quiet panic=-1"},
    {"debian-installer", "the Debian 12 installer for arm64, on the serial console", kKernel, kInstallerInitrd,
     "console=ttyAMA0 panic=-1"},
}};

// Both guests share one kernel, so they share one folder.
std::string guest_folder() { return cache_folder() + "/debian-12-arm64"; }

std::string path_of(std::string_view file) { return fmt::format("{}/{}", guest_folder(), file); }

// The one file below `folder` whose path ends in `suffix` and has `part` in it.
Result<std::string, UserError> find_below(const std::string& folder, std::string_view part, std::string_view suffix) {
  std::vector<std::string> found;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error); !error && at != fs::end(at); at.increment(error)) {
    const std::string path = at->path();
    if (at->is_regular_file() && path.find(part) != std::string::npos && path.ends_with(suffix)) found.push_back(path);
  }
  if (found.empty()) return UserError{fmt::format("the package has no file *{}*{}", part, suffix)};
  return *std::min_element(found.begin(), found.end());
}

// One file of a package that is to be kept, and how to find it.
struct Wanted {
  std::string_view package, part, suffix, keep_as;
};
constexpr Wanted kWanted[] = {
    {kNetbootPackage, "/text/", "/linux", kKernel},
    {kNetbootPackage, "/text/", "/initrd.gz", kInstallerInitrd},
    {kBusyboxPackage, "/bin/", "/busybox", kBusybox},
};

Result<void, UserError> keep(Manifest& manifest, std::string_view name, std::string_view contents) {
  manifest.record(name, contents);
  return write_file(path_of(name), contents);
}

// Fills the guest folder. The manifest is removed first and written last: a folder without one is incomplete.
Result<void, UserError> fetch(const std::string& work_folder, Progress& progress) {
  std::error_code ignored;
  fs::remove(path_of("manifest"), ignored);
  DebianArchive archive(work_folder, "arm64", progress);
  TRY_VOID(archive.update());
  for (std::string_view package : {kNetbootPackage, kBusyboxPackage}) {
    TRY_VOID(archive.unpack(package, fmt::format("{}/{}", work_folder, package)));
  }
  Manifest manifest;
  for (const Wanted& wanted : kWanted) {
    const std::string unpacked = fmt::format("{}/{}", work_folder, wanted.package);
    const std::string path = TRY(find_below(unpacked, wanted.part, wanted.suffix));
    TRY_VOID(keep(manifest, wanted.keep_as, TRY(read_file(path))));
  }
  return write_file(path_of("manifest"), manifest.text());
}

// Whether the files that `guest` needs are there, whole. Reads them, so only those.
bool is_sound(const GuestInfo& guest) {
  const Manifest manifest = Manifest::load(guest_folder());
  const std::string_view source = guest.initrd == kInitramfs ? kBusybox : guest.initrd;
  return manifest.holds(guest_folder(), std::string(guest.kernel)) &&
         manifest.holds(guest_folder(), std::string(source));
}

Result<void, UserError> fetch_into_cache(Progress& progress) {
  const std::string work_folder = guest_folder() + "/work";
  std::error_code error;
  fs::remove_all(work_folder, error);
  fs::create_directories(work_folder, error);
  if (error) return UserError{fmt::format("cannot create {}: {}", work_folder, error.message())};
  const auto fetched = fetch(work_folder, progress);
  fs::remove_all(work_folder, error);
  return fetched;
}

// Writes the initramfs again only when it differs from what this farside would make.
Result<void, UserError> refresh_initramfs() {
  const std::string busybox = TRY(read_file(path_of(kBusybox)));
  const std::string wanted = make_initramfs(busybox);
  auto present = read_file(path_of(kInitramfs));
  if (present && *present == wanted) return {};
  return write_file(path_of(kInitramfs), wanted);
}

}  // namespace

std::span<const GuestInfo> known_guests() { return kGuests; }

const GuestInfo* find_guest(std::string_view name) {
  const auto found = std::find_if(kGuests.begin(), kGuests.end(), [&](const GuestInfo& g) { return g.name == name; });
  return found == kGuests.end() ? nullptr : &*found;
}

bool is_cached(const GuestInfo& guest) { return is_sound(guest); }

Result<GuestFiles, UserError> get_guest(const GuestInfo& guest, GetOptions options) {
  if (options.force || !is_sound(guest)) {
    const FolderLock lock(guest_folder());
    if (options.force || !is_sound(guest)) {  // another process may have fetched it while we waited
      Progress progress(options.quiet);
      if (!options.quiet) fmt::print(stderr, "farside: fetching guests from Debian into {}\n", guest_folder());
      TRY_VOID(fetch_into_cache(progress));
    }
  }
  if (guest.initrd == kInitramfs) TRY_VOID(refresh_initramfs());
  return GuestFiles{path_of(guest.kernel), path_of(guest.initrd)};
}

std::string make_initramfs(std::string_view busybox) {
  CpioWriter cpio;
  for (std::string_view folder : {"bin", "dev", "proc", "root", "sys", "tmp"}) cpio.add_folder(folder);
  // The kernel opens the console for init before anything could mount /dev.
  cpio.add_char_device("dev/console", 5, 1);
  cpio.add_char_device("dev/null", 1, 3, 0666);
  cpio.add_file("bin/busybox", busybox, 0755);
  cpio.add_link("bin/sh", "busybox");
  cpio.add_file("init", kInitScript, 0755);
  return cpio.finish();
}

}  // namespace farside::guests

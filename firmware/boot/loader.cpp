// firmware/boot/loader.cpp - decides where kernel, initrd and device tree go.
#include "firmware/boot/loader.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "core/base/bits.h"
#include "firmware/boot/bytes.h"

namespace farside::boot {
namespace {

constexpr u64 kMiB = u64{1} << 20;
/// booting.rst: the tree must not exceed 2 MiB. Aligned to as much, it never crosses a 2 MiB boundary.
constexpr u64 kDtbLimit = 2 * kMiB;
constexpr u64 kPage = 4096;
/// No kernel, initrd or tree is larger; a disk image given by mistake is.
constexpr u64 kFileLimit = u64{4} << 30;

struct Ram {
  u64 base, size;
  u64 end() const { return base + size; }
  bool holds(u64 at, u64 length) const { return at >= base && at - base <= size && length <= size - (at - base); }
};

std::string more_memory(u64 ram_base, u64 end) {
  return fmt::format("use --memory {}M or more", (end - ram_base + kMiB - 1) / kMiB);
}

Result<void, UserError> check_kernel_fits(const Kernel& kernel, const std::string& name, const Ram& ram) {
  for (const Segment& segment : kernel.segments) {
    const u64 length = segment.bytes.size() + segment.zeros;
    if (ram.holds(segment.ipa, length)) continue;
    if (segment.ipa < ram.base || segment.ipa - ram.base > (u64{1} << 40)) {
      return wrong(
          "kernel", name,
          fmt::format("wants to be loaded at {:#x}, outside RAM, which begins at {:#x}", segment.ipa, ram.base),
          kernel.format == KernelFormat::Elf64 ? "link it for RAM, or give the Image instead of a vmlinux"
                                               : "give another kernel");
    }
    return wrong("kernel", name,
                 fmt::format("needs {} of memory, the machine has {}", human_size(segment.end() - ram.base),
                             human_size(ram.size)),
                 more_memory(ram.base, segment.end()));
  }
  return {};
}

bool overlaps(const std::vector<Segment>& segments, u64 base, u64 size) {
  for (const Segment& segment : segments) {
    if (base < segment.end() && segment.ipa < base + size) return true;
  }
  return false;
}

struct Places {
  u64 initrd = 0;
  u64 dtb = 0;
};

/// As QEMU does: initrd at half the RAM or 128 MiB, whichever is less, but after the kernel; the tree after the initrd.
/// Where memory is short, both follow the kernel directly.
Result<Places, UserError> place(const Kernel& kernel, const Ram& ram, u64 initrd_size, const std::string& initrd_name) {
  const u64 after_kernel = align_up(kernel.memory_end, kPage);
  const u64 usual = std::max(align_up(ram.base + std::min(ram.size / 2, 128 * kMiB), kPage), after_kernel);
  u64 needed = 0;
  for (u64 initrd : {usual, after_kernel}) {
    const Places places{initrd, align_up(initrd + initrd_size, kDtbLimit)};
    if (ram.holds(places.dtb, kDtbLimit)) return places;
    needed = places.dtb + kDtbLimit;
  }
  if (initrd_size == 0) {
    return UserError{fmt::format("memory: {} leave no room for the device tree after the kernel; {}",
                                 human_size(ram.size), more_memory(ram.base, needed))};
  }
  return wrong(
      "initrd", initrd_name,
      fmt::format("{} do not fit into {} of memory after the kernel", human_size(initrd_size), human_size(ram.size)),
      more_memory(ram.base, needed));
}

Result<std::vector<u8>, UserError> device_tree(const BootRequest& request, const FdtConfig& config) {
  if (request.dtb_path.empty()) return build_fdt(config);
  const std::vector<u8> blob = TRY(read_file(request.dtb_path, "dtb"));
  return patch_fdt(blob, request.dtb_path, config);
}

struct OpenFile {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream;
  u64 size;  ///< 0 also for what has none, such as a pipe
};

UserError unreadable(const std::string& path, const std::string& what, int error) {
  return wrong(what, path, fmt::format("cannot be read ({})", std::strerror(error)), "check the path");
}

UserError too_large(const std::string& path, const std::string& what) {
  return wrong(what, path, "is larger than 4 GiB", "give a smaller file");
}

Result<OpenFile, UserError> open_file(const std::string& path, const std::string& what) {
  OpenFile file{{std::fopen(path.c_str(), "rb"), &std::fclose}, 0};
  if (!file.stream) return unreadable(path, what, errno);
  struct stat status {};
  if (fstat(fileno(file.stream.get()), &status) != 0) return unreadable(path, what, errno);
  if (S_ISDIR(status.st_mode)) return unreadable(path, what, EISDIR);
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) return wrong(what, path, "is a device", "give a file");
  if (S_ISREG(status.st_mode)) file.size = static_cast<u64>(status.st_size);
  if (file.size > kFileLimit) return too_large(path, what);
  return file;
}

Result<std::vector<u8>, UserError> read_all(const OpenFile& file, const std::string& path, const std::string& what) {
  std::vector<u8> bytes;
  for (usize used = 0;;) {
    const usize step = std::max<usize>(file.size, used) + 65536;
    bytes.resize(used + step);
    const usize got = std::fread(bytes.data() + used, 1, step, file.stream.get());
    used += got;
    if (used > kFileLimit) return too_large(path, what);
    if (got == step) continue;
    if (std::ferror(file.stream.get())) return unreadable(path, what, errno);
    bytes.resize(used);
    return bytes;
  }
}

/// As read_file, without a copy where the host can map the file.
Result<FileBytes, UserError> map_file(const std::string& path, const std::string& what) {
  const OpenFile file = TRY(open_file(path, what));
  if (file.size != 0) {
    FileBytes bytes = FileBytes::map(fileno(file.stream.get()), file.size);
    if (!bytes.empty()) return bytes;
  }
  return FileBytes(TRY(read_all(file, path, what)));
}

}  // namespace

Result<std::vector<u8>, UserError> read_file(const std::string& path, const std::string& what) {
  return read_all(TRY(open_file(path, what)), path, what);
}

Result<BootPlan, UserError> plan_boot(const BootRequest& request) {
  if (request.kernel_path.empty()) return UserError{"kernel: none given; name one with --kernel FILE"};
  const Ram ram{request.fdt.memory_base, request.fdt.memory_size};
  FileBytes file = TRY(map_file(request.kernel_path, "kernel"));
  Kernel kernel = TRY(parse_kernel(std::move(file), request.kernel_path, ram.base));
  TRY_VOID(check_kernel_fits(kernel, request.kernel_path, ram));

  FileBytes initrd;
  if (!request.initrd_path.empty()) {
    initrd = TRY(map_file(request.initrd_path, "initrd"));
    if (initrd.empty())
      return wrong("initrd", request.initrd_path, "is empty", "leave --initrd out or give an archive");
  }
  Places places = TRY(place(kernel, ram, initrd.size(), request.initrd_path));

  FdtConfig config = request.fdt;
  config.initrd.reset();
  if (!initrd.empty()) config.initrd = IpaRange{places.initrd, initrd.size()};
  std::vector<u8> dtb = TRY(device_tree(request, config));
  if (dtb.size() > kDtbLimit) {
    return UserError{
        fmt::format("dtb: the device tree has {}, the limit is 2 MiB; shorten it or --append", human_size(dtb.size()))};
  }
  // Bare-metal programs look for the tree where RAM begins.
  if (kernel.format == KernelFormat::Elf64 && !overlaps(kernel.segments, ram.base, dtb.size())) places.dtb = ram.base;
  BootPlan plan{std::move(kernel.segments), kernel.entry, places.dtb, config.initrd, kernel.format, kernel.big_endian};
  if (!initrd.empty()) plan.segments.push_back({places.initrd, std::move(initrd), 0});
  plan.segments.push_back({places.dtb, std::move(dtb), 0});
  return plan;
}

}  // namespace farside::boot

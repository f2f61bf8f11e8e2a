// firmware/boot/image.cpp - parses the arm64 Image header (Documentation/arm64/booting.rst of the kernel).
#include "firmware/boot/image.h"

#include <algorithm>

#include "core/base/field.h"
#include "firmware/boot/bytes.h"
#include "firmware/boot/kernel_formats.h"

namespace farside::boot {
namespace {

constexpr u64 kHeaderSize = 64;
/// Kernels before 3.17 leave image_size at 0, and then this is their text_offset.
constexpr u64 kOldTextOffset = 0x80000;
/// Far more than any kernel: a header that says more is damaged.
constexpr u64 kMaxImageSize = u64{4} << 30;
constexpr std::string_view kAgain = "copy or download it again";

struct ImageFlags : Reg<ImageFlags> {
  static constexpr Bit<0> big_endian{};
  static constexpr Field<2, 1> page_size{};  // 0 unspecified, 1 4K, 2 16K, 3 64K
};

bool is_arm64_image(std::span<const u8> file) { return matches(file, 0x38, "ARM\x64"); }

/// The bytes that the PE header of an kernel with an EFI entry says are in the file, or 0 when there is no such header.
u64 pe_file_size(std::span<const u8> file) {
  if (!matches(file, 0, "MZ")) return 0;
  const u64 pe = load_le<u32>(file, 0x3c);
  if (!matches(file, pe, std::string_view("PE\0\0", 4))) return 0;
  const u64 sections = load_le<u16>(file, pe + 6);
  const u64 table = pe + 24 + load_le<u16>(file, pe + 20);
  u64 end = table + 40 * sections;
  for (u64 i = 0; i < sections; i++) {
    const u64 row = table + 40 * i;
    end = std::max(end, u64{load_le<u32>(file, row + 16)} + load_le<u32>(file, row + 20));
  }
  return end;
}

/// The byte that the header's own branch (code0 or code1) goes to, or 0 when neither is a branch forward.
u64 branch_target(std::span<const u8> file) {
  for (u64 at : {0, 4}) {
    const u32 word = load_le<u32>(file, at);
    if (word >> 26 == 0b000101 && !bit(word, 25)) return at + 4 * bits(word, 24, 0);
  }
  return 0;
}

Result<Kernel, UserError> parse_image(FileBytes file, const std::string& name, u64 ram_base) {
  u64 text_offset = load_le<u64>(file, 8);
  u64 image_size = load_le<u64>(file, 16);
  const auto flags = ImageFlags::of(load_le<u64>(file, 24));
  if (image_size == 0) text_offset = kOldTextOffset;
  image_size = std::max<u64>(image_size, file.size());
  if (image_size > kMaxImageSize || text_offset > kMaxImageSize || !is_aligned(text_offset, 4)) {
    return wrong("kernel", name, "the arm64 Image header is damaged (impossible text_offset or image_size)", kAgain);
  }
  const u64 expected = std::max(pe_file_size(file), branch_target(file) + 4);
  if (expected > file.size()) {
    return wrong("kernel", name, fmt::format("is truncated: {} bytes of at least {}", file.size(), expected), kAgain);
  }
  Kernel kernel;
  kernel.format = KernelFormat::Arm64Image;
  kernel.entry = ram_base + text_offset;
  kernel.memory_end = kernel.entry + image_size;
  kernel.big_endian = flags[ImageFlags::big_endian];
  static constexpr u32 kPageSizes[4] = {0, 4096, 16384, 65536};
  kernel.page_size = kPageSizes[flags[ImageFlags::page_size]];
  const u64 zeros = image_size - file.size();
  kernel.segments.push_back({kernel.entry, std::move(file), zeros});
  return kernel;
}

/// Machine code without a header: the first instructions all lie in allocated groups of the A64 top-level table (Arm
/// ARM C4.1, op0 = word<28:25>), which random bytes or text hardly ever do.
bool looks_like_a64(std::span<const u8> file) {
  constexpr unsigned kWords = 16;
  if (file.size() < 4 * kWords) return false;
  for (unsigned i = 0; i < kWords; ++i) {
    const u64 group = bits(load_le<u32>(file, 4 * i), 28, 25);
    if (group < 4) return false;  // 0000 reserved, 0001 and 0011 unallocated, 0010 SVE
  }
  return true;
}

/// A flat binary goes where an Image without image_size goes.
Kernel flat_kernel(FileBytes file, u64 ram_base) {
  Kernel kernel;
  kernel.format = KernelFormat::Flat;
  kernel.entry = ram_base + kOldTextOffset;
  kernel.memory_end = kernel.entry + file.size();
  kernel.segments.push_back({kernel.entry, std::move(file), 0});
  return kernel;
}

}  // namespace

Result<Kernel, UserError> parse_kernel(FileBytes file, const std::string& name, u64 ram_base) {
  if (file.empty()) return wrong("kernel", name, "is empty", kAgain);
  const bool gzip = is_gzip(file);
  if (gzip) file = TRY(gunzip(file, name));
  if (is_elf(file)) {
    Kernel kernel = TRY(parse_elf(file, name));
    kernel.gzip = gzip;
    return kernel;
  }
  if (!is_arm64_image(file)) {
    const auto error = foreign_kernel(file, name);
    if (!error && looks_like_a64(file)) return flat_kernel(std::move(file), ram_base);
    return error.value_or(unknown_kernel(name));
  }
  if (file.size() < kHeaderSize) {
    return wrong("kernel", name, fmt::format("is truncated: {} bytes", file.size()), kAgain);
  }
  Kernel kernel = TRY(parse_image(std::move(file), name, ram_base));
  kernel.gzip = gzip;
  return kernel;
}

}  // namespace farside::boot

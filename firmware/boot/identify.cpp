// firmware/boot/identify.cpp - says what a file is that cannot be booted as a kernel.
#include <array>

#include "firmware/boot/bytes.h"
#include "firmware/boot/kernel_formats.h"

namespace farside::boot {
namespace {

using namespace std::string_view_literals;

struct Signature {
  u64 offset;
  std::string_view magic;
  std::string_view is;
  std::string_view remedy;
};

constexpr std::string_view kGiveArm64 = "give an arm64 kernel (Image, Image.gz or ELF64)";

/// First match wins: wrappers of EFI come before the plain PE header that they share.
constexpr std::array kSignatures{
    Signature{0x202, "HdrS"sv, "an x86 Linux kernel (bzImage)"sv, kGiveArm64},
    Signature{0x24, "\x18\x28\x6f\x01"sv, "a 32-bit Arm Linux kernel (zImage)"sv, kGiveArm64},
    Signature{0x30, "RISCV\0\0\0"sv, "a RISC-V Linux kernel (Image)"sv, kGiveArm64},
    Signature{0x38, "RSC\x05"sv, "a RISC-V Linux kernel (Image)"sv, kGiveArm64},
    Signature{4, "zimg"sv, "a compressed EFI kernel (zboot)"sv,
              "give the Image inside it, e.g. arch/arm64/boot/Image"sv},
    Signature{0, "MZ"sv, "an EFI program (PE)"sv, "it needs UEFI firmware; give an arm64 Image"sv},
    Signature{0, "\x27\x05\x19\x56"sv, "a U-Boot image (uImage)"sv, "give the kernel inside it, see dumpimage -l"sv},
    Signature{0, "\xd0\x0d\xfe\xed"sv, "a device tree or FIT image"sv, "a device tree goes to --dtb"sv},
    Signature{0, "070701"sv, "a cpio archive"sv, "an initramfs goes to --initrd"sv},
    Signature{0, "070702"sv, "a cpio archive"sv, "an initramfs goes to --initrd"sv},
    Signature{0,
              "\xfd"
              "7zXZ\0"sv,
              "xz-compressed data"sv, "unpack it first: xz -dc FILE > Image"sv},
    Signature{0, "BZh"sv, "bzip2-compressed data"sv, "unpack it first: bzip2 -dc FILE > Image"sv},
    Signature{0, "\x28\xb5\x2f\xfd"sv, "zstd-compressed data"sv, "unpack it first: zstd -dc FILE > Image"sv},
    Signature{0, "\x02\x21\x4c\x18"sv, "lz4-compressed data"sv, "unpack it first: lz4 -dc FILE > Image"sv},
    Signature{0, "\x04\x22\x4d\x18"sv, "lz4-compressed data"sv, "unpack it first: lz4 -dc FILE > Image"sv},
    Signature{0, "\x89LZO"sv, "lzo-compressed data"sv, "unpack it first: lzop -dc FILE > Image"sv},
    Signature{0, "!<arch>\n"sv, "an ar archive or Debian package"sv, "unpack it first: dpkg -x FILE DIR"sv},
    Signature{0, "QFI\xfb"sv, "a qcow2 disk"sv, "give the kernel itself"sv},
    Signature{0, "#!"sv, "a script"sv, kGiveArm64},
};

}  // namespace

std::optional<UserError> foreign_kernel(std::span<const u8> file, const std::string& name) {
  for (const Signature& row : kSignatures) {
    if (matches(file, row.offset, row.magic)) {
      return wrong("kernel", name, fmt::format("is {}", row.is), row.remedy);
    }
  }
  if (file.size() < 64) {
    return wrong("kernel", name, fmt::format("is only {} bytes long, too short for a kernel", file.size()),
                 "copy or download it again");
  }
  return std::nullopt;
}

UserError unknown_kernel(const std::string& name) {
  return wrong("kernel", name, "is not a kernel that this machine knows (no arm64 Image header, no ELF header)",
               kGiveArm64);
}

}  // namespace farside::boot

// firmware/boot/image.h - recognises a kernel file and says where its bytes go.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/types.h"
#include "firmware/boot/file_bytes.h"

namespace farside::boot {

/// Flat: machine code without any header, such as kvm-unit-tests' .flat files; QEMU boots these too.
enum class KernelFormat : u8 { Arm64Image, Elf64, Flat };

/// Bytes for one place in guest memory. `zeros` bytes after them must be zero as well (an ELF .bss).
struct Segment {
  u64 ipa = 0;
  FileBytes bytes;
  u64 zeros = 0;
  u64 end() const { return ipa + bytes.size() + zeros; }
};

/// A kernel ready to be placed. For an Image, addresses count from the RAM base; for an ELF they are absolute.
struct Kernel {
  KernelFormat format = KernelFormat::Arm64Image;
  std::vector<Segment> segments;
  u64 entry = 0;
  u64 memory_end = 0;  ///< first byte after everything that the kernel claims, .bss included
  bool gzip = false;   ///< the file was compressed
  bool big_endian = false;
  u32 page_size = 0;  ///< of an Image: 4096, 16384, 65536, or 0 when it does not say
};

/// Parses an arm64 Image (plain or gzip'd), an ELF64 AArch64 file or a flat binary that begins with A64 code. Any other
/// file is a UserError that names `name`, says what the file seems to be and what to give instead. `ram_base` is where
/// an Image's text_offset counts from.
Result<Kernel, UserError> parse_kernel(FileBytes file, const std::string& name, u64 ram_base);

}  // namespace farside::boot

// firmware/boot/loader.h - from the user's files to a plan: what to copy where, and how the first PE starts.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "firmware/boot/fdt.h"
#include "firmware/boot/image.h"

namespace farside::boot {

/// What to boot. Empty paths mean "none"; the kernel is required.
struct BootRequest {
  std::string kernel_path;
  std::string initrd_path;
  std::string dtb_path;
  FdtConfig fdt;  ///< memory_base and memory_size are the RAM; `initrd` is filled in by plan_boot
};

/// What the machine copies and how it starts: X0 = dtb, X1 to X3 = 0, PC = entry, MMU off, interrupts masked
/// (Documentation/arm64/booting.rst of the kernel).
struct BootPlan {
  std::vector<Segment> segments;
  u64 entry = 0;
  u64 dtb = 0;
  std::optional<IpaRange> initrd;
  KernelFormat format = KernelFormat::Arm64Image;
  bool big_endian = false;
};

/// Reads the files and decides on every address. Touches nothing; every failure is one line for the user.
Result<BootPlan, UserError> plan_boot(const BootRequest& request);

/// The whole file at `path`; `what` ("kernel", "initrd", ...) is for the message.
Result<std::vector<u8>, UserError> read_file(const std::string& path, const std::string& what);

}  // namespace farside::boot

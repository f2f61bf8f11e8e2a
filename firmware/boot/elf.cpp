// firmware/boot/elf.cpp - parses an ELF64 AArch64 executable into the segments to load.
#include <algorithm>
#include <array>

#include "firmware/boot/bytes.h"
#include "firmware/boot/kernel_formats.h"

namespace farside::boot {
namespace {

constexpr u64 kHeaderSize = 64, kProgramHeaderSize = 56;
constexpr u16 kRelocatable = 1, kExecutable = 2, kShared = 3;
constexpr u16 kAArch64 = 183;
constexpr u32 kLoad = 1;
constexpr std::string_view kAgain = "copy or download it again";

struct ProgramHeader {
  u32 type;
  u64 offset, vaddr, paddr, filesz, memsz;
};

ProgramHeader program_header(std::span<const u8> file, u64 at) {
  return {load_le<u32>(file, at),      load_le<u64>(file, at + 8),  load_le<u64>(file, at + 16),
          load_le<u64>(file, at + 24), load_le<u64>(file, at + 32), load_le<u64>(file, at + 40)};
}

std::string machine_name(u16 machine) {
  struct Row {
    u16 machine;
    std::string_view name;
  };
  static constexpr Row kRows[] = {{2, "SPARC"},      {3, "32-bit x86"}, {8, "MIPS"},        {20, "PowerPC"},
                                  {21, "PowerPC64"}, {22, "s390"},      {40, "32-bit Arm"}, {43, "SPARC"},
                                  {62, "x86-64"},    {243, "RISC-V"},   {258, "LoongArch"}};
  for (const Row& row : kRows) {
    if (row.machine == machine) return std::string(row.name);
  }
  return fmt::format("machine {}", machine);
}

Result<void, UserError> check_header(std::span<const u8> file, const std::string& name) {
  constexpr std::string_view kGive = "give an ELF64 AArch64 executable or an arm64 Image";
  if (file.size() < 20) return wrong("kernel", name, "is truncated inside the ELF header", kAgain);
  const bool little = file[5] == 1;
  const u16 raw_machine = load_le<u16>(file, 18);
  const u16 machine = little ? raw_machine : static_cast<u16>(raw_machine << 8 | raw_machine >> 8);
  if (machine != kAArch64) {
    return wrong("kernel", name, fmt::format("is an ELF file for {}", machine_name(machine)), kGive);
  }
  if (file[4] != 2) return wrong("kernel", name, "is a 32-bit (ILP32) ELF file", kGive);
  if (!little) return wrong("kernel", name, "is a big-endian ELF file", kGive);
  if (file.size() < kHeaderSize) return wrong("kernel", name, "is truncated inside the ELF header", kAgain);
  const u16 type = load_le<u16>(file, 16);
  if (type == kRelocatable) return wrong("kernel", name, "is an object file or module", "link it first");
  if (type != kExecutable && type != kShared) {
    return wrong("kernel", name, fmt::format("is an ELF file of type {}", type), kGive);
  }
  const u64 phoff = load_le<u64>(file, 32);
  const u64 phnum = load_le<u16>(file, 56);
  if (load_le<u16>(file, 54) != kProgramHeaderSize || phnum == 0) {
    return wrong("kernel", name, "has no usable program headers", kGive);
  }
  if (!holds(file, phoff, phnum * kProgramHeaderSize)) {
    return wrong("kernel", name, "is truncated: the program headers are missing", kAgain);
  }
  return {};
}

Result<void, UserError> check_segment(std::span<const u8> file, const std::string& name, const ProgramHeader& header) {
  if (header.memsz < header.filesz || header.paddr + header.memsz < header.paddr) {
    return wrong("kernel", name, "has a program header with impossible sizes", kAgain);
  }
  if (!holds(file, header.offset, header.filesz)) {
    return wrong("kernel", name, fmt::format("is truncated: {} bytes, a segment needs more", file.size()), kAgain);
  }
  return {};
}

}  // namespace

bool is_elf(std::span<const u8> file) {
  return matches(file, 0,
                 "\x7f"
                 "ELF");
}

Result<Kernel, UserError> parse_elf(std::span<const u8> file, const std::string& name) {
  TRY_VOID(check_header(file, name));
  const u64 phoff = load_le<u64>(file, 32);
  const u64 phnum = load_le<u16>(file, 56);
  Kernel kernel;
  kernel.format = KernelFormat::Elf64;
  kernel.entry = load_le<u64>(file, 24);
  const u64 virtual_entry = kernel.entry;
  for (u64 i = 0; i < phnum; i++) {
    const ProgramHeader header = program_header(file, phoff + i * kProgramHeaderSize);
    if (header.type != kLoad || header.memsz == 0) continue;
    TRY_VOID(check_segment(file, name, header));
    const auto bytes = file.subspan(header.offset, header.filesz);
    kernel.segments.push_back(
        {header.paddr, std::vector<u8>(bytes.begin(), bytes.end()), header.memsz - header.filesz});
    kernel.memory_end = std::max(kernel.memory_end, header.paddr + header.memsz);
    // The MMU is off at the entry, so an entry given as a virtual address means the segment's physical place.
    if (virtual_entry - header.vaddr < header.memsz) kernel.entry = virtual_entry - header.vaddr + header.paddr;
  }
  if (kernel.segments.empty()) {
    return wrong("kernel", name, "is an ELF file with nothing to load", "give an executable, linked for RAM");
  }
  return kernel;
}

}  // namespace farside::boot

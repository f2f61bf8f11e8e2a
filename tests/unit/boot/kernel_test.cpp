// tests/unit/boot/kernel_test.cpp - what is a kernel, where it goes, and what is said about everything else.
#include "firmware/boot/image.h"
#include "tests/unit/boot/fixtures.h"

using namespace farside;
using namespace farside::boot;

namespace {

constexpr u64 kRam = 0x4000'0000;

Kernel good(Bytes file) {
  auto kernel = parse_kernel(std::move(file), "k", kRam);
  if (!kernel.ok()) FAIL(kernel.error().message);
  return std::move(*kernel);
}

std::string bad(Bytes file) {
  auto kernel = parse_kernel(std::move(file), "some/file", kRam);
  REQUIRE_FALSE(kernel.ok());
  return kernel.error().message;
}

Bytes with_magic(usize offset, std::string_view magic) {
  Bytes bytes(4096);
  put_text(bytes, offset, magic);
  return bytes;
}

using namespace std::string_view_literals;

}  // namespace

TEST_CASE("an Image goes to RAM base plus text_offset and claims image_size") {
  const Kernel kernel = good(image({.text_offset = 0x8'0000, .image_size = 0x12'3456}));
  CHECK(kernel.format == KernelFormat::Arm64Image);
  CHECK(kernel.entry == kRam + 0x8'0000);
  CHECK(kernel.memory_end == kRam + 0x8'0000 + 0x12'3456);
  REQUIRE(kernel.segments.size() == 1);
  CHECK(kernel.segments[0].ipa == kernel.entry);
  CHECK(kernel.segments[0].bytes == image({.text_offset = 0x8'0000, .image_size = 0x12'3456}));
  CHECK(kernel.segments[0].end() == kernel.memory_end);
  CHECK(kernel.page_size == 4096);
  CHECK_FALSE(kernel.big_endian);
  CHECK_FALSE(kernel.gzip);
}

TEST_CASE("Image flags: endianness and page size") {
  const auto [flags, page, big] = GENERATE(
      table<u64, u32, bool>({{0, 0, false}, {0b010, 4096, false}, {0b100, 16384, false}, {0b111, 65536, true}}));
  const Kernel kernel = good(image({.flags = flags}));
  CHECK(kernel.page_size == page);
  CHECK(kernel.big_endian == big);
}

TEST_CASE("an Image from before image_size goes to 0x80000 whatever it says") {
  const Kernel kernel = good(image({.text_offset = 0x1234, .image_size = 0}));
  CHECK(kernel.entry == kRam + 0x8'0000);
  CHECK(kernel.memory_end == kRam + 0x8'0000 + 4096);
}

TEST_CASE("a gzip'd Image is unpacked, however well it packs") {
  const Bytes plain = image({.file_size = 9 << 20, .image_size = 16 << 20});
  const Kernel kernel = good(gzip(plain));
  CHECK(kernel.gzip);
  REQUIRE(kernel.segments.size() == 1);
  CHECK(kernel.segments[0].bytes == plain);
}

TEST_CASE("a kernel with an EFI entry is an Image as well") { CHECK(good(efi_image()).entry == kRam); }

TEST_CASE("an ELF file goes where its program headers say") {
  const Kernel kernel = good(elf());
  CHECK(kernel.format == KernelFormat::Elf64);
  CHECK(kernel.entry == 0x4008'0010);
  REQUIRE(kernel.segments.size() == 1);
  CHECK(kernel.segments[0].ipa == 0x4008'0000);
  CHECK(kernel.segments[0].bytes.size() == 0x100);
  CHECK(kernel.segments[0].bytes.span()[0x42] == 0x42);
  CHECK(kernel.segments[0].zeros == 0x300);
  CHECK(kernel.memory_end == 0x4008'0400);
}

TEST_CASE("a virtual ELF entry becomes physical") {
  const Kernel kernel = good(elf({.vaddr = 0xffff'0000'4008'0000, .entry = 0xffff'0000'4008'0020}));
  CHECK(kernel.entry == 0x4008'0020);
}

TEST_CASE("a gzip'd ELF file works too") { CHECK(good(gzip(elf())).gzip); }

TEST_CASE("bare A64 code without a header is a flat kernel at 0x80000, as QEMU boots it") {
  // What kvm-unit-tests' .flat files begin with: ADRP, ADD, CMP, B.HS, LDR, ...
  const u32 code[] = {0x90000004, 0x91000084, 0x90000105, 0x910000a5, 0x90000106, 0x912220c6,
                      0xeb0600bf, 0x540000e2, 0xf94000a7, 0xf94008a8, 0x8b040108, 0xf8276888,
                      0x910060a5, 0x17fffff9, 0xd5384244, 0xf100209f, 0x540004a1};
  Bytes file(sizeof(code));
  std::memcpy(file.data(), code, sizeof(code));
  const Kernel kernel = good(file);
  CHECK(kernel.format == KernelFormat::Flat);
  CHECK(kernel.entry == kRam + 0x8'0000);
  CHECK(kernel.segments[0].bytes == file);
  put<u32>(file, 12, 0);  // UDF among the first instructions: no code
  expect_message(bad(file), {"not a kernel"});
}

TEST_CASE("files that are something else are named for what they are") {
  struct Row {
    Bytes file;
    std::string_view is;
    std::string_view remedy;
  };
  const Row row = GENERATE(values<Row>({
      {with_magic(0x202, "HdrS"), "x86 Linux kernel (bzImage)", "arm64"},
      {with_magic(0x24, "\x18\x28\x6f\x01"), "32-bit Arm Linux kernel (zImage)", "arm64"},
      {with_magic(0x30, "RISCV\0\0\0"sv), "RISC-V", "arm64"},
      {with_magic(0, "MZ"), "EFI program", "UEFI"},
      {with_magic(0, "\x27\x05\x19\x56"), "uImage", "dumpimage"},
      {with_magic(0, "\xd0\x0d\xfe\xed"), "device tree", "--dtb"},
      {with_magic(0, "070701"), "cpio", "--initrd"},
      {with_magic(0,
                  "\xfd"
                  "7zXZ\0"sv),
       "xz", "xz -dc"},
      {with_magic(0, "\x28\xb5\x2f\xfd"), "zstd", "zstd -dc"},
      {with_magic(0, "!<arch>\n"), "Debian package", "dpkg -x"},
      {Bytes(4096, 0xa5), "not a kernel", "arm64 kernel"},
      {Bytes(10, 'x'), "only 10 bytes", "again"},
      {Bytes{}, "is empty", "again"},
      {elf({.machine = 62}), "ELF file for x86-64", "AArch64"},
      {elf({.machine = 40, .elf_class = 1}), "ELF file for 32-bit Arm", "AArch64"},
      {elf({.machine = 243}), "ELF file for RISC-V", "AArch64"},
      {elf({.machine = 999}), "ELF file for machine 999", "AArch64"},
      {elf({.machine = 0xb700, .data = 2}), "big-endian ELF", "AArch64"},
      {elf({.elf_class = 1}), "32-bit (ILP32)", "AArch64"},
      {elf({.type = 1}), "object file", "link"},
      {elf({.type = 4}), "type 4", "AArch64"},
      {elf({.filesz = 0x100, .memsz = 0x80}), "impossible sizes", "again"},
      {elf({.paddr = ~u64{0} - 0x10}), "impossible sizes", "again"},
      {elf({.filesz = 0, .memsz = 0}), "nothing to load", "executable"},
      {image({.text_offset = u64{1} << 40}), "header is damaged", "again"},
      {image({.image_size = u64{1} << 40}), "header is damaged", "again"},
  }));
  expect_message(bad(row.file), {"kernel 'some/file'", row.is, row.remedy});
}

TEST_CASE("every cut of a kernel that says its size is seen as truncated") {
  const auto cut = [](Bytes bytes, usize size) {
    bytes.resize(size);
    return bytes;
  };
  for (usize size : {100, 1024, 4095}) expect_message(bad(cut(efi_image(), size)), {"is truncated", "again"});
  for (usize size : {60, 66}) expect_message(bad(cut(image(), size)), {"is truncated", "again"});
  for (usize size : {18, 50, 100, 0x1080}) expect_message(bad(cut(elf(), size)), {"truncated", "again"});
  const Bytes packed = gzip(image({.file_size = 1 << 20}));
  for (usize size : {usize{4}, packed.size() / 2, packed.size() - 1}) {
    expect_message(bad(cut(packed, size)), {"truncated file", "again"});
  }
}

TEST_CASE("damaged gzip data are told from truncated ones") {
  Bytes packed = gzip(image({.file_size = 1 << 20}));
  packed[packed.size() - 6] ^= 0xff;  // the checksum
  expect_message(bad(packed), {"damaged", "again"});
}

TEST_CASE("no prefix or single corruption of a header crashes the parser") {
  for (const Bytes& file : {image(), efi_image(), elf(), gzip(image())}) {
    for (usize size = 0; size < std::min<usize>(file.size(), 320); size++) {
      Bytes cut(file.begin(), file.begin() + static_cast<long>(size));
      (void)parse_kernel(cut, "k", kRam);
      for (u8 value : {0x00, 0x7f, 0xff}) {
        Bytes changed = file;
        changed[size] = value;
        auto kernel = parse_kernel(changed, "k", kRam);
        if (kernel.ok()) CHECK(kernel->segments.size() >= 1);
      }
    }
  }
}

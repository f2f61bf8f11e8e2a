// tests/fuzz/kernel_fuzz.cpp - kernels of every format, from the file to the plan of where its bytes go.
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"
#include "firmware/boot/loader.h"
#include "tests/fuzz/fuzz.h"

using namespace farside;

namespace {

constexpr u64 kRamBase = 0x4000'0000, kRamSize = u64{64} << 20;

/// A file without a name, for functions that want a path.
class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("kernel", MFD_CLOEXEC)) { CHECK(fd_ >= 0, "memfd_create"); }
  ~MemoryFile() { close(fd_); }
  void fill(std::span<const u8> bytes) {
    CHECK(ftruncate(fd_, 0) == 0 && pwrite(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
          "memfd");
  }
  std::string path() const { return fmt::format("/proc/self/fd/{}", fd_); }

 private:
  int fd_;
};

template <class T>
void put(std::vector<u8>& file, usize at, T value) {
  if (file.size() < at + sizeof value) file.resize(at + sizeof value);
  std::memcpy(&file[at], &value, sizeof value);
}

/// Mostly a place in RAM, or a size that fits.
u64 number(fuzz::Input& input, u64 base) {
  return input.take<u8>() % 8 == 0 ? input.take<u64>() : base + input.take<u32>() % kRamSize;
}

/// An arm64 Image whose numbers are the input's.
std::vector<u8> image(fuzz::Input& input) {
  std::vector<u8> file(64);
  put<u32>(file, 0, input.take<u8>() % 2 == 0 ? 0x14000000 | input.take<u8>() : input.take<u32>());
  put<u64>(file, 8, number(input, 0) & ~u64{3});
  put<u64>(file, 16, number(input, 0));
  put<u64>(file, 24, input.take<u8>());
  put<u32>(file, 0x38, 0x644d5241);
  put<u32>(file, 0x3c, input.take<u8>());
  return file;
}

/// An ELF file with up to seven segments, whose places are the input's.
std::vector<u8> elf(fuzz::Input& input) {
  std::vector<u8> file(64);
  const u8 ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  std::memcpy(file.data(), ident, sizeof ident);
  put<u16>(file, 16, 2);
  put<u16>(file, 18, 183);
  put<u64>(file, 24, number(input, kRamBase));
  put<u64>(file, 32, 64);
  put<u16>(file, 54, 56);
  const u16 segments = input.take<u8>() % 8;
  put<u16>(file, 56, input.take<u8>() % 16 == 0 ? input.take<u16>() : segments);
  for (u16 i = 0; i < segments; ++i) {
    const usize at = 64 + 56 * usize{i};
    put<u64>(file, at + 48, 4096);
    put<u32>(file, at, input.take<u8>() % 8 == 0 ? input.take<u8>() : 1);
    put<u64>(file, at + 8, input.take<u8>() % 8 == 0 ? input.take<u64>() : input.take<u8>());
    for (usize field : {16, 24}) put<u64>(file, at + field, number(input, kRamBase));
    const u64 in_file = input.take<u8>() % 8 == 0 ? input.take<u64>() : input.take<u8>();
    put<u64>(file, at + 32, in_file);
    put<u64>(file, at + 40, input.take<u8>() % 8 == 0 ? input.take<u64>() : in_file + input.take<u16>());
  }
  return file;
}

/// Every byte of the plan has a place in RAM.
void check(const boot::BootPlan& plan) {
  for (const boot::Segment& segment : plan.segments) {
    const u64 size = segment.bytes.size() + segment.zeros;
    CHECK(segment.zeros <= kRamSize && size <= kRamSize, "{} bytes", size);
    CHECK(segment.ipa >= kRamBase && segment.ipa - kRamBase <= kRamSize - size, "{} bytes at {:#x}", size, segment.ipa);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  static MemoryFile kernel, initrd;
  fuzz::Input input(data, size);
  const u8 shape = input.take<u8>();
  std::vector<u8> file = shape % 4 == 1 ? image(input) : shape % 4 == 2 ? elf(input) : std::vector<u8>();
  if (shape % 4 == 3) file = {0x1f, 0x8b, 0x08};
  const std::span<const u8> rest = input.bytes(size);
  file.insert(file.end(), rest.begin(), rest.end());
  kernel.fill(file);
  initrd.fill(file);
  boot::BootRequest request{.kernel_path = kernel.path()};
  if (shape & 0x10) request.initrd_path = initrd.path();
  request.fdt.memory_base = kRamBase;
  request.fdt.memory_size = kRamSize;
  if (const auto plan = boot::plan_boot(request)) check(*plan);
  return 0;
}

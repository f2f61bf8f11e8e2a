// tests/unit/boot/loader_test.cpp - whole plans from files: places of kernel, initrd and tree; the user's mistakes.
extern "C" {
#include <libfdt.h>
}

#include "firmware/boot/loader.h"
#include "tests/unit/boot/fixtures.h"

using namespace farside;
using namespace farside::boot;

namespace {

constexpr u64 kRam = 0x4000'0000, kMiB = 1 << 20;

struct Setup {
  Folder folder;
  BootRequest request;
  explicit Setup(const Bytes& kernel, u64 memory = 1024 * kMiB) {
    request.kernel_path = folder.file("Image", kernel);
    request.fdt.memory_size = memory;
    request.fdt.bootargs = "quiet";
  }
  void initrd(usize size) { request.initrd_path = folder.file("initrd.gz", Bytes(size, 0x5a)); }
  BootPlan plan() {
    auto plan = plan_boot(request);
    if (!plan.ok()) FAIL(plan.error().message);
    return std::move(*plan);
  }
  std::string error() {
    auto plan = plan_boot(request);
    REQUIRE_FALSE(plan.ok());
    return plan.error().message;
  }
};

const Segment& segment_at(const BootPlan& plan, u64 ipa) {
  for (const Segment& segment : plan.segments) {
    if (segment.ipa == ipa) return segment;
  }
  FAIL("no segment at " << std::hex << ipa);
  return plan.segments[0];
}

void check_disjoint_and_inside(const BootPlan& plan, u64 memory) {
  for (const Segment& a : plan.segments) {
    CHECK(a.ipa >= kRam);
    CHECK(a.end() <= kRam + memory);
    for (const Segment& b : plan.segments) {
      if (&a != &b) CHECK((a.end() <= b.ipa || b.end() <= a.ipa));
    }
  }
}

}  // namespace

TEST_CASE("the usual plan: kernel at RAM base, initrd at 128 MiB, tree after it") {
  Setup s(image());
  s.initrd(3 * kMiB + 5);
  const BootPlan plan = s.plan();
  CHECK(plan.entry == kRam);
  REQUIRE(plan.initrd);
  CHECK(plan.initrd->base == kRam + 128 * kMiB);
  CHECK(plan.initrd->size == 3 * kMiB + 5);
  CHECK(plan.dtb == kRam + 132 * kMiB);
  CHECK(segment_at(plan, plan.initrd->base).bytes == Bytes(3 * kMiB + 5, 0x5a));
  const Segment& tree = segment_at(plan, plan.dtb);
  REQUIRE(fdt_check_full(tree.bytes.data(), tree.bytes.size()) == 0);
  int length = 0;
  const int chosen = fdt_path_offset(tree.bytes.data(), "/chosen");
  const auto* start =
      static_cast<const fdt64_t*>(fdt_getprop(tree.bytes.data(), chosen, "linux,initrd-start", &length));
  REQUIRE(length == 8);
  CHECK(fdt64_ld(start) == plan.initrd->base);
  check_disjoint_and_inside(plan, 1024 * kMiB);
}

TEST_CASE("small memories: half of it, and right after the kernel when that is needed") {
  Setup s(image({.image_size = 20 * kMiB}), 64 * kMiB);
  s.initrd(8 * kMiB);
  CHECK(s.plan().initrd->base == kRam + 32 * kMiB);
  s.initrd(38 * kMiB);
  const BootPlan plan = s.plan();
  CHECK(plan.initrd->base == kRam + 20 * kMiB);
  check_disjoint_and_inside(plan, 64 * kMiB);
}

TEST_CASE("a kernel longer than 128 MiB pushes the initrd up") {
  Setup s(image({.image_size = 200 * kMiB + 1}));
  s.initrd(10);
  CHECK(s.plan().initrd->base == kRam + 200 * kMiB + 4096);
}

TEST_CASE("without an initrd the tree takes its place, 2 MiB aligned") {
  Setup s(image());
  const BootPlan plan = s.plan();
  CHECK_FALSE(plan.initrd);
  CHECK(plan.dtb == kRam + 128 * kMiB);
  CHECK(plan.segments.size() == 2);
}

TEST_CASE("an ELF kernel finds the tree where RAM begins, unless it is there itself") {
  CHECK(Setup(elf()).plan().dtb == kRam);
  const BootPlan plan = Setup(elf({.paddr = kRam, .vaddr = kRam, .entry = kRam})).plan();
  CHECK(plan.dtb == kRam + 128 * kMiB);
  check_disjoint_and_inside(plan, 1024 * kMiB);
}

TEST_CASE("a user's tree is used and patched") {
  Setup s(image());
  FdtConfig other;
  other.memory_size = 1;
  s.request.dtb_path = s.folder.file("my.dtb", build_fdt(other));
  const BootPlan plan = s.plan();
  const Segment& tree = segment_at(plan, plan.dtb);
  const int memory = fdt_path_offset(tree.bytes.data(), "/memory@40000000");
  const auto* reg = static_cast<const fdt64_t*>(fdt_getprop(tree.bytes.data(), memory, "reg", nullptr));
  REQUIRE(reg != nullptr);
  CHECK(fdt64_ld(reg + 1) == 1024 * kMiB);
}

TEST_CASE("the user's mistakes, each in one line that says what, where and what to do") {
  SECTION("no kernel") { expect_message(plan_boot({}).error().message, {"kernel", "--kernel"}); }
  SECTION("missing files") {
    Setup s(image());
    s.request.initrd_path = "/no/such/initrd";
    expect_message(s.error(), {"initrd '/no/such/initrd'", "No such file", "check the path"});
    s.request.kernel_path = "/no/such/kernel";
    expect_message(s.error(), {"kernel '/no/such/kernel'", "No such file", "check the path"});
  }
  SECTION("a folder") {
    Setup s(image());
    s.request.kernel_path = s.folder.path;
    expect_message(s.error(), {"kernel", "Is a directory", "check the path"});
  }
  SECTION("no file at all, and one beyond reason") {
    Setup s(image());
    s.request.initrd_path = "/dev/zero";
    expect_message(s.error(), {"initrd '/dev/zero'", "is a device", "give a file"});
    std::filesystem::resize_file(s.request.kernel_path, u64{5} << 30);  // sparse
    expect_message(s.error(), {"kernel", "larger than 4 GiB", "smaller"});
  }
  SECTION("an initrd larger than memory") {
    Setup s(image(), 64 * kMiB);
    s.initrd(100 * kMiB);
    expect_message(s.error(), {"initrd", "100 MiB do not fit into 64 MiB", "--memory 104M"});
    s.request.fdt.memory_size = 104 * kMiB;
    CHECK(plan_boot(s.request).ok());
  }
  SECTION("an empty initrd") {
    Setup s(image());
    s.initrd(0);
    expect_message(s.error(), {"initrd", "is empty", "--initrd"});
  }
  SECTION("memory below what the kernel needs") {
    Setup s(image({.image_size = 40 * kMiB}), 32 * kMiB);
    expect_message(s.error(), {"kernel", "needs 40 MiB of memory, the machine has 32 MiB", "--memory 40M"});
    s.request.fdt.memory_size = 41 * kMiB;
    expect_message(s.error(), {"memory", "no room for the device tree", "--memory 42M"});
    s.request.fdt.memory_size = 42 * kMiB;
    CHECK(plan_boot(s.request).ok());
  }
  SECTION("an ELF file for elsewhere") {
    expect_message(Setup(elf({.paddr = 0xffff'8000'0800'0000, .vaddr = 0})).error(), {"outside RAM", "Image"});
    expect_message(Setup(elf({.paddr = 0x8000})).error(), {"0x8000", "outside RAM", "link"});
  }
  SECTION("a broken tree") {
    Setup s(image());
    s.request.dtb_path = s.folder.file("my.dtb", Bytes(64, 7));
    expect_message(s.error(), {"dtb", "my.dtb", "not a device tree blob", "dtc"});
  }
  SECTION("a command line beyond reason") {
    Setup s(image());
    s.request.fdt.bootargs = std::string(3 * kMiB, 'x');
    expect_message(s.error(), {"2 MiB", "--append"});
  }
}

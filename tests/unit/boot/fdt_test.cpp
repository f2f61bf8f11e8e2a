// tests/unit/boot/fdt_test.cpp - the built tree read back with libfdt, and patches of a user's tree.
extern "C" {
#include <libfdt.h>
}

#include <cstdlib>

#include "firmware/boot/fdt.h"
#include "firmware/boot/virt_map.h"
#include "tests/unit/boot/fixtures.h"

using namespace farside;
using namespace farside::boot;

namespace {

struct Tree {
  Bytes blob;
  const void* fdt() const { return blob.data(); }
  bool has(const char* path) const { return fdt_path_offset(fdt(), path) >= 0; }
  std::string raw(const char* path, const char* property) const {
    const int node = fdt_path_offset(fdt(), path);
    INFO(path << " " << property);
    REQUIRE(node >= 0);
    int length = 0;
    const char* data = static_cast<const char*>(fdt_getprop(fdt(), node, property, &length));
    REQUIRE(data != nullptr);
    return std::string(data, static_cast<usize>(length));
  }
  bool has(const char* path, const char* property) const {
    const int node = fdt_path_offset(fdt(), path);
    return node >= 0 && fdt_getprop(fdt(), node, property, nullptr) != nullptr;
  }
  std::string text(const char* path, const char* property) const { return raw(path, property).c_str(); }
  std::vector<u32> cells(const char* path, const char* property) const {
    const std::string data = raw(path, property);
    std::vector<u32> cells;
    for (usize at = 0; at + 4 <= data.size(); at += 4) {
      fdt32_t cell;
      std::memcpy(&cell, data.data() + at, 4);
      cells.push_back(fdt32_to_cpu(cell));
    }
    return cells;
  }
  u64 wide(const char* path, const char* property) const {
    const auto two = cells(path, property);
    REQUIRE(two.size() == 2);
    return u64{two[0]} << 32 | two[1];
  }
};

using Cells = std::vector<u32>;

FdtConfig config() {
  FdtConfig c;
  c.memory_size = u64{5} << 30;
  c.cpus = 4;
  c.cpu_compatible = "arm,cortex-a72";
  c.initrd = IpaRange{0x4800'0000, 0x1234};
  c.bootargs = "console=ttyAMA0 quiet";
  c.kaslr_seed = 0x1122'3344'5566'7788;
  c.rng_seed[31] = 9;
  return c;
}

/// A minimal user's tree with the given numbers of cells.
Bytes user_tree(u32 address_cells, u32 size_cells) {
  Bytes blob(4096);
  void* fdt = blob.data();
  REQUIRE(fdt_create_empty_tree(fdt, 4096) == 0);
  REQUIRE(fdt_setprop_u32(fdt, 0, "#address-cells", address_cells) == 0);
  REQUIRE(fdt_setprop_u32(fdt, 0, "#size-cells", size_cells) == 0);
  REQUIRE(fdt_add_subnode(fdt, 0, "memory") >= 0);  // an old style name, and one known by its type only
  const int memory = fdt_add_subnode(fdt, 0, "bank@80000000");
  REQUIRE(fdt_setprop_string(fdt, memory, "device_type", "memory") == 0);
  const int chosen = fdt_add_subnode(fdt, 0, "chosen");
  REQUIRE(fdt_setprop_string(fdt, chosen, "bootargs", "from the tree") == 0);
  REQUIRE(fdt_setprop_u64(fdt, chosen, "linux,initrd-start", 1) == 0);
  REQUIRE(fdt_setprop_u64(fdt, chosen, "linux,initrd-end", 2) == 0);
  const int board = fdt_add_subnode(fdt, 0, "board");
  REQUIRE(fdt_setprop_string(fdt, board, "compatible", "my,board") == 0);
  REQUIRE(fdt_pack(fdt) == 0);
  blob.resize(fdt_totalsize(fdt));
  return blob;
}

}  // namespace

TEST_CASE("the built tree is sound and describes what was asked for") {
  const Tree t{build_fdt(config())};
  REQUIRE(fdt_check_full(t.fdt(), t.blob.size()) == 0);
  CHECK(fdt_totalsize(t.fdt()) == t.blob.size());
  CHECK(t.cells("/memory@40000000", "reg") == Cells{0, 0x4000'0000, 1, 0x4000'0000});
  CHECK(t.text("/memory@40000000", "device_type") == "memory");
  CHECK(t.text("/cpus/cpu@3", "compatible") == "arm,cortex-a72");
  CHECK(t.cells("/cpus/cpu@3", "reg") == Cells{3});
  CHECK(t.text("/cpus/cpu@3", "enable-method") == "psci");
  CHECK_FALSE(t.has("/cpus/cpu@4"));
  CHECK(t.text("/chosen", "bootargs") == "console=ttyAMA0 quiet");
  CHECK(t.text("/chosen", "stdout-path") == "/pl011@9000000");
  CHECK(t.has(t.text("/chosen", "stdout-path").c_str()));
  CHECK(t.has(t.text("/aliases", "serial0").c_str()));
  CHECK(t.wide("/chosen", "linux,initrd-start") == 0x4800'0000);
  CHECK(t.wide("/chosen", "linux,initrd-end") == 0x4800'1234);
  CHECK(t.wide("/chosen", "kaslr-seed") == 0x1122'3344'5566'7788);
  CHECK(t.raw("/chosen", "rng-seed").size() == 32);
  CHECK(t.text("/psci", "method") == "hvc");
  CHECK(t.raw("/psci", "compatible") == std::string("arm,psci-1.0\0arm,psci-0.2\0arm,psci", 34) + '\0');
  CHECK(t.has("/", "dma-coherent"));
}

TEST_CASE("devices are where the map says, with the interrupts and clocks that their bindings need") {
  const Tree t{build_fdt(config())};
  const u32 gic = t.cells("/intc@8000000", "phandle")[0];
  CHECK(t.cells("/", "interrupt-parent") == Cells{gic});
  CHECK(t.text("/intc@8000000", "compatible") == "arm,gic-v3");
  CHECK(t.cells("/intc@8000000", "reg") == Cells{0, 0x0800'0000, 0, 0x1'0000, 0, 0x080a'0000, 0, 4 * 0x2'0000});
  CHECK(t.cells("/intc@8000000", "#interrupt-cells") == Cells{3});
  CHECK(t.cells("/timer", "interrupts") == Cells{1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4});
  CHECK(t.cells("/pmu", "interrupts") == Cells{1, 7, 4});
  const u32 clock = t.cells("/apb-pclk", "phandle")[0];
  CHECK(t.cells("/apb-pclk", "clock-frequency") == Cells{24'000'000});
  CHECK(t.cells("/pl011@9000000", "reg") == Cells{0, 0x0900'0000, 0, 0x1000});
  CHECK(t.cells("/pl011@9000000", "interrupts") == Cells{0, 1, 4});
  CHECK(t.cells("/pl011@9000000", "clocks") == Cells{clock, clock});
  CHECK(t.raw("/pl011@9000000", "compatible") == std::string("arm,pl011\0arm,primecell", 23) + '\0');
  CHECK(t.raw("/pl011@9000000", "clock-names") == std::string("uartclk\0apb_pclk", 16) + '\0');
  CHECK(t.cells("/pl031@9010000", "interrupts") == Cells{0, 2, 4});
  CHECK(t.cells("/pl061@9030000", "interrupts") == Cells{0, 7, 4});
  CHECK(t.cells("/gpio-keys/poweroff", "gpios") == Cells{t.cells("/pl061@9030000", "phandle")[0], 3, 0});
  CHECK(t.cells("/gpio-keys/poweroff", "linux,code") == Cells{116});
  CHECK(gic != clock);
}

TEST_CASE("what is not there is not in the tree") {
  FdtConfig c;
  c.memory_size = 1 << 28;
  c.psci = PsciConduit::None;
  c.pmu = false;
  c.hyp_timer = false;
  const Tree t{build_fdt(c)};
  CHECK_FALSE(t.has("/psci"));
  CHECK_FALSE(t.has("/pmu"));
  CHECK_FALSE(t.has("/cpus/cpu@0", "enable-method"));
  CHECK_FALSE(t.has("/chosen", "bootargs"));
  CHECK_FALSE(t.has("/chosen", "linux,initrd-start"));
  CHECK_FALSE(t.has("/chosen", "rng-seed"));
  CHECK(t.cells("/timer", "interrupts").size() == 9);
  c.psci = PsciConduit::Smc;
  CHECK(Tree{build_fdt(c)}.text("/psci", "method") == "smc");
}

TEST_CASE("long command lines and eight CPUs fit") {
  FdtConfig c = config();
  c.cpus = 8;
  c.bootargs = std::string(100'000, 'x');
  const Tree t{build_fdt(c)};
  CHECK(t.text("/chosen", "bootargs").size() == 100'000);
  CHECK(t.has("/cpus/cpu@7"));
}

TEST_CASE("equal configurations make equal trees") {
  CHECK(build_fdt(config()) == build_fdt(config()));
  FdtConfig other = config();
  other.kaslr_seed++;
  CHECK(build_fdt(config()) != build_fdt(other));
}

TEST_CASE("dtc has nothing to say about the tree, where it is installed") {
  if (std::system("command -v dtc >/dev/null 2>&1") != 0) return;
  Folder folder;
  const std::string dtb = folder.file("virt.dtb", build_fdt(config()));
  const std::string log = folder.path / "log";
  CHECK(std::system(("dtc -I dtb -O dts -o /dev/null '" + dtb + "' 2>'" + log + "'").c_str()) == 0);
  std::ifstream in(log);
  const std::string said((std::istreambuf_iterator<char>(in)), {});
  CHECK(said.empty());
  if (!said.empty()) WARN(said);
}

TEST_CASE("a user's tree gets memory and boot data and keeps the rest") {
  auto patched = patch_fdt(user_tree(2, 2), "my.dtb", config());
  REQUIRE(patched.ok());
  const Tree t{*patched};
  REQUIRE(fdt_check_full(t.fdt(), t.blob.size()) == 0);
  CHECK(t.text("/board", "compatible") == "my,board");
  CHECK_FALSE(t.has("/bank@80000000"));
  CHECK(t.cells("/memory@40000000", "reg") == Cells{0, 0x4000'0000, 1, 0x4000'0000});
  CHECK(t.text("/chosen", "bootargs") == "console=ttyAMA0 quiet");
  CHECK(t.wide("/chosen", "linux,initrd-end") == 0x4800'1234);
  CHECK(t.wide("/chosen", "kaslr-seed") == 0x1122'3344'5566'7788);
  int memories = 0;
  for (int node = fdt_first_subnode(t.fdt(), 0); node >= 0; node = fdt_next_subnode(t.fdt(), node)) {
    memories += std::string_view(fdt_get_name(t.fdt(), node, nullptr)).starts_with("memory");
  }
  CHECK(memories == 1);
}

TEST_CASE("without a command line or an initrd the tree's own line stays and its old initrd goes") {
  FdtConfig c;
  c.memory_size = 0x1000'0000;
  auto patched = patch_fdt(user_tree(1, 1), "my.dtb", c);
  REQUIRE(patched.ok());
  const Tree t{*patched};
  CHECK(t.text("/chosen", "bootargs") == "from the tree");
  CHECK_FALSE(t.has("/chosen", "linux,initrd-start"));
  CHECK(t.cells("/memory@40000000", "reg") == Cells{0x4000'0000, 0x1000'0000});
}

TEST_CASE("an empty tree gets its chosen node; our own tree can be patched as well") {
  Bytes blob(512);
  REQUIRE(fdt_create_empty_tree(blob.data(), 512) == 0);
  FdtConfig c = config();
  c.memory_size = 1 << 30;
  auto patched = patch_fdt(blob, "e.dtb", c);
  REQUIRE(patched.ok());
  CHECK(Tree{*patched}.text("/chosen", "bootargs") == c.bootargs);
  auto again = patch_fdt(build_fdt(c), "own.dtb", c);
  REQUIRE(again.ok());
  CHECK(Tree{*again}.cells("/memory@40000000", "reg") == Cells{0, 0x4000'0000, 0, 0x4000'0000});
}

TEST_CASE("unsound trees are refused in one line") {
  const Bytes tree = user_tree(2, 2);
  const auto message = [](Bytes blob, FdtConfig c = config()) {
    auto patched = patch_fdt(blob, "my.dtb", c);
    REQUIRE_FALSE(patched.ok());
    return patched.error().message;
  };
  expect_message(message({}), {"dtb 'my.dtb'", "empty", "dtc"});
  expect_message(message(Bytes(100, 'x')), {"not a device tree blob", "dtc"});
  Bytes source;
  put_text(source, 0, "/dts-v1/;\n/ { };\n");
  expect_message(message(source), {"source", "dtc -O dtb"});
  expect_message(message(Bytes(tree.begin(), tree.end() - 1)), {"truncated", "copy"});
  Bytes broken = tree;
  put<u32>(broken, fdt_off_dt_struct(tree.data()), 0x55555555);
  expect_message(message(broken), {"not a sound device tree", "dtc"});
  Bytes old = tree;
  fdt_set_version(old.data(), 3);
  fdt_set_last_comp_version(old.data(), 2);
  expect_message(message(old), {"version 3", "older than 16", "dtc"});
  expect_message(message(user_tree(1, 1)), {"32 bits", "--memory"});
  expect_message(message(user_tree(0, 1)), {"cells", "source"});
}

TEST_CASE("no corrupted byte of a tree crashes the check") {
  const Bytes tree = user_tree(2, 2);
  for (usize at = 0; at < tree.size(); at++) {
    for (u8 value : {0x00, 0x04, 0x80, 0xff}) {
      Bytes changed = tree;
      changed[at] = value;
      auto patched = patch_fdt(changed, "my.dtb", config());
      if (patched.ok()) CHECK(fdt_check_header(patched->data()) == 0);
    }
  }
}

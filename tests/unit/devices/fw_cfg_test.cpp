// tests/unit/devices/fw_cfg_test.cpp - firmware configuration by register and by DMA.
#include "devices/fw_cfg.h"

#include "tests/unit/catch.h"
#include "tests/unit/virtio/guest_driver.h"

using namespace farside;
using namespace farside::dev;

namespace {

struct FwBench {
  virtio::TestMemory memory;
  FwCfg device{memory};
  static constexpr u64 kAccess = virtio::TestMemory::kBase + 0x100, kTarget = virtio::TestMemory::kBase + 0x1000;
  void select(u16 key) { REQUIRE(device.write(8, 2, __builtin_bswap16(key), 0).ok); }
  u8 byte() { return static_cast<u8>(device.read(0, 1, 0).value); }
  std::string text(usize size) {
    std::string out;
    for (usize i = 0; i < size; ++i) out += static_cast<char>(byte());
    return out;
  }
  /// Returns the control word that the device leaves.
  u32 dma(u32 control, u32 length, u64 address) {
    memory.put(kAccess, __builtin_bswap32(control));
    memory.put(kAccess + 4, __builtin_bswap32(length));
    memory.put(kAccess + 8, __builtin_bswap64(address));
    device.write(16, 8, __builtin_bswap64(kAccess), 0);
    return __builtin_bswap32(memory.get<u32>(kAccess));
  }
};

}  // namespace

TEST_CASE("Signature, identity, and zeros where there is nothing") {
  FwBench f;
  f.select(0);
  CHECK(f.text(4) == "QEMU");
  CHECK(f.byte() == 0);
  f.select(1);
  CHECK(f.device.read(0, 4, 0).value == 3);
  f.select(0x77);
  CHECK(f.device.read(0, 8, 0).value == 0);
  CHECK(__builtin_bswap64(f.device.read(16, 8, 0).value) == 0x51454d5520434647);
  CHECK(__builtin_bswap32(static_cast<u32>(f.device.read(16, 4, 0).value)) == 0x51454d55);
}

TEST_CASE("Files are in a directory by name, with size and key") {
  FwBench f;
  f.device.add_file("opt/b", {'x', 'y', 'z'});
  f.device.add_file("opt/a", {1});
  f.select(0x19);
  CHECK(__builtin_bswap32(static_cast<u32>(f.device.read(0, 4, 0).value)) == 2);
  CHECK(__builtin_bswap32(static_cast<u32>(f.device.read(0, 4, 0).value)) == 1);
  f.text(4);
  CHECK(f.text(56).substr(0, 6) == std::string("opt/a\0", 6));
  CHECK(__builtin_bswap32(static_cast<u32>(f.device.read(0, 4, 0).value)) == 3);
  const u16 key = __builtin_bswap16(static_cast<u16>(f.device.read(0, 2, 0).value));
  f.select(key);
  CHECK(f.text(3) == "xyz");
}

TEST_CASE("DMA selects, skips and reads in one access, and pads with zeros") {
  FwBench f;
  f.device.add(fw_cfg::kKeyKernelData, {10, 20, 30, 40});
  CHECK(f.dma(0x0011'0000 | fw_cfg::kDmaSelect | fw_cfg::kDmaSkip, 1, 0) == 0);
  f.memory.put<u64>(f.kTarget, ~u64{0});
  CHECK(f.dma(fw_cfg::kDmaRead, 5, f.kTarget) == 0);
  CHECK(f.memory.copy(f.kTarget, 6) == std::vector<u8>{20, 30, 40, 0, 0, 0xff});
  CHECK(f.dma(0x0011'0000 | fw_cfg::kDmaSelect | fw_cfg::kDmaRead, 2, f.kTarget) == 0);
  CHECK(f.memory.get<u16>(f.kTarget) == 0x140a);
}

TEST_CASE("DMA in two 32-bit halves starts with the low half") {
  FwBench f;
  f.device.add(0x11, {7});
  f.memory.put(f.kAccess, __builtin_bswap32(0x0011'000a));
  f.memory.put(f.kAccess + 4, __builtin_bswap32(1));
  f.memory.put(f.kAccess + 8, __builtin_bswap64(f.kTarget));
  f.device.write(16, 4, __builtin_bswap32(static_cast<u32>(f.kAccess >> 32)), 0);
  CHECK(f.memory.get<u8>(f.kTarget) == 0);
  f.device.write(20, 4, __builtin_bswap32(static_cast<u32>(f.kAccess)), 0);
  CHECK(f.memory.get<u8>(f.kTarget) == 7);
}

TEST_CASE("DMA outside memory and writes are errors; a bad access address is ignored") {
  FwBench f;
  CHECK(f.dma(0x0000'0000 | fw_cfg::kDmaSelect | fw_cfg::kDmaRead, 4, 0) == fw_cfg::kDmaError);
  CHECK(f.dma(fw_cfg::kDmaRead, 0xffffffff, f.kTarget) == fw_cfg::kDmaError);
  CHECK(f.dma(fw_cfg::kDmaWrite, 4, f.kTarget) == fw_cfg::kDmaError);
  f.device.write(16, 8, 0, 0);
  f.device.write(16, 8, ~u64{0}, 0);
}

TEST_CASE("DMA does what the first of read, write and skip says, ignores the other bits, and wraps nowhere") {
  using namespace fw_cfg;
  FwBench f;
  f.device.add(kKeyKernelData, {10, 20, 30, 40});
  const u32 select = u32{kKeyKernelData} << 16 | kDmaSelect;
  CHECK(f.dma(select | kDmaRead | kDmaWrite | kDmaSkip, 1, f.kTarget) == 0);
  CHECK(f.memory.get<u8>(f.kTarget) == 10);
  CHECK(f.dma(kDmaRead | 0xffc0, 1, f.kTarget) == 0);
  CHECK(f.memory.get<u8>(f.kTarget) == 20);
  CHECK(f.dma(kDmaWrite | kDmaSkip, 1, f.kTarget) == kDmaError);
  CHECK(f.dma(0, ~u32{0}, ~u64{0}) == 0);  // nothing to do
  CHECK(f.dma(kDmaRead, 2, ~u64{0}) == kDmaError);
  CHECK(f.dma(kDmaRead, 2, ~u64{0} - 1) == kDmaError);
  CHECK(f.dma(select | kDmaSkip, ~u32{0}, 0) == 0);
  for (int i = 0; i < 3; ++i) CHECK(f.dma(kDmaSkip, ~u32{0}, 0) == 0);
  CHECK(f.dma(kDmaRead, 1, f.kTarget) == 0);
  CHECK(f.memory.get<u8>(f.kTarget) == 0);
  // The access block is where its own answer goes.
  CHECK(f.dma(select | kDmaRead, 4, f.kAccess + 4) == 0);
  CHECK(f.memory.get<u32>(f.kAccess + 4) == 0x281e140a);
}

TEST_CASE("Selection and position survive save and restore") {
  FwBench a, b;
  a.select(0);
  CHECK(a.byte() == 'Q');
  restore(b.device, save(a.device));
  CHECK(b.byte() == 'E');
}

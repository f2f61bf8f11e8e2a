// tests/fuzz/fw_cfg_fuzz.cpp - firmware configuration with any accesses and any DMA.
#include "devices/fw_cfg.h"
#include "tests/fuzz/virtqueue_bench.h"

using namespace farside;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  fuzz::Input input(data, size);
  fuzz::Memory memory;
  dev::FwCfg device(memory);
  device.add_file("opt/file", std::vector<u8>(100, 1));
  device.add(dev::fw_cfg::kKeyKernelData, std::vector<u8>(5000, 2));
  while (!input.empty()) {
    const u8 action = input.take<u8>();
    if (action % 4 == 0) {
      const u64 at = input.take<u16>();
      for (u64 i = 0; i < 16; ++i) memory.put<u8>(at + i, input.take<u8>());
    } else if (action % 4 == 1) {
      device.write(16, 8, __builtin_bswap64(fuzz::Memory::kBase + input.take<u16>()), 0);
    } else {
      const unsigned width = 1u << (action >> 6);
      const u64 offset = input.take<u8>() % 24 & ~u64{width - 1};
      action & 4 ? device.write(offset, width, input.take<u64>(), 0) : device.read(offset, width, 0);
    }
  }
  return 0;
}

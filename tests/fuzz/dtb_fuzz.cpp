// tests/fuzz/dtb_fuzz.cpp - a user's device tree: bytes as they come, and the machine's own tree with some of them
// changed.
extern "C" {
#include <libfdt.h>
}

#include "core/base/check.h"
#include "firmware/boot/fdt.h"
#include "tests/fuzz/fuzz.h"

using namespace farside;

namespace {

boot::FdtConfig make_config() {
  boot::FdtConfig config;
  config.memory_size = u64{64} << 20;
  config.cpus = 2;
  config.virtio_slots = 2;
  config.bootargs = "console=ttyAMA0";
  config.initrd = boot::IpaRange{0x4200'0000, 0x1000};
  config.kaslr_seed = 1;
  return config;
}

/// What comes out is a tree that says what the machine is, and can be patched again.
void patch(std::span<const u8> blob, const boot::FdtConfig& config) {
  const auto first = boot::patch_fdt(blob, "tree", config);
  if (!first) return;
  CHECK(fdt_check_full(first->data(), first->size()) == 0, "an unsound tree");
  const void* const tree = first->data();
  const char* const words =
      static_cast<const char*>(fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", nullptr));
  CHECK(words != nullptr && words == config.bootargs, "other words for the kernel");
  CHECK(fdt_path_offset(tree, "/memory@40000000") > 0, "no memory");
  CHECK(boot::patch_fdt(*first, "tree", config).ok(), "a tree that is refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  static const boot::FdtConfig config = make_config();
  static const std::vector<u8> sound = boot::build_fdt(config);
  patch({data, size}, config);
  std::vector<u8> forged = sound;
  fuzz::Input input(data, size);
  while (!input.empty()) {
    // Cells are big-endian and small: most changes are to the last byte of one, and to another small number.
    const usize at = input.take<u16>() % forged.size();
    forged[input.take<u8>() % 4 == 0 ? at : (at | 3) % forged.size()] = input.take<u8>();
  }
  patch(forged, config);
  return 0;
}

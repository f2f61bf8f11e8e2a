// tests/fuzz/rng_fuzz.cpp - entropy device with a hostile driver.
#include "devices/virtio/rng.h"
#include "tests/fuzz/virtqueue_bench.h"

using namespace farside;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  fuzz::Input input(data, size);
  dev::virtio::Rng device(dev::virtio::Entropy::Seeded, 1);
  fuzz::drive(device, input, [](fuzz::Input&) {});
  return 0;
}

// tests/fuzz/console_fuzz.cpp - console with a hostile driver.
#include "devices/virtio/console.h"
#include "tests/fuzz/virtqueue_bench.h"

using namespace farside;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  fuzz::Input input(data, size);
  dev::virtio::Console device([](u8) {});
  fuzz::drive(device, input, [&](fuzz::Input& in) { device.receive(in.bytes(in.take<u8>())); });
  return 0;
}

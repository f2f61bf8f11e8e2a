// tests/fuzz/net_fuzz.cpp - network card with a hostile driver.
#include "devices/virtio/net.h"
#include "tests/fuzz/virtqueue_bench.h"

using namespace farside;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  fuzz::Input input(data, size);
  dev::virtio::Net device;
  device.set_sink([](std::span<const u8>) {});
  fuzz::drive(device, input, [&](fuzz::Input& in) { device.receive(in.bytes(in.take<u8>())); });
  return 0;
}

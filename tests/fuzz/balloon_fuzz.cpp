// tests/fuzz/balloon_fuzz.cpp - balloon with a hostile driver.
#include "devices/virtio/balloon.h"
#include "tests/fuzz/virtqueue_bench.h"

using namespace farside;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  fuzz::Input input(data, size);
  fuzz::Memory memory;
  dev::virtio::Balloon device(memory);
  fuzz::drive(device, input, [&](fuzz::Input& in) { device.set_target(in.take<u32>()); });
  return 0;
}

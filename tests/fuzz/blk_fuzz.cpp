// tests/fuzz/blk_fuzz.cpp - block device with a hostile driver.
#include <algorithm>

#include "devices/virtio/blk.h"
#include "tests/fuzz/virtqueue_bench.h"

using namespace farside;

namespace {

struct SmallDisk final : dev::virtio::Disk {
  std::vector<u8> bytes = std::vector<u8>(64 * 1024);
  bool inside(u64 offset, u64 length) const { return offset <= bytes.size() && length <= bytes.size() - offset; }
  u64 size() const override { return bytes.size(); }
  bool read_only() const override { return false; }
  bool read(u64 offset, std::span<u8> out) override {
    if (!inside(offset, out.size())) __builtin_trap();  // the device checks before it asks
    std::copy_n(bytes.begin() + static_cast<long>(offset), out.size(), out.begin());
    return true;
  }
  bool write(u64 offset, std::span<const u8> in) override {
    if (!inside(offset, in.size())) __builtin_trap();
    std::copy(in.begin(), in.end(), bytes.begin() + static_cast<long>(offset));
    return true;
  }
  bool flush() override { return true; }
  bool write_zeroes(u64 offset, u64 length, bool) override {
    if (!inside(offset, length)) __builtin_trap();
    std::fill_n(bytes.begin() + static_cast<long>(offset), length, u8{0});
    return true;
  }
  bool discard(u64 offset, u64 length) override { return write_zeroes(offset, length, true); }
  std::string serial() const override { return "fuzz"; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  fuzz::Input input(data, size);
  dev::virtio::Block device(std::make_unique<SmallDisk>());
  fuzz::drive(device, input, [](fuzz::Input&) {});
  return 0;
}

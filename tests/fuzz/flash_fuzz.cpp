// tests/fuzz/flash_fuzz.cpp - flash with any sequence of reads and writes; also as a restored state.
#include "devices/flash.h"
#include "tests/fuzz/fuzz.h"

using namespace farside;

namespace {

/// Fields of a state from the input.
class InputState final : public dev::StateVisitor {
 public:
  explicit InputState(fuzz::Input& input) : input_(input) {}
  void field(std::string_view, void* data, usize size) override {
    const auto bytes = input_.bytes(size);
    std::memset(data, 0, size);
    if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
  }
  bool restoring() const override { return true; }

 private:
  fuzz::Input& input_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  using namespace dev::flash;
  // Two sectors, made once.
  static constexpr u64 kSize = 2 * kSectorSize;
  static dev::Flash writable({}, true, kSize), read_only({}, false, kSize);
  static constexpr u8 kCommands[] = {0xff, 0x90, 0x98, 0x70, 0x50, 0x40, 0x20, 0xd0, 0x60, 0xe8};
  fuzz::Input input(data, size);
  const u8 shape = input.take<u8>();
  dev::Flash& device = shape & 1 ? read_only : writable;
  device.reset();
  for (u64 sector = 0; sector < kSize; sector += kSectorSize) {
    device.write(sector, 4, kErase, 0);
    device.write(sector, 4, kConfirm, 0);
  }
  device.reset();
  if (shape & 2) {
    InputState state(input);
    device.visit_state(state);
  }
  while (!input.empty()) {
    const u8 action = input.take<u8>();
    const unsigned width = 1u << (action >> 6);
    const u64 place = action & 1 ? kSize - 4096 + input.take<u16>() % 4096 : input.take<u16>();
    const u64 offset = place & ~u64{width - 1};
    if (action & 2) {
      device.read(offset, width, 0);
    } else if (action & 4) {
      device.write(offset, width, kCommands[input.take<u8>() % std::size(kCommands)], 0);
    } else {
      device.write(offset, width, input.take<u64>(), 0);
    }
  }
  return 0;
}

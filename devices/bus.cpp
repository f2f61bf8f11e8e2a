// devices/bus.cpp - keeps the sorted ranges of devices and dispatches accesses to them.
#include "devices/bus.h"

#include <algorithm>

#include "core/base/bits.h"
#include "core/base/check.h"

namespace farside::dev {

void Bus::attach(u64 base, u64 size, MmioDevice& device) {
  CHECK(size != 0 && base + (size - 1) >= base, "{} at {:#x}+{:#x}", device.name(), base, size);
  auto after = std::upper_bound(ranges_.begin(), ranges_.end(), base,
                                [](u64 at, const BusRange& range) { return at < range.base; });
  CHECK(after == ranges_.end() || after->base - base >= size, "{} overlaps {}", device.name(), after->device->name());
  CHECK(after == ranges_.begin() || base - (after - 1)->base >= (after - 1)->size, "{} overlaps {}", device.name(),
        (after - 1)->device->name());
  ranges_.insert(after, {base, size, &device});
  last_ = 0;
}

const BusRange* Bus::find(u64 address) {
  if (last_ < ranges_.size()) {
    const BusRange& last = ranges_[last_];
    if (address - last.base < last.size) return &last;
  }
  auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                [](u64 at, const BusRange& range) { return at < range.base; });
  if (after == ranges_.begin()) return nullptr;
  const BusRange& range = *(after - 1);
  if (address - range.base >= range.size) return nullptr;
  last_ = static_cast<usize>(&range - ranges_.data());
  return &range;
}

const BusRange* Bus::find_access(u64 address, unsigned size) {
  const BusRange* range = find(address);
  if (range == nullptr || size > range->size - (address - range->base)) return nullptr;
  return range;
}

MmioResult Bus::read(u64 address, unsigned size, u32 pe) {
  const BusRange* range = find_access(address, size);
  return range ? range->device->read(address - range->base, size, pe) : MmioResult::failed();
}

MmioResult Bus::write(u64 address, unsigned size, u64 value, u32 pe) {
  const BusRange* range = find_access(address, size);
  return range ? range->device->write(address - range->base, size, value & ones(8 * size), pe) : MmioResult::failed();
}

std::vector<MmioDevice*> Bus::devices() const {
  std::vector<MmioDevice*> devices;
  for (const BusRange& range : ranges_) {
    if (std::find(devices.begin(), devices.end(), range.device) == devices.end()) devices.push_back(range.device);
  }
  return devices;
}

void Bus::reset() {
  for (MmioDevice* device : devices()) device->reset();
}

void Bus::visit_state(StateVisitor& visitor) {
  for (MmioDevice* device : devices()) device->visit_state(visitor);
}

}  // namespace farside::dev

// devices/virtio/queue.cpp - walks descriptor chains of a driver that may be hostile, and keeps the used ring.
#include "devices/virtio/queue.h"

#include <algorithm>

namespace farside::dev::virtio {
namespace {

/// Calls `part(address, offset into the span, count)` for the pieces of [offset, offset + size) of a buffer list.
template <class Buffers, class Part>
bool for_each_part(const Buffers& buffers, u64 offset, u64 size, Part part) {
  u64 done = 0;
  for (const auto& buffer : buffers) {
    if (done == size) break;
    if (offset >= buffer.length) {
      offset -= buffer.length;
      continue;
    }
    const u64 count = std::min<u64>(buffer.length - offset, size - done);
    if (!part(buffer.address + offset, done, count)) return false;
    done += count;
    offset = 0;
  }
  return done == size;
}

}  // namespace

bool Chain::read(u64 offset, std::span<u8> out) const {
  return for_each_part(to_read_, offset, out.size(),
                       [&](u64 address, u64 at, u64 count) { return dma_->read(address, out.subspan(at, count)); });
}

bool Chain::write(u64 offset, std::span<const u8> bytes) {
  return for_each_part(to_write_, offset, bytes.size(),
                       [&](u64 address, u64 at, u64 count) { return dma_->write(address, bytes.subspan(at, count)); });
}

void Queue::enable(bool event_idx) {
  if (ready_) return;
  ready_ = 1;
  event_idx_ = event_idx;
  next_avail_ = next_used_ = signalled_ = 0;
  // 2.7: a power of two, and each area aligned.
  if (!is_power_of_two(size_) || size_ > max_size_ || !is_aligned(desc, kDescAlign) ||
      !is_aligned(driver, kAvailAlign) || !is_aligned(device, kUsedAlign)) {
    broken_ = 1;
  }
}

void Queue::disable() {
  ready_ = 0;
  next_avail_ = next_used_ = signalled_ = 0;
}

void Queue::reset() {
  disable();
  size_ = 0;
  desc = driver = device = 0;
  broken_ = event_idx_ = 0;
}

bool Queue::load16(u64 address, u16& value) {
  if (dma_.read(address, {reinterpret_cast<u8*>(&value), sizeof value})) return true;
  broken_ = 1;
  return false;
}

bool Queue::store16(u64 address, u16 value) {
  if (dma_.write(address, {reinterpret_cast<const u8*>(&value), sizeof value})) return true;
  broken_ = 1;
  return false;
}

bool Queue::load_descriptor(const Table& table, u32 index, Descriptor& out) {
  if (index >= table.entries) return false;
  static_assert(sizeof(Descriptor) == kDescriptorSize);
  return dma_.read(table.base + u64{index} * kDescriptorSize, {reinterpret_cast<u8*>(&out), sizeof out});
}

bool Queue::append(Chain& chain, const Descriptor& descriptor) {
  const bool write = descriptor.flags & kDescWrite;
  if (!write && !chain.to_write_.empty()) return false;  // 2.7.4.2: readable ones come first
  if (chain.readable_ + chain.writable_ + descriptor.length > kChainMax) return false;
  if (descriptor.length > ~descriptor.address) return false;  // wraps around the address space
  (write ? chain.to_write_ : chain.to_read_).push_back({descriptor.address, descriptor.length});
  (write ? chain.writable_ : chain.readable_) += descriptor.length;
  return true;
}

/// Collects the chain that begins at `index`. More steps than the table has entries is a loop.
bool Queue::follow(Chain& chain, Table table, u32 index, bool indirect) {
  for (u32 steps = 0; steps < table.entries; ++steps) {
    Descriptor descriptor;
    if (!load_descriptor(table, index, descriptor)) return false;
    if (descriptor.flags & kDescIndirect) {
      // 2.7.5.3: no table inside a table, nothing after a table, a whole number of entries.
      if (indirect || (descriptor.flags & kDescNext) || descriptor.length % kDescriptorSize != 0) return false;
      const u32 entries = descriptor.length / kDescriptorSize;
      return entries != 0 && entries <= kIndirectMax && follow(chain, {descriptor.address, entries}, 0, true);
    }
    if (!append(chain, descriptor)) return false;
    if (!(descriptor.flags & kDescNext)) return true;
    index = descriptor.next;
  }
  return false;
}

bool Queue::has_available() {
  u16 avail_idx = 0;
  return ready_ && !broken_ && load16(driver + 2, avail_idx) && avail_idx != next_avail_;
}

Popped Queue::pop(Chain& chain) {
  if (broken_) return Popped::Broken;
  if (!ready_) return Popped::Nothing;
  u16 avail_idx = 0, head = 0;
  if (!load16(driver + 2, avail_idx)) return Popped::Broken;
  const u16 waiting = static_cast<u16>(avail_idx - next_avail_);
  if (waiting == 0) return Popped::Nothing;
  chain = Chain();
  chain.dma_ = &dma_;
  if (waiting > size_ || !load16(driver + kRingEntries + 2 * u64(next_avail_ % size_), head) ||
      !follow(chain, {desc, size_}, head, false)) {
    broken_ = 1;
    return Popped::Broken;
  }
  chain.head_ = head;
  ++next_avail_;
  return Popped::Chain;
}

void Queue::push(const Chain& chain, u32 written) {
  if (broken_ || !ready_) return;
  const u32 element[2] = {chain.head(), written};
  static_assert(sizeof element == kUsedElementSize);
  const u64 at = device + kRingEntries + u64{kUsedElementSize} * (next_used_ % size_);
  if (!dma_.write(at, {reinterpret_cast<const u8*>(element), sizeof element})) {
    broken_ = 1;
    return;
  }
  store16(device + 2, ++next_used_);
}

bool Queue::wants_interrupt() {
  if (broken_ || !ready_) return false;
  const u16 old = signalled_;
  signalled_ = next_used_;
  u16 word = 0;
  if (!event_idx_) {
    return next_used_ != old && load16(driver, word) && !(word & kAvailNoInterrupt);
  }
  // 2.7.10: notify again from the entry that has not been seen yet.
  if (!store16(avail_event_address(), next_avail_) || !load16(used_event_address(), word)) return false;
  // 2.7.7.2: the index has moved past used_event since the last time.
  return static_cast<u16>(next_used_ - word - 1) < static_cast<u16>(next_used_ - old);
}

void Queue::visit_state(StateVisitor& v) {
  for (u64* address : {&desc, &driver, &device}) v.value("queue.address", *address);
  for (u16* index : {&size_, &next_avail_, &next_used_, &signalled_}) v.value("queue.index", *index);
  for (u8* flag : {&ready_, &broken_, &event_idx_}) v.value("queue.flag", *flag);
  // A queue that was ready and sound has a size that pop() can divide by; a forged snapshot may not.
  if (v.restoring() && ready_ && (!is_power_of_two(size_) || size_ > max_size_)) broken_ = 1;
}

}  // namespace farside::dev::virtio

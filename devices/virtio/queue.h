// devices/virtio/queue.h - one split virtqueue: chains out of the available ring, answers into the used ring.
#pragma once
#include <span>
#include <vector>

#include "devices/dma.h"
#include "devices/state.h"
#include "devices/virtio/spec.h"

namespace farside::dev::virtio {

/// One request of the driver: some bytes to read, then some to write. Descriptor boundaries mean nothing (2.6.4).
class Chain {
 public:
  /// The head descriptor, by which the used ring names the chain.
  u16 head() const { return head_; }
  u64 readable() const { return readable_; }
  u64 writable() const { return writable_; }
  /// Bytes of the device-readable part from `offset`. False when they are not all there, or not in RAM.
  bool read(u64 offset, std::span<u8> out) const;
  /// Bytes into the device-writable part at `offset`. False when they do not fit, or not in RAM.
  bool write(u64 offset, std::span<const u8> bytes);
  /// A little-endian scalar at `offset` of the readable part.
  template <class T>
  bool read_value(u64 offset, T& value) const {
    return read(offset, {reinterpret_cast<u8*>(&value), sizeof value});
  }

 private:
  friend class Queue;
  struct Buffer {
    u64 address;
    u32 length;
  };
  DmaPort* dma_ = nullptr;
  u16 head_ = 0;
  u64 readable_ = 0, writable_ = 0;
  std::vector<Buffer> to_read_, to_write_;
};

enum class Popped : u8 { Nothing, Chain, Broken };

/// The device's side of a split virtqueue (2.7). Everything that it finds in guest memory is checked: a ring or table
/// outside RAM, a jump of the available index, a descriptor out of range, a loop, a wrong order or a chain beyond the
/// limits of spec.h make the queue broken until it is reset.
class Queue {
 public:
  Queue(DmaPort& dma, u16 max_size) : dma_(dma), max_size_(max_size) {}

  // ---- Set by the transport ----
  u16 max_size() const { return max_size_; }
  u16 size() const { return size_; }
  bool ready() const { return ready_ != 0; }
  u64 desc = 0, driver = 0, device = 0;  ///< guest-physical addresses of table, available ring and used ring
  void set_size(u32 size) { size_ = size <= 0xffff ? static_cast<u16>(size) : 0; }
  /// Turns the queue on; a size or an address that the driver must not choose makes it broken.
  void enable(bool event_idx);
  /// Turns it off; ring positions start over.
  void disable();
  void reset();

  // ---- Used by devices ----
  /// The next chain that the driver has made available.
  Popped pop(Chain& chain);
  /// True when pop() would have something to say.
  bool has_available();
  /// Gives `chain` back with `written` bytes in its writable part.
  void push(const Chain& chain, u32 written);
  /// Undoes the last pop(): the chain is available again.
  void unpop() { --next_avail_; }
  /// After one or more push(): whether the driver wants to hear of it. Asking also tells the driver from where on it
  /// has to notify again.
  bool wants_interrupt();
  void mark_broken() { broken_ = 1; }
  bool broken() const { return broken_ != 0; }

  void visit_state(StateVisitor& visitor);

 private:
  struct Descriptor {
    u64 address;
    u32 length;
    u16 flags, next;
  };
  struct Table {
    u64 base;
    u32 entries;
  };
  bool load16(u64 address, u16& value);
  bool store16(u64 address, u16 value);
  bool load_descriptor(const Table& table, u32 index, Descriptor& out);
  bool follow(Chain& chain, Table table, u32 index, bool indirect);
  static bool append(Chain& chain, const Descriptor& descriptor);
  u64 used_event_address() const { return driver + kRingEntries + 2 * u64{size_}; }
  u64 avail_event_address() const { return device + kRingEntries + u64{kUsedElementSize} * size_; }

  DmaPort& dma_;
  u16 max_size_;
  u16 size_ = 0;
  u16 next_avail_ = 0, next_used_ = 0, signalled_ = 0;
  u8 ready_ = 0, broken_ = 0, event_idx_ = 0;
};

}  // namespace farside::dev::virtio

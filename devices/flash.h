// devices/flash.h - one bank of CFI NOR flash with the Intel command set.
#pragma once
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "devices/device.h"
#include "devices/flash_spec.h"

namespace farside::dev {

/// The file behind a bank that outlives the run. What the guest has programmed or erased is in the file when the
/// command is done, so that the file of a killed run is the flash at that moment.
class FlashFile {
 public:
  /// Opens `path` for reading and writing and locks it; it may be shorter than a bank, and is made if it does not
  /// exist.
  static Result<std::unique_ptr<FlashFile>, UserError> open(const std::string& path);
  ~FlashFile();
  FlashFile(const FlashFile&) = delete;
  /// The whole bank: the file's bytes, the rest erased.
  std::vector<u8> contents();
  /// False when the host refuses.
  bool write(u64 offset, std::span<const u8> bytes);

 private:
  FlashFile(int fd, u64 size) : fd_(fd), size_(size) {}
  bool put(u64 offset, std::span<const u8> bytes);
  int fd_;
  u64 size_;
};

/// Starts vectors on a page of the host, so that their pages can be mapped.
template <class T>
struct PageAllocator {
  using value_type = T;
  static constexpr std::align_val_t kPage{4096};
  T* allocate(usize count) { return static_cast<T*>(::operator new(count * sizeof(T), kPage)); }
  void deallocate(T* values, usize) { ::operator delete(values, kPage); }
  friend bool operator==(PageAllocator, PageAllocator) { return true; }
};

/// A bank of flash. In array mode it reads as memory, and its owner may map contents() directly; the first command
/// leaves that mode. Commands take no time.
class Flash final : public MmioDevice {
 public:
  /// Missing bytes of `contents` are erased. Without `writable` programming and erasing fail with "protected". `size`
  /// is a power of two of sectors, up to that of the machine's banks.
  Flash(std::span<const u8> contents, bool writable, u64 size = flash::kBankSize);
  /// Where changes go, in addition; null for nowhere.
  void set_file(std::unique_ptr<FlashFile> file) { file_ = std::move(file); }
  /// Called when array mode begins (true) and ends (false).
  void set_mode_listener(std::function<void(bool)> listener) { mode_listener_ = std::move(listener); }
  /// The whole bank, from a page boundary of the host on; it stays where it is.
  std::span<const u8> contents() const { return bytes_; }
  /// What changed since the last call, in bytes: [first, second). Empty when nothing did.
  std::pair<u64, u64> take_changes();

  std::string_view name() const override { return "flash"; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override;
  MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) override;
  void reset() override;
  void visit_state(StateVisitor& visitor) override;

 private:
  /// What reads return.
  enum class Mode : u8 { Array, Status, Id, Query };
  /// Which write comes next.
  enum class Step : u8 { Command, ProgramData, EraseConfirm, LockConfirm, BufferCount, BufferData, BufferConfirm };
  void set_mode(Mode mode);
  void command(u8 value);
  void fail(u8 error);
  void program(u64 offset, std::span<const u8> bytes);
  void erase(u64 offset);
  void buffer_data(u64 offset, unsigned size, u64 value);
  void changed(u64 offset, u64 size);
  u32 word(u64 offset) const;
  u8 query(u64 address) const;

  std::vector<u8, PageAllocator<u8>> bytes_;
  std::unique_ptr<FlashFile> file_;
  std::function<void(bool)> mode_listener_;
  u64 changed_from_ = ~u64{0}, changed_to_ = 0;
  bool writable_;
  Mode mode_ = Mode::Array;
  Step step_ = Step::Command;
  u8 status_ = flash::kReady;
  u32 buffer_left_ = 0;  ///< words that the buffer still expects
  u64 buffer_base_ = 0;  ///< where in the bank the buffer goes; all ones before its first word
  std::array<u8, flash::kBufferSize> buffer_{};
};

}  // namespace farside::dev

// frontends/machine/semihosting.h - answers HLT #0xF000: the calls of Arm's semihosting specification, for AArch64.
#pragma once
#include <deque>
#include <functional>
#include <optional>

#include "core/pe/ports.h"
#include "frontends/machine/semihosting_files.h"

namespace farside::machine {

/// What the calls need of the machine around them.
struct SemihostingHost {
  enum class Keys : u8 { MayCome, End, Stop };  ///< Stop: the run is to stop now, without an answer

  std::function<void(u8)> output;
  /// Waits a little for a key, which then goes to Semihosting::receive.
  std::function<Keys()> wait_for_key;
  std::function<void()> exit;
  /// Under the hypervisor: whether a guest-physical address is in a memory slot, for writing or for reading only.
  std::function<bool(u64 ipa, bool write)> has_memory;
  u64 date = 0;  ///< seconds since 1970 when the counter was 0
  std::string command_line;
};

/// Memory that the guest's files do not fill.
struct FreeMemory {
  u64 base = 0, end = 0;
};

class Semihosting final : public pe::SemihostingPort {
 public:
  Semihosting(std::unique_ptr<dev::virtio::Folder> folder, SemihostingHost host)
      : files_(std::move(folder)), host_(std::move(host)) {}

  /// X1 and the blocks that it points to are read, and results written, as loads and stores at the call would: what
  /// would make one of them fault makes the call fault, before it has done anything. Where no memory is, the call
  /// fails with EFAULT.
  bool call(pe::Pe& pe, bool& again) override;
  /// Keys for SYS_READC, and for SYS_READ of the console.
  void receive(std::span<const u8> keys) { keys_.insert(keys_.end(), keys.begin(), keys.end()); }
  /// What SYS_EXIT asked for.
  u32 exit_status() const { return exit_status_; }
  void set_free_memory(FreeMemory free) { free_ = free; }
  /// The machine is reset: nothing is open.
  void reset();
  void visit_state(StateVisitor& visitor);

 private:
  class Caller;
  using Answer = std::optional<u64>;  ///< X0; empty: an exception is pending, or the call is to be made again
  using Errno = SemihostingFiles::Errno;
  Answer dispatch(u64 operation, Caller& caller);
  Answer fail(Errno error);
  Answer open(Caller& caller);
  Answer close(Caller& caller);
  Answer write_character(Caller& caller);
  Answer write_text(Caller& caller);
  Answer write(Caller& caller);
  Answer read(Caller& caller);
  Answer read_keys(Caller& caller, u64 address, u64 size);
  Answer read_character();
  Answer is_terminal(Caller& caller);
  Answer seek(Caller& caller);
  Answer length(Caller& caller);
  Answer temporary_name(Caller& caller);
  Answer remove(Caller& caller);
  Answer rename(Caller& caller);
  Answer command_line(Caller& caller);
  Answer heap_info(Caller& caller);
  Answer elapsed(Caller& caller);
  Answer exit(Caller& caller);
  /// False: there will be no key, or (`again_`) none before the run stops.
  bool have_key();

  SemihostingFiles files_;
  SemihostingHost host_;
  FreeMemory free_;
  std::deque<u8> keys_;
  u64 errno_ = 0;
  u32 exit_status_ = 0;
  bool again_ = false;
};

}  // namespace farside::machine

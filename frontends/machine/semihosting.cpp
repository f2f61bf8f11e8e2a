// frontends/machine/semihosting.cpp - one function for each operation: arguments from the guest, work, result in X0.
#include "frontends/machine/semihosting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/pe/pe.h"

namespace farside::machine {
namespace {

/// The numbers of the operations, in W0.
enum Operation : u32 {
  SYS_OPEN = 0x01,
  SYS_CLOSE = 0x02,
  SYS_WRITEC = 0x03,
  SYS_WRITE0 = 0x04,
  SYS_WRITE = 0x05,
  SYS_READ = 0x06,
  SYS_READC = 0x07,
  SYS_ISERROR = 0x08,
  SYS_ISTTY = 0x09,
  SYS_SEEK = 0x0a,
  SYS_FLEN = 0x0c,
  SYS_TMPNAM = 0x0d,
  SYS_REMOVE = 0x0e,
  SYS_RENAME = 0x0f,
  SYS_CLOCK = 0x10,
  SYS_TIME = 0x11,
  SYS_SYSTEM = 0x12,
  SYS_ERRNO = 0x13,
  SYS_GET_CMDLINE = 0x15,
  SYS_HEAPINFO = 0x16,
  SYS_EXIT = 0x18,
  SYS_EXIT_EXTENDED = 0x20,
  SYS_ELAPSED = 0x30,
  SYS_TICKFREQ = 0x31,
};

constexpr u64 kError = ~u64{0};
constexpr u64 kPage = 4096;
/// What one SYS_READ or SYS_WRITE moves at most; the rest counts as not moved.
constexpr u64 kMostBytes = 16 << 20;
constexpr u64 kLongestText = 64 << 10;
/// ADP_Stopped_ApplicationExit: the only reason of SYS_EXIT that comes with a status.
constexpr u64 kApplicationExit = 0x20026;

}  // namespace

/// The guest's memory as the core sees it that makes the call. False: an exception is pending, or outside() is true.
class Semihosting::Caller {
 public:
  Caller(pe::Pe& pe, const SemihostingHost& host) : pe_(pe), host_(host) {}

  u64 parameter() const { return pe_.s.x[1]; }
  /// An address was translated, but not to memory.
  bool outside() const { return outside_; }
  bool read(u64 address, std::span<u8> out) {
    if (!reaches(address, out.size(), AccessKind::Read)) return false;
    for (usize done = 0; done < out.size(); done += kStep) {
      const auto size = static_cast<unsigned>(std::min(kStep, out.size() - done));
      if (!pe_.load_slow(address + done, size, kByBytes, out.data() + done)) return false;
    }
    return true;
  }
  bool write(u64 address, std::span<const u8> bytes) {
    if (!writable(address, bytes.size())) return false;
    for (usize done = 0; done < bytes.size(); done += kStep) {
      const auto size = static_cast<unsigned>(std::min(kStep, bytes.size() - done));
      if (!pe_.store_slow(address + done, size, kByBytes, bytes.data() + done)) return false;
    }
    return true;
  }
  /// Whether a store to each byte would reach memory.
  bool writable(u64 address, u64 size) { return reaches(address, size, AccessKind::Write); }
  /// The block of 64-bit arguments at X1.
  template <usize kCount>
  bool arguments(std::array<u64, kCount>& values) {
    return read(parameter(), {reinterpret_cast<u8*>(values.data()), sizeof values});
  }
  bool text(u64 address, u64 size, std::string& out) {
    out.resize(std::min(size, kLongestText));
    return read(address, {reinterpret_cast<u8*>(out.data()), out.size()});
  }
  bool write_value(u64 address, u64 value) {
    return write(address, {reinterpret_cast<const u8*>(&value), sizeof value});
  }
  u64 counter() const { return pe_.ports.clock->counter(pe_); }
  u64 frequency() const { return std::max<u64>(1, pe_.s.sys[SysReg::CNTFRQ_EL0]); }

 private:
  static constexpr usize kStep = 16;
  static constexpr pe::MemRequest kByBytes{.element = 1};

  bool reaches(u64 address, u64 size, AccessKind kind) {
    Access access;
    access.kind = kind;
    access.el = pe_.el();
    access.size = 1;
    access.pan = pe_.s.pstate[Pstate::PAN];
    for (u64 done = 0; done < size; done += kPage - (address + done) % kPage)
      if (!reaches(address + done, access)) return false;
    return true;
  }
  /// What a device, or nothing at all, would have answered is no exception of the guest's. The hypervisor could not
  /// even emulate the access: it has no syndrome that says which register it is for.
  bool reaches(u64 address, const Access& access) {
    if (const auto found = pe_.translate(address, access)) {
      const Pa page = found->pa.align_down(kPage);
      outside_ =
          pe_.ports.bus->ram_page(page) == nullptr && (access.is_write() || pe_.ports.bus->rom_page(page) == nullptr);
      return !outside_;
    }
    const Fault& fault = pe_.pending.fault;
    outside_ = fault.stage == 2 && !fault.s1ptw && !host_.has_memory(fault.ipa.value, access.is_write());
    if (outside_) pe_.pending = {};
    return false;
  }

  pe::Pe& pe_;
  const SemihostingHost& host_;
  bool outside_ = false;
};

bool Semihosting::call(pe::Pe& pe, bool& again) {
  Caller caller(pe, host_);
  again_ = false;
  Answer answer = dispatch(static_cast<u32>(pe.s.x[0]), caller);
  if (caller.outside()) answer = fail({EFAULT});
  again = again_;
  if (answer) pe.s.x[0] = *answer;
  return answer || again_;
}

Semihosting::Answer Semihosting::dispatch(u64 operation, Caller& caller) {
  switch (operation) {
    case SYS_OPEN: return open(caller);
    case SYS_CLOSE: return close(caller);
    case SYS_WRITEC: return write_character(caller);
    case SYS_WRITE0: return write_text(caller);
    case SYS_WRITE: return write(caller);
    case SYS_READ: return read(caller);
    case SYS_READC: return read_character();
    case SYS_ISERROR: {
      std::array<u64, 1> status;
      if (!caller.arguments(status)) return {};
      return bit(status[0], 63);
    }
    case SYS_ISTTY: return is_terminal(caller);
    case SYS_SEEK: return seek(caller);
    case SYS_FLEN: return length(caller);
    case SYS_TMPNAM: return temporary_name(caller);
    case SYS_REMOVE: return remove(caller);
    case SYS_RENAME: return rename(caller);
    case SYS_CLOCK: return caller.counter() / std::max<u64>(1, caller.frequency() / 100);
    case SYS_TIME: return host_.date + caller.counter() / caller.frequency();
    case SYS_ERRNO: return errno_;
    case SYS_GET_CMDLINE: return command_line(caller);
    case SYS_HEAPINFO: return heap_info(caller);
    case SYS_EXIT:
    case SYS_EXIT_EXTENDED: return exit(caller);
    case SYS_ELAPSED: return elapsed(caller);
    case SYS_TICKFREQ: return caller.frequency();
    case SYS_SYSTEM:  // no commands of the host
    default: return fail({ENOSYS});
  }
}

Semihosting::Answer Semihosting::fail(Errno error) {
  errno_ = static_cast<u64>(error.value);
  return kError;
}

Semihosting::Answer Semihosting::open(Caller& caller) {
  std::array<u64, 3> arguments;  // name, mode, length of the name
  std::string name;
  if (!caller.arguments(arguments) || !caller.text(arguments[0], arguments[2], name)) return {};
  const auto handle = files_.open(name, arguments[1]);
  return handle.ok() ? *handle : fail(handle.error());
}

Semihosting::Answer Semihosting::close(Caller& caller) {
  std::array<u64, 1> handle;
  if (!caller.arguments(handle)) return {};
  const auto done = files_.close(handle[0]);
  return done.ok() ? 0 : fail(done.error());
}

Semihosting::Answer Semihosting::write_character(Caller& caller) {
  u8 character;
  if (!caller.read(caller.parameter(), {&character, 1})) return {};
  host_.output(character);
  return 0;
}

/// The whole text is read before its first character is shown, so that a fault in the middle does not show it twice.
Semihosting::Answer Semihosting::write_text(Caller& caller) {
  std::string text;
  for (u8 character = 0; text.size() < kLongestText; text += static_cast<char>(character)) {
    if (!caller.read(caller.parameter() + text.size(), {&character, 1})) return {};
    if (character == 0) break;
  }
  for (char character : text) host_.output(static_cast<u8>(character));
  return 0;
}

/// X0 is the number of bytes that were not written.
Semihosting::Answer Semihosting::write(Caller& caller) {
  std::array<u64, 3> arguments;  // handle, buffer, size
  if (!caller.arguments(arguments)) return {};
  const auto file = files_.find(arguments[0]);
  if (!file.ok()) return fail(file.error()), arguments[2];
  std::vector<u8> bytes(std::min(arguments[2], kMostBytes));
  if (!caller.read(arguments[1], bytes)) return {};
  switch ((*file)->kind) {
    case SemihostingFiles::Kind::Keys: return fail({EBADF}), arguments[2];
    case SemihostingFiles::Kind::Output:
      for (u8 byte : bytes) host_.output(byte);
      return arguments[2] - bytes.size();
    default: break;
  }
  const auto done = files_.write(**file, bytes);
  return done.ok() ? arguments[2] - *done : (fail(done.error()), arguments[2]);
}

/// X0 is the number of bytes that were not read: all of them at the end of the file.
Semihosting::Answer Semihosting::read(Caller& caller) {
  std::array<u64, 3> arguments;  // handle, buffer, size
  if (!caller.arguments(arguments)) return {};
  const u64 size = std::min(arguments[2], kMostBytes), rest = arguments[2] - size;
  const auto file = files_.find(arguments[0]);
  if (!file.ok()) return fail(file.error()), arguments[2];
  if (!caller.writable(arguments[1], size)) return {};
  if ((*file)->kind == SemihostingFiles::Kind::Output) return fail({EBADF}), arguments[2];
  if ((*file)->kind == SemihostingFiles::Kind::Keys) {
    const Answer left = read_keys(caller, arguments[1], size);
    return left ? *left + rest : left;
  }
  std::vector<u8> bytes(size);
  const auto done = files_.read(**file, bytes);
  if (!done.ok()) return fail(done.error()), arguments[2];
  if (!caller.write(arguments[1], std::span(bytes).first(*done))) return {};
  return arguments[2] - *done;
}

/// At least one key, and those behind it as far as the end of the line.
Semihosting::Answer Semihosting::read_keys(Caller& caller, u64 address, u64 size) {
  if (size == 0) return 0;
  if (!have_key()) return again_ ? Answer() : size;
  u64 done = 0;
  for (u8 key = 0; done < size && !keys_.empty() && key != '\n' && key != '\r'; ++done) {
    key = keys_.front();
    if (!caller.write(address + done, {&key, 1})) return {};
    keys_.pop_front();
  }
  return size - done;
}

Semihosting::Answer Semihosting::read_character() {
  if (!have_key()) return again_ ? Answer() : kError;
  const u8 key = keys_.front();
  keys_.pop_front();
  return key;
}

/// No time passes for the guest while it waits, so that a run depends on the keys and not on when they come.
bool Semihosting::have_key() {
  while (keys_.empty()) {
    switch (host_.wait_for_key()) {
      case SemihostingHost::Keys::MayCome: break;
      case SemihostingHost::Keys::End: return !keys_.empty();
      case SemihostingHost::Keys::Stop: again_ = keys_.empty(); return !again_;
    }
  }
  return true;
}

Semihosting::Answer Semihosting::is_terminal(Caller& caller) {
  std::array<u64, 1> handle;
  if (!caller.arguments(handle)) return {};
  const auto file = files_.find(handle[0]);
  if (!file.ok()) return fail(file.error());
  return (*file)->kind == SemihostingFiles::Kind::Keys || (*file)->kind == SemihostingFiles::Kind::Output;
}

Semihosting::Answer Semihosting::seek(Caller& caller) {
  std::array<u64, 2> arguments;  // handle, position from the start
  if (!caller.arguments(arguments)) return {};
  const auto file = files_.find(arguments[0]);
  if (!file.ok()) return fail(file.error());
  const auto length = files_.length(**file);
  if (!length.ok()) return fail(length.error());
  if (arguments[1] > *length) return fail({EINVAL});  // the specification leaves what lies behind the end undefined
  (*file)->position = arguments[1];
  return 0;
}

Semihosting::Answer Semihosting::length(Caller& caller) {
  std::array<u64, 1> handle;
  if (!caller.arguments(handle)) return {};
  const auto file = files_.find(handle[0]);
  if (!file.ok()) return fail(file.error());
  const auto length = files_.length(**file);
  return length.ok() ? *length : fail(length.error());
}

/// The same name for the same number in every run.
Semihosting::Answer Semihosting::temporary_name(Caller& caller) {
  std::array<u64, 3> arguments;  // buffer, number, size of the buffer
  if (!caller.arguments(arguments)) return {};
  const std::string name = fmt::format("semihosting-{}.tmp", arguments[1] & 0xff);
  if (arguments[2] < name.size() + 1) return fail({ENAMETOOLONG});
  if (!caller.write(arguments[0], {reinterpret_cast<const u8*>(name.c_str()), name.size() + 1})) return {};
  return 0;
}

Semihosting::Answer Semihosting::remove(Caller& caller) {
  std::array<u64, 2> arguments;  // name, length
  std::string name;
  if (!caller.arguments(arguments) || !caller.text(arguments[0], arguments[1], name)) return {};
  const auto done = files_.remove(name);
  return done.ok() ? 0 : fail(done.error());
}

Semihosting::Answer Semihosting::rename(Caller& caller) {
  std::array<u64, 4> arguments;  // old name, length, new name, length
  std::string from, to;
  if (!caller.arguments(arguments) || !caller.text(arguments[0], arguments[1], from) ||
      !caller.text(arguments[2], arguments[3], to)) {
    return {};
  }
  const auto done = files_.rename(from, to);
  return done.ok() ? 0 : fail(done.error());
}

/// The block's size becomes the length of the text, without the zero behind it.
Semihosting::Answer Semihosting::command_line(Caller& caller) {
  std::array<u64, 2> arguments;  // buffer, its size
  if (!caller.arguments(arguments)) return {};
  const std::string& text = host_.command_line;
  if (arguments[1] < text.size() + 1) return fail({E2BIG});
  if (!caller.write(arguments[0], {reinterpret_cast<const u8*>(text.c_str()), text.size() + 1})) return {};
  if (!caller.write_value(caller.parameter() + 8, text.size())) return {};
  return 0;
}

/// X1 points to the address of a block of four: heap base and limit, stack base and limit. Heap and stack share what is
/// free, and grow towards each other.
Semihosting::Answer Semihosting::heap_info(Caller& caller) {
  std::array<u64, 1> block;
  if (!caller.arguments(block)) return {};
  const u64 values[] = {free_.base, free_.end, free_.end, free_.base};
  if (!caller.write(block[0], {reinterpret_cast<const u8*>(values), sizeof values})) return {};
  return 0;
}

Semihosting::Answer Semihosting::elapsed(Caller& caller) {
  if (!caller.write_value(caller.parameter(), caller.counter())) return {};
  return 0;
}

Semihosting::Answer Semihosting::exit(Caller& caller) {
  std::array<u64, 2> arguments;  // reason, status
  if (!caller.arguments(arguments)) return {};
  exit_status_ = arguments[0] == kApplicationExit ? static_cast<u8>(arguments[1]) : 1;
  host_.exit();
  return 0;
}

void Semihosting::reset() {
  files_.close_all();
  errno_ = 0;
}

void Semihosting::visit_state(StateVisitor& v) {
  files_.visit_state(v);
  v.value("semihosting.errno", errno_);
}

}  // namespace farside::machine

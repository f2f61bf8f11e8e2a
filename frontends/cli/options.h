// frontends/cli/options.h - what the command line of `farside run` and `farside guest` may say, and what it means.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/base/trace.h"
#include "frontends/cli/option_table.h"
#include "frontends/machine/config.h"

namespace farside::cli {

/// Where monitor commands are typed, beside Ctrl-A c.
enum class MonitorPlace : u8 { None, Terminal, Socket };

/// `farside run`, checked as far as that is possible without opening a file.
struct RunOptions {
  machine::MachineConfig machine;     ///< complete but for the files and command line of a named guest
  std::string guest;                  ///< a name that guests::find_guest knows; empty when files are named
  std::optional<std::string> append;  ///< the kernel command line, or what is added to the guest's own
  bool clock_given = false;           ///< else the clock depends on whether a terminal is attached
  bool no_reboot = false;
  MonitorPlace monitor = MonitorPlace::None;
  std::string monitor_socket;         ///< path; empty unless MonitorPlace::Socket
  std::string snapshot_folder = ".";  ///< where savevm and loadvm find their files
  std::string restore;                ///< path of a snapshot to begin with, or empty
  u64 snapshot_at = 0;                ///< take one after so many instructions; 0: none
  std::string snapshot_file;          ///< its path
  std::vector<TraceGroup> trace;
  std::string trace_file;  ///< empty: standard error
  bool stats = false, jit_stats = false, state_hash = false;
  std::optional<u64> lockstep_every;  ///< --engine lockstep: instructions between comparisons
  std::vector<std::string> fail_on;   ///< classes of findings of the cache sanitizer
  std::vector<std::string> stop_on;   ///< and those that end the run
  std::vector<std::string> allow;     ///< CLASS@FUNCTION: findings that are neither printed nor failures
  std::string report, symbols;        ///< files; may be empty
};

/// `farside guest`.
struct GuestOptions {
  enum class Action : u8 { List, Get } action = Action::List;
  std::string name;
  bool force = false;
};

/// Asks for a page of text instead of a run: --help, --cpu help, --policy help.
struct TextRequest {
  std::string text;
};

template <class Options>
using Parsed = std::variant<Options, TextRequest>;

/// `arguments` are those after the word `run`. QEMU's spellings (-kernel, -m, -smp, ...) are understood.
Result<Parsed<RunOptions>, UserError> parse_run(const std::vector<std::string>& arguments);
/// `arguments` are those after the word `guest`.
Result<Parsed<GuestOptions>, UserError> parse_guest(const std::vector<std::string>& arguments);

/// "64K", "512M", "2G", "1GiB"; a plain number counts MiB, as in QEMU. 0 bytes and overflow are errors.
Result<u64, UserError> parse_size(std::string_view text);
/// Decimal, or hexadecimal with 0x.
Result<u64, UserError> parse_number(std::string_view option, std::string_view text);
/// "kvm,exec": names of trace groups; "all" is all of them.
Result<std::vector<TraceGroup>, UserError> parse_trace_groups(std::string_view text);

}  // namespace farside::cli

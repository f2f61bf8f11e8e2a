// frontends/cli/qemu_spelling.cpp - QEMU's single-dash options, rewritten as farside's own.
#include "frontends/cli/qemu_spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/base/types.h"
#include "frontends/cli/device_options.h"
#include "frontends/cli/option_table.h"

namespace farside::cli {
namespace {

// How the value of a QEMU option becomes ours.
enum class Value {
  None,         // a flag
  Same,         // as it stands
  SubOption,    // "key=value" or the bare value
  Ignored,      // checked against `accepted`, then dropped with the option
  Flag,         // a flag, dropped
  DebugItems,   // -d
  Drive,        // file=FILE,...
  Machine,      // virt[,gic-version=N]
  Serial,       // the first is the terminal, the second a file
  Monitor,      // none, stdio or unix:PATH
  Semihosting,  // enable=on[,target=native]
  Refused,      // `accepted` says why
};

struct QemuOption {
  std::string_view name, ours;
  Value value;
  std::string_view accepted = {};  // SubOption: the key. Ignored: the values, separated by blanks.
};

constexpr QemuOption kOptions[] = {
    {"-kernel", "--kernel", Value::Same},
    {"-initrd", "--initrd", Value::Same},
    {"-append", "--append", Value::Same},
    {"-dtb", "--dtb", Value::Same},
    {"-cpu", "--cpu", Value::Same},
    {"-seed", "--seed", Value::Same},
    {"-D", "--trace-file", Value::Same},
    {"-m", "--memory", Value::SubOption, "size"},
    {"-smp", "--smp", Value::SubOption, "cpus"},
    {"-d", "--trace", Value::DebugItems},
    {"-no-reboot", "--no-reboot", Value::None},
    {"-h", "--help", Value::None},
    {"-help", "--help", Value::None},
    {"-nographic", "", Value::Flag},
    {"-nodefaults", "", Value::Flag},
    {"-no-user-config", "", Value::Flag},
    {"-M", "--gic", Value::Machine},
    {"-machine", "--gic", Value::Machine},
    {"-serial", "--serial2", Value::Serial},
    {"-monitor", "--monitor", Value::Monitor},
    {"-semihosting", "--semihosting", Value::None},
    {"-semihosting-config", "--semihosting", Value::Semihosting},
    {"-display", "", Value::Ignored, "none"},
    {"-accel", "", Value::Ignored, "tcg"},
    {"-s", "", Value::Refused, "there is no gdb server in this version"},
    {"-S", "", Value::Refused, "there is no gdb server in this version; Ctrl-A c stops the guest"},
    {"-gdb", "", Value::Refused, "there is no gdb server in this version"},
    {"-bios", "--bios", Value::Same},
    {"-pflash", "--pflash", Value::Same},
    {"-drive", "--drive", Value::Drive},
    {"-hda", "", Value::Refused, "the machine has no IDE disks; --drive FILE is a virtio disk"},
    {"-device", "", Value::Refused, "the options --drive, --net, --rng, --share and --balloon add devices"},
    {"-netdev", "", Value::Refused, "the network card is --net user"},
    {"-nic", "--net", Value::Same},
    {"-net", "", Value::Refused, "the network card is --net user"},
    {"-virtfs", "", Value::Refused, "--share FOLDER shares a folder"},
    {"-snapshot", "", Value::Refused, "--drive FILE,ro keeps the image as it is"},
    {"-loadvm", "", Value::Refused, "--restore FILE begins with a snapshot"},
    {"-enable-kvm", "", Value::Refused, "farside emulates; its own hypervisor is --el2 kvm"},
};

// QEMU's -d items and the trace groups that show the same.
struct DebugItem {
  std::string_view theirs, ours;
};
constexpr DebugItem kDebugItems[] = {
    {"int", "exc"}, {"mmu", "mmu"}, {"in_asm", "exec"}, {"exec", "exec"}, {"cpu", "exec"}, {"guest_errors", "dev"},
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const usize end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// The value of `key` in "key=value,other=..."; a bare first value counts as the key's.
Result<std::string, UserError> sub_option(const QemuOption& option, const std::string& value) {
  const auto parts = split(value, ',');
  if (parts.size() > 1) {
    return UserError{fmt::format("{} {}: only {} can be given here", option.name, value, option.accepted)};
  }
  const usize equals = parts[0].find('=');
  if (equals == std::string_view::npos) return value;
  if (parts[0].substr(0, equals) == option.accepted) return std::string(parts[0].substr(equals + 1));
  return UserError{fmt::format("{} {}: only {} can be given here", option.name, value, option.accepted)};
}

Result<std::string, UserError> debug_groups(const std::string& value) {
  std::string groups;
  for (std::string_view item : split(value, ',')) {
    const auto found = std::find_if(std::begin(kDebugItems), std::end(kDebugItems),
                                    [&](const DebugItem& known) { return known.theirs == item; });
    if (found == std::end(kDebugItems)) {
      return UserError{fmt::format("-d {}: farside's own --trace has kvm, exec, exc, mmu, tlb and dev", item)};
    }
    if (!groups.empty()) groups += ',';
    groups += found->ours;
  }
  return groups;
}

// "virt" and what may follow it.
Result<void, UserError> translate_machine(const QemuOption& option, const std::string& value,
                                          std::vector<std::string>& out) {
  if (value == "virt" || value == "virt,gic-version=max") return {};
  for (const char* version : {"2", "3"}) {
    if (value != std::string("virt,gic-version=") + version) continue;
    out.insert(out.end(), {std::string(option.ours), version});
    return {};
  }
  return UserError{fmt::format("{} {}: farside has only virt, with gic-version=2 or 3", option.name, value)};
}

// The terminal is the first serial port, whatever QEMU calls it; the second one's output goes to a file.
Result<void, UserError> translate_serial(const QemuOption& option, const std::string& value, bool first,
                                         std::vector<std::string>& out) {
  if (first) {
    if (value == "stdio" || value == "mon:stdio") return {};
    return UserError{
        fmt::format("{} {}: the first serial port is the terminal: stdio or mon:stdio", option.name, value)};
  }
  constexpr std::string_view kFile = "file:";
  if (value == "null") return out.insert(out.end(), {std::string(option.ours), value}), Result<void, UserError>();
  if (value.starts_with(kFile) && value.size() > kFile.size())
    return out.insert(out.end(), {std::string(option.ours), value.substr(kFile.size())}), Result<void, UserError>();
  return UserError{fmt::format("{} {}: the second serial port goes to file:FILE or null", option.name, value)};
}

// A socket of the monitor always listens, and nobody waits for its client.
Result<void, UserError> translate_monitor(const QemuOption& option, const std::string& value,
                                          std::vector<std::string>& out) {
  if (value == "none") return {};
  const auto parts = split(value, ',');
  for (usize i = 1; i < parts.size(); ++i) {
    static constexpr std::string_view kKnown[] = {"server", "server=on", "nowait", "wait=off"};
    if (std::find(std::begin(kKnown), std::end(kKnown), parts[i]) == std::end(kKnown))
      return UserError{fmt::format("{} {}: knows server and nowait, not {}", option.name, value, parts[i])};
  }
  out.insert(out.end(), {std::string(option.ours), std::string(parts[0])});
  return {};
}

Result<void, UserError> translate_semihosting(const QemuOption& option, const std::string& value,
                                              std::vector<std::string>& out) {
  for (std::string_view part : split(value, ',')) {
    static constexpr std::string_view kKnown[] = {"enable=on", "enable", "target=native", "target=auto"};
    if (std::find(std::begin(kKnown), std::end(kKnown), part) == std::end(kKnown))
      return UserError{fmt::format("{} {}: knows enable=on and target=native, not {}; --append gives arguments",
                                   option.name, value, part)};
  }
  out.emplace_back(option.ours);
  return {};
}

Result<void, UserError> translate_value(const QemuOption& option, const std::string& value,
                                        std::vector<std::string>& out) {
  switch (option.value) {
    case Value::Same: out.insert(out.end(), {std::string(option.ours), value}); return {};
    case Value::SubOption: out.insert(out.end(), {std::string(option.ours), TRY(sub_option(option, value))}); return {};
    case Value::DebugItems: out.insert(out.end(), {std::string(option.ours), TRY(debug_groups(value))}); return {};
    case Value::Machine: return translate_machine(option, value, out);
    case Value::Monitor: return translate_monitor(option, value, out);
    case Value::Semihosting: return translate_semihosting(option, value, out);
    case Value::Drive: out.insert(out.end(), {std::string(option.ours), TRY(drive_from_qemu(value))}); return {};
    default: break;
  }
  const auto accepted = split(option.accepted, ' ');
  if (std::find(accepted.begin(), accepted.end(), value) != accepted.end()) return {};
  return UserError{fmt::format("{} {}: farside has only {}", option.name, value, accepted.front())};
}

// Whether `argument` is an option of farside's own whose value is the next argument.
bool takes_value(std::string_view argument) {
  const auto& options = kRunCommand.options;
  return argument.starts_with("--") && std::any_of(options.begin(), options.end(), [&](const OptionInfo& option) {
           return option.name == argument.substr(2) && !option.argument.empty();
         });
}

}  // namespace

Result<std::vector<std::string>, UserError> translate_qemu_spelling(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  bool first_serial = true;
  for (usize i = 0; i < arguments.size(); ++i) {
    const auto option = std::find_if(std::begin(kOptions), std::end(kOptions),
                                     [&](const QemuOption& known) { return known.name == arguments[i]; });
    if (option == std::end(kOptions)) {
      const bool one_dash = arguments[i].size() > 1 && arguments[i].starts_with('-') && !arguments[i].starts_with("--");
      out.push_back(one_dash ? "-" + arguments[i] : arguments[i]);
      // The value of one of our own options may look like one of QEMU's options.
      if (takes_value(out.back()) && i + 1 < arguments.size()) out.push_back(arguments[++i]);
      continue;
    }
    switch (option->value) {
      case Value::None: out.emplace_back(option->ours); continue;
      case Value::Flag: continue;
      case Value::Refused: return UserError{fmt::format("{}: {}", option->name, option->accepted)};
      default: break;
    }
    if (i + 1 == arguments.size()) return UserError{fmt::format("{} needs a value", option->name)};
    const std::string& value = arguments[++i];
    if (option->value == Value::Serial) {
      TRY_VOID(translate_serial(*option, value, std::exchange(first_serial, false), out));
    } else {
      TRY_VOID(translate_value(*option, value, out));
    }
  }
  return out;
}

}  // namespace farside::cli

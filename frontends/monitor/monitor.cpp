// frontends/monitor/monitor.cpp - the command table, and the commands that take addresses.
#include "frontends/monitor/monitor.h"

#include <capstone/capstone.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace farside::monitor {
namespace {

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> words;
  for (usize at = 0; at < line.size();) {
    const usize start = line.find_first_not_of(" \t", at);
    if (start == std::string_view::npos) break;
    const usize end = std::min(line.find_first_of(" \t", start), line.size());
    words.emplace_back(line.substr(start, end - start));
    at = end;
  }
  return words;
}

/// `0x40080000`, `4008_0000` with a prefix as traces print it, or decimal.
std::optional<u64> parse_number(std::string_view text) {
  int base = 10;
  for (std::string_view prefix : {"va:", "ipa:", "pa:", "0x", "0X"}) {
    if (!text.starts_with(prefix)) continue;
    text.remove_prefix(prefix.size());
    base = 16;
    break;
  }
  std::string digits(text);
  std::erase(digits, '_');
  u64 value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return value;
}

/// A register name (`pc`, `sp`, `x0`, `lr`) or a number.
std::optional<u64> parse_address(const pe::Pe& core, std::string_view text) {
  if (text == "pc") return core.s.pc;
  if (text == "sp") return core.s.sp;
  if (text == "lr") return core.s.x[30];
  if (text.starts_with("x") && text.size() > 1 && text[1] != '0') {
    if (const auto n = parse_number(text.substr(1)); n && *n <= 30) return core.s.x[*n];
  }
  if (text == "x0") return core.s.x[0];
  return parse_number(text);
}

/// gdb's `/16xg`: count, format (x, d, i) and unit (b, h, w, g).
struct Format {
  u64 count = 1;
  char format = 'x';
  unsigned unit = 8;
};

std::optional<Format> parse_format(std::string_view text) {
  Format f;
  usize digits = 0;
  while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits]))) ++digits;
  if (digits > 0) f.count = parse_number(text.substr(0, digits)).value_or(0);
  for (char c : text.substr(digits)) {
    switch (c) {
      case 'x':
      case 'd':
      case 'i': f.format = c; break;
      case 'b': f.unit = 1; break;
      case 'h': f.unit = 2; break;
      case 'w': f.unit = 4; break;
      case 'g': f.unit = 8; break;
      default: return std::nullopt;
    }
  }
  if (f.format == 'i') f.unit = 4;
  if (f.count == 0 || f.count > 4096) return std::nullopt;
  return f;
}

std::string disassemble(u64 address, u32 word) {
  csh handle;
  if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle) != CS_ERR_OK) return {};
  cs_insn* insn = nullptr;
  std::string text = ".word";
  if (cs_disasm(handle, reinterpret_cast<const u8*>(&word), sizeof word, address, 1, &insn) == 1) {
    text = fmt::format("{} {}", insn->mnemonic, insn->op_str);
    cs_free(insn, 1);
  }
  cs_close(&handle);
  return text;
}

}  // namespace

struct Monitor::Command {
  std::string_view name, arguments, text;
  std::string (Monitor::*run)(const Words&);
  std::string_view short_name{};
};

std::span<const Monitor::Command> Monitor::commands() {
  static constexpr Command table[] = {
      {"help", "[COMMAND]", "list the commands", &Monitor::help},
      {"info", "registers|tlb|mtree|slots|s2|cpus|status|block|network|balloon|snapshots",
       "show state of the selected core or of the machine", &Monitor::info},
      {"cpu", "N", "select core N for the other commands", &Monitor::select_cpu},
      {"xlate", "VA [r|w|x] [el0|el1|el2]", "explain the two-stage walk of VA, descriptor by descriptor",
       &Monitor::translate},
      {"x", "[/COUNT FORMAT UNIT] VA", "examine memory at a virtual address: x /4i pc, x /8xg sp",
       &Monitor::examine_virtual},
      {"xp", "[/COUNT FORMAT UNIT] ADDRESS", "examine guest-physical memory: xp /8xw 0x40000000",
       &Monitor::examine_physical},
      {"stop", "", "stop the machine until 'cont'", &Monitor::stop, "s"},
      {"cont", "", "let the machine run again", &Monitor::cont, "c"},
      {"system_reset", "", "reset the machine as its guest does with PSCI", &Monitor::reset},
      {"system_powerdown", "", "press the power key: the guest decides what follows", &Monitor::power_down},
      {"balloon", "MIB", "ask the guest to do with so much memory, and give back the rest", &Monitor::set_balloon},
      {"savevm", "NAME", "write the machine's state to NAME.snap", &Monitor::save},
      {"loadvm", "NAME", "put the machine into the state of NAME.snap", &Monitor::load},
      {"delvm", "NAME", "remove NAME.snap", &Monitor::remove},
      {"quit", "", "end the run; exit status 130", &Monitor::do_quit, "q"},
  };
  return table;
}

std::string Monitor::execute(std::string_view line) {
  const Words words = split(line);
  if (words.empty()) return {};
  // gdb writes x/4i: the format may stick to the command.
  Words normal = words;
  if (const usize slash = words[0].find('/'); slash != std::string::npos && slash > 0) {
    normal[0] = words[0].substr(0, slash);
    normal.insert(normal.begin() + 1, words[0].substr(slash));
  }
  for (const Command& command : commands())
    if (command.name == normal[0] || command.short_name == normal[0]) return (this->*command.run)(normal);
  return fmt::format("unknown command '{}': 'help' lists them\n", words[0]);
}

std::string Monitor::help(const Words& words) {
  std::string out;
  for (const Command& c : commands()) {
    if (words.size() > 1 && words[1] != c.name) continue;
    out += fmt::format("{:<52} {}\n", fmt::format("{} {}", c.name, c.arguments), c.text);
  }
  return out.empty() ? fmt::format("no command '{}'\n", words[1]) : out;
}

std::string Monitor::info(const Words& words) {
  const std::string what = words.size() > 1 ? words[1] : "";
  if (what == "registers") {
    const std::string here = place(machine_, core().s.pc, core().el()),
                      back = place(machine_, core().s.x[30], core().el());
    return format_registers(core()) + (here.empty() && back.empty() ? "" : fmt::format("PC{}  LR{}\n", here, back));
  }
  if (what == "tlb") return format_tlb(core());
  if (what == "mtree") return format_memory_map(machine_);
  if (what == "slots") return format_slots(machine_);
  if (what == "s2") return format_stage2(machine_);
  if (what == "cpus") {
    std::string out;
    for (const auto& c : machine_.cores())
      out += fmt::format("{} cpu {}: pc {:#018x}{} EL{}{}{}\n", c->index() == cpu_ ? '*' : ' ', c->index(), c->s.pc,
                         place(machine_, c->s.pc, c->el()), number(c->el()), c->powered_on ? "" : " off",
                         c->waiting ? " waiting" : "");
    return out;
  }
  if (what == "status") return fmt::format("{}, {} ns\n", stopped_ ? "stopped" : "running", machine_.time_ns());
  if (what == "block") return format_drives(machine_.config());
  if (what == "network") return format_network(machine_.config());
  if (what == "balloon") return balloon();
  if (what == "snapshots") return snapshots();
  return "info what? registers, tlb, mtree, slots, s2, cpus, status, block, network, balloon or snapshots\n";
}

std::string Monitor::select_cpu(const Words& words) {
  const auto n = words.size() > 1 ? parse_number(words[1]) : std::nullopt;
  if (!n || *n >= machine_.cores().size()) return fmt::format("cpu: give a number below {}\n", machine_.cores().size());
  cpu_ = *n;
  return {};
}

std::string Monitor::translate(const Words& words) {
  Access access;
  access.el = core().el();
  std::optional<u64> va;
  for (usize i = 1; i < words.size(); ++i) {
    const std::string& w = words[i];
    if (w == "r")
      access.kind = AccessKind::Read;
    else if (w == "w")
      access.kind = AccessKind::Write;
    else if (w == "x")
      access.kind = AccessKind::Fetch;
    else if (w == "el0")
      access.el = El::EL0;
    else if (w == "el1")
      access.el = El::EL1;
    else if (w == "el2")
      access.el = El::EL2;
    else
      va = parse_address(core(), w);
  }
  if (!va) return "xlate: give a virtual address, for example: xlate 0xffff800008000000 w\n";
  if (access.el == El::EL2 && !core().features().el2) return "xlate: this machine has no EL2\n";
  return core().explain(Va{*va}, access);
}

std::string Monitor::examine(const Words& words, bool is_virtual) {
  Format format;
  std::optional<u64> address;
  for (usize i = 1; i < words.size(); ++i) {
    if (words[i].starts_with("/")) {
      const auto parsed = parse_format(std::string_view(words[i]).substr(1));
      if (!parsed) return fmt::format("'{}' is no format: /COUNT, then x, d or i, then b, h, w or g\n", words[i]);
      format = *parsed;
    } else {
      address = parse_address(core(), words[i]);
    }
  }
  if (!address) return fmt::format("{}: give an address, for example: {} /4xg sp\n", words[0], words[0]);
  std::string out;
  const unsigned per_line = format.format == 'i' ? 1 : 16 / format.unit;
  for (u64 i = 0; i < format.count; ++i) {
    const u64 at = *address + i * format.unit;
    u64 value = 0;
    const bool ok = is_virtual ? core().peek(Va{at}, &value, format.unit) : machine_.peek_ipa(at, &value, format.unit);
    if (!ok) return out + fmt::format("\n{:#018x}: not mapped to memory\n", at);
    if (i % per_line == 0) out += fmt::format("{}{:#018x}:", i == 0 ? "" : "\n", at);
    if (format.format == 'i')
      out += fmt::format("{}  {:08x}  {}", is_virtual ? place(machine_, at, core().el()) : std::string(), value,
                         disassemble(at, static_cast<u32>(value)));
    else if (format.format == 'd')
      out += fmt::format(" {}", sign_extend(value, format.unit * 8));
    else
      out += fmt::format(" {:#0{}x}", value, 2 + 2 * format.unit);
  }
  return out + "\n";
}

std::string Monitor::do_quit(const Words&) {
  quit_ = true;
  machine_.request_stop();
  return {};
}

}  // namespace farside::monitor

// frontends/symbols/files.cpp - symbols of System.map files, of ELF files, and of whatever a path leads to.
#include <algorithm>
#include <charconv>

#include "firmware/boot/bytes.h"
#include "firmware/boot/kernel_formats.h"
#include "firmware/boot/loader.h"
#include "frontends/symbols/read.h"

namespace farside::symbols {
namespace {

using boot::holds, boot::load_le;

constexpr u64 kSection = 64, kSymbol = 24;
constexpr u32 kSymtab = 2;
constexpr u8 kNoType = 0, kObject = 1, kFunction = 2;

std::string_view next_line(std::string_view& text) {
  const usize end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// "ffff800008010000 T _stext", and what nm says of symbols without an address.
bool take_line(std::string_view line, SymbolTable& table) {
  if (line.empty() || line.find_first_not_of(' ') == line.npos) return true;
  u64 address = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
  const std::string_view rest = line.substr(static_cast<usize>(end - line.data()));
  if (error != std::errc()) return line.starts_with("    ");
  if (rest.size() < 4 || rest[0] != ' ' || rest[2] != ' ') return false;
  const usize end_of_name = std::min(rest.find_first_of(" \t", 3), rest.size());
  if (end_of_name < rest.size() && rest[end_of_name] == ' ') return false;  // prose; a tab leads to a module's name
  const std::string_view name = rest.substr(3, end_of_name - 3);
  // Absolute values are no places.
  if (rest[1] != 'A' && rest[1] != 'a') table.add(address, name);
  return true;
}

struct Section {
  u32 type = 0, link = 0;
  u64 offset = 0, size = 0;
};

Section section_at(std::span<const u8> file, u64 at) {
  return {load_le<u32>(file, at + 4), load_le<u32>(file, at + 40), load_le<u64>(file, at + 24),
          load_le<u64>(file, at + 32)};
}

std::string_view string_at(std::span<const u8> file, const Section& strings, u64 at) {
  if (at >= strings.size) return {};
  const char* start = reinterpret_cast<const char*>(file.data()) + strings.offset + at;
  return {start, strnlen(start, strings.size - at)};
}

void take_symbols(std::span<const u8> file, const Section& symbols, const Section& strings, SymbolTable& table) {
  for (u64 at = symbols.offset; at + kSymbol <= symbols.offset + symbols.size; at += kSymbol) {
    const u8 type = load_le<u8>(file, at + 4) & 15;
    const u16 section = load_le<u16>(file, at + 6);
    const bool is_place = type == kNoType || type == kObject || type == kFunction;
    const bool is_defined = section != 0 && section < 0xff00;
    if (is_place && is_defined) table.add(load_le<u64>(file, at + 8), string_at(file, strings, load_le<u32>(file, at)));
  }
}

}  // namespace

std::optional<Symbols> read_system_map(std::string_view text) {
  Symbols symbols;
  while (!text.empty()) {
    if (!take_line(next_line(text), symbols.table)) return std::nullopt;
  }
  if (symbols.table.empty()) return std::nullopt;
  symbols.table.finish();
  symbols.image = symbols.table.find("_text");
  return symbols;
}

std::optional<Symbols> read_elf(std::span<const u8> file) {
  constexpr u16 kAArch64 = 183;
  if (!boot::is_elf(file) || file.size() < 64 || file[4] != 2 || file[5] != 1) return std::nullopt;
  if (load_le<u16>(file, 18) != kAArch64) return std::nullopt;
  const u64 table = load_le<u64>(file, 40), count = load_le<u16>(file, 60);
  if (!holds(file, table, count * kSection)) return std::nullopt;
  Symbols symbols;
  for (u64 i = 0; i < count; ++i) {
    const Section section = section_at(file, table + i * kSection);
    if (section.type != kSymtab || section.link >= count) continue;
    const Section strings = section_at(file, table + section.link * kSection);
    if (!holds(file, section.offset, section.size) || !holds(file, strings.offset, strings.size)) return std::nullopt;
    take_symbols(file, section, strings, symbols.table);
  }
  symbols.table.finish();
  symbols.image = symbols.table.find("_text");
  return symbols;
}

Result<Symbols, UserError> read_symbols(const std::string& path, const std::string& what) {
  std::vector<u8> file = TRY(boot::read_file(path, what));
  if (boot::is_gzip(file)) file = TRY(boot::gunzip(file, path));
  std::optional<Symbols> found;
  if (boot::is_elf(file)) {
    found = read_elf(file);
  } else if (boot::matches(file, 0x38, "ARM\x64")) {
    found = read_kallsyms(file);
  } else {
    found = read_system_map({reinterpret_cast<const char*>(file.data()), file.size()});
  }
  if (found && !found->table.empty()) return std::move(*found);
  return boot::wrong(what, path, "has no symbols", "give a System.map, a vmlinux or an Image with kallsyms");
}

}  // namespace farside::symbols

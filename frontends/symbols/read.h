// frontends/symbols/read.h - symbols out of the files that have them: a kernel Image, an ELF file, a System.map.
#pragma once
#include <span>
#include <string>

#include "core/base/result.h"
#include "frontends/symbols/table.h"

namespace farside::symbols {

/// Symbols and what they count from.
struct Symbols {
  SymbolTable table;
  /// Where the first byte of the kernel's Image is in the table's addresses, so that a kernel that runs where it was
  /// loaded (MMU off) has names too. Absent where the file does not say.
  std::optional<u64> image;
  /// The addresses are those the file was linked for; else they only say how far symbols are apart.
  bool linked = true;
};

/// The kallsyms tables inside an uncompressed arm64 Image, found by their content: base-relative ones with the tables
/// in either order (Linux 4.6 to today) and absolute ones (before). Nothing where there are none, as in a kernel
/// without CONFIG_KALLSYMS.
std::optional<Symbols> read_kallsyms(std::span<const u8> image);
/// Lines of "address type name" as `nm` and System.map have. Nothing when a line is not like that.
std::optional<Symbols> read_system_map(std::string_view text);
/// The symbol table of an AArch64 ELF file, empty when it is stripped. Nothing when it is no such file or a damaged
/// one.
std::optional<Symbols> read_elf(std::span<const u8> file);

/// The symbols in the file at `path`, which may be any of these, gzip'd or not. `what` names the option for errors.
Result<Symbols, UserError> read_symbols(const std::string& path, const std::string& what);

}  // namespace farside::symbols

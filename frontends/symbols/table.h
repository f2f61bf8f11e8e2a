// frontends/symbols/table.h - names of addresses, sorted.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/types.h"

namespace farside::symbols {

/// What a table knows of one address.
struct Place {
  std::string_view name;  ///< lives as long as the table
  u64 offset = 0;         ///< bytes from where the symbol begins
};

/// Symbols as the file gives them: link addresses, or, from a kernel that does not say where it was linked, bytes from
/// its first one.
class SymbolTable {
 public:
  /// Symbols may come in any order; finish() sorts them. Names that say nothing (empty, "$x", ".L3") are dropped.
  void add(u64 address, std::string_view name);
  /// Call once, after the last add().
  void finish();

  bool empty() const { return symbols_.empty(); }
  usize size() const { return symbols_.size(); }
  /// First and last address; both 0 without symbols.
  u64 first() const { return empty() ? 0 : symbols_.front().address; }
  u64 last() const { return empty() ? 0 : symbols_.back().address; }
  /// The address of the symbol `name`, the lowest where several have it.
  std::optional<u64> find(std::string_view name) const;
  /// The symbol at or below `address`: of several at one address the first in the file, as the kernel's own traces do.
  /// Nothing below the first symbol, and nothing kFar or more above the last.
  std::optional<Place> at(u64 address) const;
  /// Adds `bytes` to every address, modulo 2^64.
  void shift(u64 bytes);

  static constexpr u64 kFar = u64{1} << 20;

 private:
  struct Symbol {
    u64 address = 0;
    u32 name = 0, length = 0;  ///< place in names_
  };
  std::string_view name_of(const Symbol& symbol) const {
    return std::string_view(names_).substr(symbol.name, symbol.length);
  }
  std::vector<Symbol> symbols_;
  std::string names_;
};

}  // namespace farside::symbols

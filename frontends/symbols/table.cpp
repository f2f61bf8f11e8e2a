// frontends/symbols/table.cpp - sorts symbols and finds the one that an address belongs to.
#include "frontends/symbols/table.h"

#include <algorithm>

namespace farside::symbols {
namespace {

/// Mapping symbols of the AArch64 ELF ABI ($x, $d.3) and assembler labels are not names of anything.
bool says_nothing(std::string_view name) { return name.empty() || name[0] == '$' || name.starts_with(".L"); }

}  // namespace

void SymbolTable::add(u64 address, std::string_view name) {
  if (says_nothing(name)) return;
  symbols_.push_back({address, static_cast<u32>(names_.size()), static_cast<u32>(name.size())});
  names_ += name;
}

void SymbolTable::finish() { std::ranges::stable_sort(symbols_, {}, &Symbol::address); }

std::optional<u64> SymbolTable::find(std::string_view name) const {
  for (const Symbol& symbol : symbols_) {
    if (name_of(symbol) == name) return symbol.address;
  }
  return std::nullopt;
}

std::optional<Place> SymbolTable::at(u64 address) const {
  auto after = std::ranges::upper_bound(symbols_, address, {}, &Symbol::address);
  if (after == symbols_.begin()) return std::nullopt;
  if (after == symbols_.end() && address - last() >= kFar) return std::nullopt;
  const u64 start = std::prev(after)->address;
  const auto found = std::ranges::lower_bound(symbols_.begin(), after, start, {}, &Symbol::address);
  return Place{name_of(*found), address - start};
}

void SymbolTable::shift(u64 bytes) {
  for (Symbol& symbol : symbols_) symbol.address += bytes;
  finish();
}

}  // namespace farside::symbols

// frontends/symbols/namer.cpp - from program counters to the table's addresses and back.
#include "frontends/symbols/namer.h"

#include <fmt/format.h>

#include "core/base/bits.h"

namespace farside::symbols {
namespace {

/// Kernels are linked and moved in steps of at least so much.
constexpr u64 kStep = 0x10000;

bool is_upper(u64 address) { return bit(address, 55); }

}  // namespace

void Namer::observe(u64 vbar_el1, u64 pc) {
  if (slide_ || !vectors_ || !is_upper(vbar_el1)) return;
  const u64 slide = vbar_el1 - *vectors_;
  const u64 in_table = pc - slide;
  const bool inside = in_table >= symbols_.table.first() && in_table <= symbols_.table.last();
  // A table that counts from _stext, or from another symbol, is off by less than kStep in both.
  const u64 origin = symbols_.image.value_or(0);
  if (inside && is_aligned(slide + origin, kStep)) slide_ = slide;
}

std::optional<Place> Namer::place(u64 pc, El el) const {
  if (el != El::EL0 && loaded_ && symbols_.image && !is_upper(pc)) {
    if (pc < *loaded_) return std::nullopt;
    return symbols_.table.at(pc - *loaded_ + *symbols_.image);
  }
  if (slide_) return is_upper(pc) ? symbols_.table.at(pc - *slide_) : std::optional<Place>();
  return symbols_.linked ? symbols_.table.at(pc) : std::nullopt;
}

std::string Namer::name(u64 pc, El el) const {
  const auto found = place(pc, el);
  return found ? text_of(*found) : std::string();
}

std::string text_of(const Place& place) {
  if (place.offset == 0) return std::string(place.name);
  return fmt::format("{}+{:#x}", place.name, place.offset);
}

}  // namespace farside::symbols

// cache/config.h - geometry of the caches: presets by CPU name, and a small
// text format.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::cache {

/// How the first-level instruction cache is indexed and tagged (CTR_EL0.L1Ip).
enum class ICacheKind : u8 { VPIPT = 0, AIVIVT = 1, VIPT = 2, PIPT = 3 };

/// One cache. Lines have 64 bytes. `size` 0 means that the cache is absent.
struct Geometry {
  u32 size = 0;  ///< bytes
  u32 ways = 0;
  constexpr u32 sets() const { return ways == 0 ? 0 : size / ways / 64; }
  friend constexpr bool operator==(const Geometry&, const Geometry&) = default;
};

/// Where instruction fetches and data meet (CLIDR_EL1.LoUU): in the L2, or only in memory, the point of coherency.
enum class Unification : u8 { L2, Memory };

/// All caches of a machine: L1I and L1D for each core, optionally one L2 that all share, memory (the point of
/// coherency) below it, and beyond that optionally a system cache, which only counts: it is transparent.
struct Config {
  std::string name = "none";
  Geometry l1i, l1d, l2, system_cache;
  ICacheKind icache = ICacheKind::PIPT;
  Unification unification = Unification::L2;  ///< Memory where there is no L2
  bool idc = false;                           ///< CTR_EL0.IDC: instruction fetches see dirty lines of
                                              ///< data caches
  bool dic = false;                           ///< CTR_EL0.DIC: stores reach instruction caches
  friend bool operator==(const Config&, const Config&) = default;
};

/// All presets, in the order in which the CPUs are listed.
std::span<const Config> presets();
/// The caches of the CPU called `cpu`, if it is known.
std::optional<Config> preset(std::string_view cpu);

/// Reads the text format of docs/caches.md: lines of `key value...`, `#` starts
/// a comment. `file` names the text in errors, which say file, line and what
/// was expected.
Result<Config, UserError> parse_config(std::string_view text, std::string_view file);
/// Says why the hierarchy cannot be built, if it cannot.
Result<void, UserError> validate(const Config& config);
/// The text that parse_config reads back as `config`.
std::string print_config(const Config& config);

}  // namespace farside::cache

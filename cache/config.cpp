// cache/config.cpp - presets, validation and the text format of cache
// geometries.
#include "cache/config.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "cache/access.h"
#include "core/base/bits.h"

namespace farside::cache {
namespace {

constexpr u32 kKiB = 1024, kMaxWays = 64, kMaxSets = 32768;

using enum ICacheKind;

// As the Technical Reference Manuals print them; the first-level data cache is
// physically tagged and free of aliases.
const Config kPresets[] = {
    {"cortex-a53", {32 * kKiB, 2}, {32 * kKiB, 4}, {512 * kKiB, 16}, {}, VIPT},
    {"cortex-a57", {48 * kKiB, 3}, {32 * kKiB, 2}, {2048 * kKiB, 16}, {}, PIPT},
    {"cortex-a72", {48 * kKiB, 3}, {32 * kKiB, 2}, {1024 * kKiB, 16}, {}, PIPT},
    {"neoverse-n1", {64 * kKiB, 4}, {64 * kKiB, 4}, {1024 * kKiB, 8}, {}, PIPT},
    // FEAT_S2FWB comes with CTR_EL0.IDC: nobody cleans for instruction fetches what stage 2 has made cacheable.
    {"max", {64 * kKiB, 4}, {64 * kKiB, 4}, {1024 * kKiB, 8}, {4096 * kKiB, 16}, PIPT, Unification::L2, true},
};

constexpr std::string_view kKindNames[] = {"vpipt", "aivivt", "vipt", "pipt"};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  line = line.substr(0, line.find('#'));
  while (true) {
    const usize start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) return words;
    const usize end = std::min(line.find_first_of(" \t\r", start), line.size());
    words.push_back(line.substr(start, end - start));
    line = line.substr(end);
  }
}

std::optional<u32> parse_number(std::string_view text) {
  u32 value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// `32K`, `1M` or bytes.
std::optional<u32> parse_size(std::string_view text) {
  u32 unit = 1;
  if (!text.empty() && (text.back() == 'K' || text.back() == 'M')) {
    unit = text.back() == 'K' ? kKiB : kKiB * kKiB;
    text.remove_suffix(1);
  }
  const auto number = parse_number(text);
  if (!number || *number > (u32{1} << 31) / unit) return std::nullopt;
  return *number * unit;
}

std::optional<bool> parse_flag(std::string_view text) {
  if (text == "yes" || text == "1") return true;
  if (text == "no" || text == "0") return false;
  return std::nullopt;
}

std::optional<std::string> check_geometry(std::string_view name, const Geometry& g) {
  if (g.ways == 0 || g.ways > kMaxWays) return fmt::format("{}: ways must be 1 to {}, not {}", name, kMaxWays, g.ways);
  if (g.size % (g.ways * 64) != 0 || !is_power_of_two(g.sets())) {
    return fmt::format(
        "{}: {} bytes in {} ways make {} sets of 64-byte lines; "
        "sets must be a power of two",
        name, g.size, g.ways, static_cast<double>(g.size) / g.ways / 64);
  }
  if (g.sets() > kMaxSets) return fmt::format("{}: {} sets are more than {}", name, g.sets(), kMaxSets);
  return std::nullopt;
}

/// One line of the text format. Returns what was expected, when it is not
/// there.
class LineParser {
 public:
  explicit LineParser(Config& config) : config_(config) {}
  std::optional<std::string> apply(std::span<const std::string_view> words) {
    const std::string_view key = words[0];
    if (key == "name") return text(words, config_.name);
    if (key == "l1i") return geometry(words, config_.l1i);
    if (key == "l1d") return geometry(words, config_.l1d);
    if (key == "l2") return optional(words, config_.l2);
    if (key == "system_cache") return optional(words, config_.system_cache);
    if (key == "line") return line(words);
    if (key == "unification") return unification(words);
    if (key == "icache") return kind(words);
    if (key == "idc") return flag(words, config_.idc);
    if (key == "dic") return flag(words, config_.dic);
    return fmt::format(
        "expected name, line, l1i, l1d, l2, system_cache, unification, icache, idc "
        "or dic, not '{}'",
        key);
  }

 private:
  using Words = std::span<const std::string_view>;
  static std::optional<std::string> text(Words words, std::string& out) {
    if (words.size() != 2) return "expected `name WORD`";
    out = words[1];
    return std::nullopt;
  }
  static std::optional<std::string> geometry(Words words, Geometry& out) {
    const std::string usage = fmt::format("expected `{} SIZE WAYS`, for example `{} 32K 4`", words[0], words[0]);
    if (words.size() != 3) return usage;
    const auto size = parse_size(words[1]), ways = parse_number(words[2]);
    if (!size || !ways) return usage;
    out = {*size, *ways};
    return check_geometry(words[0], out);
  }
  /// The cache may also be said to be absent.
  static std::optional<std::string> optional(Words words, Geometry& out) {
    if (words.size() != 2 || words[1] != "none") return geometry(words, out);
    out = {};
    return std::nullopt;
  }
  static std::optional<std::string> line(Words words) {
    const auto bytes = words.size() == 2 ? parse_number(words[1]) : std::nullopt;
    if (!bytes) return "expected `line BYTES`";
    if (*bytes != kLine) return fmt::format("line: the model has lines of {} bytes, not {}", kLine, *bytes);
    return std::nullopt;
  }
  std::optional<std::string> unification(Words words) {
    if (words.size() != 2 || (words[1] != "l2" && words[1] != "memory"))
      return "expected `unification l2` or `unification memory`";
    config_.unification = words[1] == "l2" ? Unification::L2 : Unification::Memory;
    return std::nullopt;
  }
  static std::optional<std::string> flag(Words words, bool& out) {
    const auto value = words.size() == 2 ? parse_flag(words[1]) : std::nullopt;
    if (!value) return fmt::format("expected `{} yes` or `{} no`", words[0], words[0]);
    out = *value;
    return std::nullopt;
  }
  std::optional<std::string> kind(Words words) {
    for (unsigned i = 0; words.size() == 2 && i < 4; ++i) {
      if (words[1] == kKindNames[i]) {
        config_.icache = static_cast<ICacheKind>(i);
        return std::nullopt;
      }
    }
    return "expected `icache pipt`, `vipt`, `vpipt` or `aivivt`";
  }
  Config& config_;
};

}  // namespace

std::span<const Config> presets() { return kPresets; }

std::optional<Config> preset(std::string_view cpu) {
  for (const Config& config : kPresets) {
    if (config.name == cpu) return config;
  }
  return std::nullopt;
}

Result<void, UserError> validate(const Config& config) {
  const struct {
    std::string_view name;
    const Geometry& geometry;
  } required[] = {{"l1i", config.l1i}, {"l1d", config.l1d}};
  for (const auto& cache : required) {
    if (cache.geometry.size == 0) return UserError{fmt::format("{}: missing; l1i and l1d are needed", cache.name)};
    if (const auto problem = check_geometry(cache.name, cache.geometry)) return UserError{*problem};
  }
  if (config.l2.size != 0) {
    if (const auto problem = check_geometry("l2", config.l2)) return UserError{*problem};
  } else if (config.unification == Unification::L2) {
    return UserError{"unification l2: there is no l2"};
  }
  if (config.system_cache.size != 0) {
    if (const auto problem = check_geometry("system_cache", config.system_cache)) return UserError{*problem};
  }
  return {};
}

Result<Config, UserError> parse_config(std::string_view text, std::string_view file) {
  Config config;
  config.name = file;
  unsigned number = 0;
  bool says_unification = false;
  while (!text.empty()) {
    const usize end = std::min(text.find('\n'), text.size());
    ++number;
    if (const auto words = words_of(text.substr(0, end)); !words.empty()) {
      says_unification |= words[0] == "unification";
      if (const auto problem = LineParser(config).apply(words)) {
        return UserError{fmt::format("{}:{}: {}", file, number, *problem)};
      }
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (config.l2.size == 0 && !says_unification) config.unification = Unification::Memory;
  if (const auto valid = validate(config); !valid) {
    return UserError{fmt::format("{}:{}: {}", file, number, valid.error().message)};
  }
  return config;
}

std::string print_config(const Config& config) {
  std::string out = fmt::format("name {}\nline {}\n", config.name, kLine);
  const auto add = [&](std::string_view name, const Geometry& g) {
    if (g.size == 0) {
      out += fmt::format("{} none\n", name);
      return;
    }
    out += g.size % kKiB == 0 ? fmt::format("{} {}K {}\n", name, g.size / kKiB, g.ways)
                              : fmt::format("{} {} {}\n", name, g.size, g.ways);
  };
  add("l1i", config.l1i);
  add("l1d", config.l1d);
  add("l2", config.l2);
  add("system_cache", config.system_cache);
  out += config.unification == Unification::L2 ? "unification l2\n" : "unification memory\n";
  out += fmt::format("icache {}\nidc {}\ndic {}\n", kKindNames[static_cast<unsigned>(config.icache)],
                     config.idc ? "yes" : "no", config.dic ? "yes" : "no");
  return out;
}

}  // namespace farside::cache

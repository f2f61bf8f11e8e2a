// cache/knobs.cpp - the table of knobs and the profiles.
#include "cache/knobs.h"

#include <fmt/format.h>

#include <charconv>
#include <span>

namespace farside::cache {
namespace {

/// One knob: named values, or a number up to `max` when there are none.
struct Row {
  std::string_view name;
  std::span<const std::string_view> values;
  u32 max;
  u32 (*get)(const Knobs&);
  void (*set)(Knobs&, u32);
};

template <auto Member>
u32 get(const Knobs& knobs) {
  return static_cast<u32>(knobs.*Member);
}
template <auto Member>
void set(Knobs& knobs, u32 value) {
  using Field = std::remove_reference_t<decltype(knobs.*Member)>;
  knobs.*Member = static_cast<Field>(value);
}
template <auto Member, usize N>
constexpr Row named(std::string_view name, const std::string_view (&values)[N]) {
  return {name, values, N - 1, get<Member>, set<Member>};
}
template <auto Member>
constexpr Row number(std::string_view name) {
  return {name, {}, 1'000'000'000, get<Member>, set<Member>};
}

constexpr std::string_view kSwitch[] = {"off", "on"};
constexpr std::string_view kSpecFill[] = {"none", "nearby", "any", "adversarial"};
constexpr std::string_view kEvict[] = {"lazy", "random", "oldest", "adversarial"};
constexpr std::string_view kGranule[] = {"bytes", "line"};
constexpr std::string_view kNcHit[] = {"bypass", "lookup", "clean-first", "hostile"};
constexpr std::string_view kC0[] = {"bypass", "hits"};
constexpr std::string_view kIFetch[] = {"pou", "snoop"};
constexpr std::string_view kIvac[] = {"invalidate", "clean"};
constexpr std::string_view kSwScope[] = {"private", "l2"};
constexpr std::string_view kWalk[] = {"l1d", "l2", "nc"};
constexpr std::string_view kDma[] = {"device", "snoop"};
constexpr std::string_view kCompletion[] = {"immediate", "dsb"};
constexpr std::string_view kNsh[] = {"snooped", "private"};
constexpr std::string_view kPages[] = {"lines", "uniform"};

constexpr Row kRows[] = {
    named<&Knobs::model>("model", kSwitch),
    named<&Knobs::spec_fill>("spec_fill", kSpecFill),
    number<&Knobs::spec_period>("spec_period"),
    named<&Knobs::evict>("evict", kEvict),
    number<&Knobs::evict_period>("evict_period"),
    named<&Knobs::wb_granule>("wb_granule", kGranule),
    named<&Knobs::nc_hit>("nc_hit", kNcHit),
    named<&Knobs::c0_policy>("c0_policy", kC0),
    named<&Knobs::ifetch>("ifetch", kIFetch),
    number<&Knobs::icache_refetch>("icache_refetch"),
    number<&Knobs::fetch_ahead>("fetch_ahead"),
    named<&Knobs::ivac>("ivac", kIvac),
    named<&Knobs::sw_scope>("sw_scope", kSwScope),
    named<&Knobs::walker>("walker", kWalk),
    named<&Knobs::dma>("dma", kDma),
    named<&Knobs::write_stream>("write_stream", kSwitch),
    named<&Knobs::completion>("completion", kCompletion),
    named<&Knobs::nsh>("nsh", kNsh),
    named<&Knobs::host_alias>("host_alias", kSwitch),
    named<&Knobs::pages>("pages", kPages),
    named<&Knobs::lend>("lend", kSwitch),
    named<&Knobs::sanitizer>("sanitizer", kSwitch),
};

std::string values_of(const Row& row) {
  if (row.values.empty()) return fmt::format("0..{}", row.max);
  return fmt::format("{}", fmt::join(row.values, "|"));
}

Knobs coherent() {
  Knobs k;
  k.model = Switch::On;
  k.nc_hit = NcHit::Lookup;
  k.ifetch = IFetch::Snoop;
  k.ivac = Ivac::CleanInvalidate;
  k.dma = DmaPath::Snoop;
  return k;
}

Knobs model() {
  Knobs k;
  k.model = Switch::On;
  k.spec_fill = SpecFill::Nearby;
  k.evict = Evict::Random;
  k.wb_granule = WbGranule::Line;
  k.icache_refetch = 5000;
  k.fetch_ahead = 1;
  return k;
}

Knobs adversarial() {
  Knobs k = model();
  k.spec_fill = SpecFill::Adversarial;
  k.evict = Evict::Adversarial;
  k.icache_refetch = 0;
  k.sw_scope = SwScope::Private;
  k.completion = Completion::AtDsb;
  k.nsh = NshSnoop::Private;
  return k;
}

}  // namespace

Result<Knobs, UserError> profile(std::string_view name) {
  if (name == "off") return Knobs{};
  if (name == "coherent") return coherent();
  if (name == "model") return model();
  if (name == "adversarial") return adversarial();
  return UserError{fmt::format("cache profile '{}' is not one of off, coherent, model, adversarial", name)};
}

Result<void, UserError> set_knob(Knobs& knobs, std::string_view assignment) {
  const usize equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    return UserError{fmt::format("knob '{}': expected name=value", assignment)};
  }
  const std::string_view name = assignment.substr(0, equals), value = assignment.substr(equals + 1);
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    for (u32 i = 0; i < row.values.size(); ++i) {
      if (row.values[i] == value) return row.set(knobs, i), Result<void, UserError>{};
    }
    u32 parsed = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    const bool is_number = error == std::errc{} && end == value.data() + value.size();
    if (row.values.empty() && is_number && parsed <= row.max) {
      return row.set(knobs, parsed), Result<void, UserError>{};
    }
    return UserError{fmt::format("knob {}: '{}' is not one of {}", name, value, values_of(row))};
  }
  std::vector<std::string_view> names;
  for (const Row& row : kRows) names.push_back(row.name);
  return UserError{fmt::format("knob '{}' does not exist; there are {}", name, fmt::join(names, ", "))};
}

std::vector<std::string> print_knobs(const Knobs& knobs) {
  std::vector<std::string> out;
  for (const Row& row : kRows) {
    const u32 value = row.get(knobs);
    out.push_back(row.values.empty() ? fmt::format("{}={}", row.name, value)
                                     : fmt::format("{}={}", row.name, row.values[value]));
  }
  return out;
}

std::vector<std::string> knob_help() {
  std::vector<std::string> out;
  for (const Row& row : kRows) out.push_back(fmt::format("{}={}", row.name, values_of(row)));
  return out;
}

}  // namespace farside::cache

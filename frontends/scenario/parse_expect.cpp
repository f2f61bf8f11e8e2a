// frontends/scenario/parse_expect.cpp - what may be expected: registers, memory, copies, exits, counts, reports,
// stage-2 leaves.
#include "frontends/scenario/names.h"
#include "frontends/scenario/parse.h"

namespace farside::scenario {
namespace {

Result<Compare, UserError> comparison(Words& words) {
  if (words.take("=")) return Compare::Equal;
  if (words.take("!=")) return Compare::NotEqual;
  if (words.take(">=")) return Compare::AtLeast;
  if (words.take("<=")) return Compare::AtMost;
  return words.expected("=, !=, >= or <=");
}

/// `= V`, or `= V or V`.
Result<void, UserError> hex_values(Words& words, Expect& expect) {
  expect.compare = TRY(comparison(words));
  do expect.values.push_back(TRY(words.hex("a value")));
  while (words.take("or"));
  if (expect.values.size() > 1) expect.compare = Compare::OneOf;
  return {};
}

Result<void, UserError> decimal_value(Words& words, Expect& expect) {
  expect.compare = TRY(comparison(words));
  expect.values.push_back(TRY(words.decimal("a decimal number")));
  return {};
}

using View = ExpectMemory::View;

/// `ram`, `coherent`, `l2`, `host`, `l1d0`, `l1i0`.
std::optional<ExpectMemory> memory_view(Words& words) {
  if (words.take("ram")) return ExpectMemory{.view = View::Ram};
  if (words.take("coherent")) return ExpectMemory{.view = View::Coherent};
  if (words.take("l2")) return ExpectMemory{.view = View::L2};
  if (words.take("host")) return ExpectMemory{.view = View::Host};
  for (const auto& [prefix, view] : {std::pair("l1d", View::L1d), std::pair("l1i", View::L1i)}) {
    if (!words.peek().starts_with(prefix)) continue;
    if (const auto core = words.index(prefix)) return ExpectMemory{.view = view, .core = core.value()};
  }
  return std::nullopt;
}

Result<void, UserError> memory(Words& words, ExpectMemory what, Expect& expect) {
  what.place = TRY(words.place());
  const bool copy = what.view != View::Ram && what.view != View::Coherent;
  if (copy && words.take("absent")) {
    what.copy = ExpectMemory::Copy::Absent;
  } else if (!copy || (words.peek() != "dirty" && words.peek() != "clean")) {
    if (words.take("word")) what.size = 4;
    TRY_VOID(hex_values(words, expect));
  }
  if (copy && words.take("dirty")) what.copy = ExpectMemory::Copy::Dirty;
  if (copy && words.take("clean")) what.copy = ExpectMemory::Copy::Clean;
  expect.what = what;
  return {};
}

Result<ExpectExits, UserError> exits(Words& words) {
  ExpectExits what;
  if (words.done() || words.peek() == "=" || words.peek() == ">=" || words.peek() == "<=") return what;
  what.ec = find_ec(words.peek());
  if (!what.ec) return words.expected("an exception class such as dabt_low, iabt_low, sys64, hvc64 or wfx");
  words.take();
  while (!words.done() && words.peek().find('=') != std::string_view::npos && words.peek().size() > 2) {
    const UserError wrong =
        words.expected("FIELD=VALUE: ec, il, iss, fsc, wnr, cm, s1ptw, isv, srt, sas, ea, ipa, far");
    const Setting setting = TRY(words.setting());
    if (setting.key != "ipa" && setting.key != "far" && !esr_field(Esr{}, setting.key)) return wrong;
    if (setting.key == "fsc") {
      const auto fsc = find_fsc(setting.value);
      if (!fsc) return wrong;
      what.fields.emplace_back(setting.key, *fsc);
      continue;
    }
    Words value(setting.value, words.file(), words.line(), words.names());
    what.fields.emplace_back(setting.key, TRY(value.hex("a hexadecimal number or a name")));
  }
  return what;
}

constexpr std::string_view kFindings[] = {"STALE_CACHED", "STALE_RAM",       "STALE_ICACHE", "STALE_WALK",
                                          "LOST_WRITE",   "DISCARDED_DIRTY", "AMBIGUOUS",    "MISMATCH"};

Result<ExpectReport, UserError> report(Words& words, bool none) {
  ExpectReport what{.none = none};
  for (std::string_view name : kFindings) {
    if (words.take(name)) what.finding = name;
  }
  if (what.finding.empty() && (!none || (!words.done() && words.peek() != "at")))
    return words.expected("a class of findings such as STALE_RAM");
  if (words.take("at")) what.place = TRY(words.place());
  return what;
}

Result<ExpectStage2, UserError> stage2(Words& words) {
  ExpectStage2 what{.place = TRY(words.place())};
  if (words.take("unmapped")) {
    what.mapped = false;
    return what;
  }
  if (words.peek().size() == 3 && !size_of(words.peek())) what.rights = words.take();
  if (!words.done()) what.size = TRY(words.size());
  return what;
}

Result<void, UserError> negative(Words& words, Expect& expect) {
  if (words.take("report")) {
    expect.what = TRY(report(words, true));
    return {};
  }
  TRY_VOID(words.need("exit"));
  ExpectExits what = TRY(exits(words));
  what.any = false;
  expect.what = what;
  expect.values = {0};
  return {};
}

Result<void, UserError> register_or_name(Words& words, Expect& expect) {
  ExpectRegister what;
  const bool named_cpu = words.peek().size() == 4 && words.peek().starts_with("cpu");
  if (named_cpu) what.cpu = TRY(words.index("cpu"));
  if (const auto reg = find_register(words.peek())) {
    words.take();
    what.reg = *reg;
    expect.what = what;
  } else if (named_cpu) {
    return words.expected("a register");
  } else {
    expect.what = ExpectNamed{TRY(words.word("what is expected"))};
  }
  return hex_values(words, expect);
}

}  // namespace

Result<Expect, UserError> parse_expect(Words& words) {
  Expect expect;
  if (words.take("some")) {
    TRY_VOID(words.need("seed"));
    expect.some_seed = true;
  }
  if (words.done()) return words.expected("what is expected");
  if (words.take("no")) {
    TRY_VOID(negative(words, expect));
  } else if (words.take("exit")) {
    expect.what = TRY(exits(words));
  } else if (words.take("exits")) {
    ExpectExits what = TRY(exits(words));
    what.any = false;
    expect.what = what;
    TRY_VOID(decimal_value(words, expect));
  } else if (words.take("count")) {
    const UserError wrong = words.expected("a counter of firmware/hyp/stats.h");
    ExpectCount what{TRY(words.word("a counter"))};
    if (!hyp_count(hyp::Stats{}, what.name) && what.name != "lines_cleaned" && what.name != "lines_invalidated")
      return wrong;
    expect.what = what;
    TRY_VOID(decimal_value(words, expect));
  } else if (words.take("report")) {
    expect.what = TRY(report(words, false));
  } else if (words.take("s2")) {
    expect.what = TRY(stage2(words));
  } else if (const auto view = memory_view(words)) {
    TRY_VOID(memory(words, *view, expect));
  } else {
    TRY_VOID(register_or_name(words, expect));
  }
  return expect;
}

}  // namespace farside::scenario

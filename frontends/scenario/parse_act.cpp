// frontends/scenario/parse_act.cpp - one step: registers, runs, accesses, maintenance, what silicon and the host do.
#include <fmt/format.h>

#include "frontends/scenario/names.h"
#include "frontends/scenario/parse.h"

namespace farside::scenario {
namespace {

using Parsed = Result<Act, UserError>;

Parsed regs(Words& words) {
  SetRegisters act;
  act.cpu = TRY(words.index("cpu"));
  if (words.done()) return words.expected("REGISTER=VALUE");
  while (!words.done()) {
    const UserError wrong = words.expected("REGISTER=VALUE with a register that farside knows");
    const Setting setting = TRY(words.setting());
    const auto reg = find_register(setting.key);
    if (!reg) return wrong;
    // A value may be a name: it is read as a word of its own.
    Words value(setting.value, words.file(), words.line(), words.names());
    act.values.emplace_back(*reg, TRY(value.hex("a hexadecimal number or a name")));
  }
  return Act(act);
}

Result<Until, UserError> until(Words& words) {
  using What = Until::What;
  constexpr std::pair<std::string_view, What> kWords[] = {
      {"hvc", What::Hvc}, {"brk", What::Brk}, {"exit", What::Exit}, {"exception", What::Exception}, {"off", What::Off}};
  for (const auto& [word, what] : kWords) {
    if (words.take(word)) return Until{what, 0};
  }
  if (words.take("insns")) return Until{What::Instructions, TRY(words.decimal("a number of instructions"))};
  return Until{What::Pc, TRY(words.place()).value};
}

Parsed run(Words& words) {
  RunCpu act;
  act.cpu = TRY(words.index("cpu"));
  TRY_VOID(words.need("until"));
  do act.until.push_back(TRY(until(words)));
  while (words.take("or"));
  return Act(act);
}

/// `write`, `write4`: the bytes of each value. Nothing when the word is another.
std::optional<unsigned> sized(Words& words, std::string_view verb) {
  if (words.take(verb)) return 8;
  for (unsigned size : {1u, 2u, 4u, 8u}) {
    if (words.take(fmt::format("{}{}", verb, size))) return size;
  }
  return std::nullopt;
}

Result<std::vector<u64>, UserError> values(Words& words) {
  std::vector<u64> list;
  do list.push_back(TRY(words.hex("a value")));
  while (!words.done() && words.peek() != "coherent");
  return list;
}

/// `host write`, `device write`, ...
Result<std::optional<Act>, UserError> access(Words& words, Agent agent) {
  if (const auto size = sized(words, "write")) {
    WriteMemory act{.agent = agent, .place = TRY(words.place()), .size = *size};
    act.values = TRY(values(words));
    if (agent == Agent::Device && words.take("coherent")) act.agent = Agent::CoherentDma;
    return std::optional<Act>(act);
  }
  if (const auto size = sized(words, "read")) {
    ReadMemory act{.agent = agent, .place = TRY(words.place()), .size = *size};
    if (agent == Agent::Device && words.take("coherent")) act.agent = Agent::CoherentDma;
    if (words.take("as")) act.name = TRY(words.word("a name"));
    return std::optional<Act>(act);
  }
  return std::optional<Act>();
}

Parsed load(Words& words, bool host, const Scenario& scenario) {
  for (u32 i = 0; i < scenario.code.size(); ++i) {
    if (words.peek() != scenario.code[i].name) continue;
    words.take();
    return Act(LoadImage{host, i});
  }
  return words.expected("the name of an image above");
}

Result<std::optional<Act>, UserError> host_action(Words& words) {
  using What = HostAction::What;
  constexpr std::pair<std::string_view, What> kRanges[] = {
      {"munmap", What::Munmap}, {"remap", What::Remap}, {"discard", What::Discard}, {"age", What::Age}};
  constexpr std::pair<std::string_view, What> kPages[] = {
      {"swap", What::SwapOut}, {"move", What::Move}, {"collapse", What::Collapse}};
  for (const auto& [word, what] : kRanges) {
    if (!words.take(word)) continue;
    HostAction act{.what = what, .place = TRY(words.place())};
    if (!words.done()) act.size = TRY(words.size());
    return std::optional<Act>(act);
  }
  for (const auto& [word, what] : kPages) {
    if (words.take(word)) return std::optional<Act>(HostAction{.what = what, .place = TRY(words.place())});
  }
  if (words.take("fork")) return std::optional<Act>(HostAction{.what = What::Fork});
  if (words.take("merge")) {
    HostAction act{.what = What::Merge, .place = TRY(words.place())};
    act.other = TRY(words.place());
    return std::optional<Act>(act);
  }
  if (words.take("protect")) {
    HostAction act{.what = What::Protect, .place = TRY(words.place())};
    act.size = TRY(words.size());
    act.writable = words.take("rw");
    if (!act.writable) TRY_VOID(words.need("r"));
    return std::optional<Act>(act);
  }
  return std::optional<Act>();
}

Parsed host(Words& words, const Scenario& scenario) {
  if (words.take("load")) return load(words, true, scenario);
  if (auto act = TRY(access(words, Agent::Host))) return std::move(*act);
  using What = Maintain::What;
  constexpr std::pair<std::string_view, What> kMaintenance[] = {{"clean", What::Clean},
                                                                {"clean_pou", What::CleanPou},
                                                                {"invalidate", What::Invalidate},
                                                                {"flush", What::CleanInvalidate},
                                                                {"icache", What::ICache}};
  for (const auto& [word, what] : kMaintenance) {
    if (!words.take(word)) continue;
    Maintain act{.what = what, .place = TRY(words.place())};
    if (!words.done()) act.size = TRY(words.size());
    return Act(act);
  }
  if (auto act = TRY(host_action(words))) return std::move(*act);
  return words.expected(
      "load, write, read, clean, clean_pou, invalidate, flush, icache, munmap, remap, discard, age, swap, move, "
      "collapse, fork, merge or protect");
}

Parsed ram(Words& words, const Scenario& scenario) {
  if (words.take("load")) return load(words, false, scenario);
  WriteMemory act{.agent = Agent::Ram, .place = TRY(words.place())};
  TRY_VOID(words.need("="));
  act.values = TRY(values(words));
  return Act(act);
}

/// The core of `l1d0`; nothing for `host`.
Result<std::optional<unsigned>, UserError> data_cache(Words& words) {
  if (words.take("host")) return std::optional<unsigned>();
  return std::optional<unsigned>(TRY(words.index("l1d")));
}

Parsed line(Words& words) {
  if (words.peek().starts_with("l1i")) {
    ReadMemory act{.agent = Agent::Fetch, .core = TRY(words.index("l1i"))};
    act.place = TRY(words.place());
    act.size = 4;
    return Act(act);
  }
  const auto core = TRY(data_cache(words));
  WriteMemory act{.agent = core ? Agent::Line : Agent::Host, .core = core.value_or(0), .place = TRY(words.place())};
  TRY_VOID(words.need("="));
  act.values.push_back(TRY(words.hex("a value")));
  act.clean = words.take("clean");
  if (!act.clean && !words.take("dirty")) return words.expected("clean or dirty");
  return Act(act);
}

Parsed slot_action(Words& words) {
  using What = SlotAction::What;
  SlotAction act;
  if (words.take("delete")) {
    act.what = What::Delete;
  } else if (words.take("move")) {
    act.what = What::Move;
  } else if (words.take("harvest")) {
    act.what = What::Harvest;
  } else if (words.take("log")) {
    act.what = What::Log;
  } else {
    return words.expected("delete, move, log or harvest");
  }
  act.slot.id = static_cast<u32>(TRY(words.decimal("the slot's number")));
  if (act.what == What::Move) act.slot.ipa = TRY(words.ipa());
  if (act.what == What::Log) {
    act.slot.log = words.take("on");
    if (!act.slot.log) TRY_VOID(words.need("off"));
  }
  return Act(act);
}

Parsed other(Words& words) {
  if (words.take("speculate")) {
    Speculate act{.core = TRY(data_cache(words))};
    act.place = TRY(words.place());
    return Act(act);
  }
  if (words.take("evict")) return Act(Evict{TRY(words.place())});
  if (words.take("init")) {
    InitVcpu act{.cpu = TRY(words.index("cpu"))};
    act.entry = TRY(words.ipa());
    return Act(act);
  }
  if (words.take("migrate")) {
    Migrate act{.cpu = TRY(words.index("cpu"))};
    act.pcpu = TRY(words.index("pcpu"));
    return Act(act);
  }
  return words.expected(
      "a step: regs, run, host, ram, line, device, speculate, evict, memslot, init, migrate or expect");
}

}  // namespace

Result<Act, UserError> parse_act(Words& words, const Scenario& scenario) {
  if (words.take("expect")) return Act(TRY(parse_expect(words)));
  if (words.take("regs")) return regs(words);
  if (words.take("run")) return run(words);
  if (words.take("host")) return host(words, scenario);
  if (words.take("ram")) return ram(words, scenario);
  if (words.take("line")) return line(words);
  if (words.take("memslot")) return slot_action(words);
  if (words.take("device")) {
    if (auto act = TRY(access(words, Agent::Device))) return std::move(*act);
    return words.expected("read or write");
  }
  return other(words);
}

}  // namespace farside::scenario

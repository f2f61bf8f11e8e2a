// frontends/scenario/parse.cpp - the file as a whole: title, machine, variants, names, slots, mappings, code, steps.
#include "frontends/scenario/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

#include "core/base/bits.h"
#include "frontends/trace/print.h"

namespace farside::scenario {
namespace {

/// In small letters, with one space between words and one after each comma.
std::string normalise(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\t') c = ' ';
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (c == ',') out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

/// An instruction whose mnemonic is compared when all labels of its block are known.
struct Instruction {
  unsigned line = 0;
  u64 pc = 0;
  u32 word = 0;
  std::string text;
};

class Parser {
 public:
  Parser(std::string_view text, std::string file) : text_(text) { scenario_.file = std::move(file); }

  Result<Scenario, UserError> parse() {
    while (!text_.empty()) {
      const usize end = std::min(text_.find('\n'), text_.size());
      const std::string_view line = text_.substr(0, end);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      ++line_;
      if (line_ == 1) {
        TRY_VOID(title(line));
        continue;
      }
      TRY_VOID(parse_line(line));
    }
    TRY_VOID(end_block());
    if (scenario_.steps.empty()) return error("expected at least one step");
    if (scenario_.variants.empty()) scenario_.variants.push_back({"run", "", {}});
    return std::move(scenario_);
  }

 private:
  UserError error(std::string_view text) const {
    return UserError{fmt::format("{}:{}: {}", scenario_.file, line_, text)};
  }

  Result<void, UserError> title(std::string_view line) {
    const usize dash = line.find(" - ");
    if (!line.starts_with("# ") || dash == std::string_view::npos || dash + 3 == line.size())
      return error("expected '# FILE - one sentence', the title");
    scenario_.title = line.substr(dash + 3);
    return {};
  }

  Result<void, UserError> parse_line(std::string_view line) {
    Words words(line, scenario_.file, line_, names_);
    if (words.done()) {
      note(line);
      return {};
    }
    const bool indented = line[0] == ' ' || line[0] == '\t';
    if (in_block_ && (indented || words.peek().ends_with(':'))) return instruction(words);
    TRY_VOID(end_block());
    if (words.peek().starts_with('[') || !header(words.peek())) return step(line, words);
    note_.clear();
    return header_line(words);
  }

  /// Comment lines belong to the step that follows them.
  void note(std::string_view line) {
    const bool comment = line.starts_with("# ") && !in_block_;
    note_ = comment ? note_ + (note_.empty() ? "" : " ") + std::string(line.substr(2)) : "";
  }

  static bool header(std::string_view word) {
    constexpr std::string_view kWords[] = {"story", "source", "machine", "seeds", "variant", "let",
                                           "slot",  "s1",     "s2",      "code",  "image"};
    return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
  }

  Result<void, UserError> header_line(Words& words) {
    const std::string_view what = words.take();
    if (what == "story") return append(scenario_.story, words);
    if (what == "source") return append(scenario_.source, words);
    if (what == "machine") return settings(words, scenario_.machine);
    if (what == "seeds") return seeds(words);
    if (what == "variant") return variant(words);
    if (what == "let") return let(words);
    if (what == "slot") return slot(words);
    if (what == "s1" || what == "s2") return map(words, what == "s2");
    return code(words, what == "image");
  }

  static Result<void, UserError> append(std::string& text, Words& words) {
    if (words.done()) return words.expected("text");
    text += (text.empty() ? "" : " ") + words.rest();
    return {};
  }

  static Result<void, UserError> settings(Words& words, std::vector<Setting>& out) {
    while (!words.done()) out.push_back(TRY(words.setting()));
    return {};
  }

  Result<void, UserError> seeds(Words& words) {
    scenario_.seeds.clear();
    while (!words.done()) {
      const std::string_view word = words.peek();
      const usize dots = word.find("..");
      const auto first = decimal_of(word.substr(0, dots));
      const auto last = dots == std::string_view::npos ? first : decimal_of(word.substr(dots + 2));
      if (!first || !last || *last < *first || *last - *first >= 10'000) return words.expected("seeds as 0..31 or 7");
      words.take();
      for (u64 seed = *first; seed <= *last; ++seed) scenario_.seeds.push_back(seed);
    }
    if (scenario_.seeds.empty()) return words.expected("seeds as 0..31 or 7");
    return {};
  }

  Result<void, UserError> variant(Words& words) {
    Variant variant;
    variant.name = TRY(words.word("the variant's name"));
    while (!words.done() && words.peek() != ":") {
      if (words.peek() == "fix=on" || words.peek() == "fix=off") {
        variant.fixed = words.take() == "fix=on";
      } else {
        variant.settings.push_back(TRY(words.setting()));
      }
    }
    if (words.take(":")) variant.title = words.rest();
    for (const Variant& other : scenario_.variants) {
      if (other.name == variant.name) return error(fmt::format("expected a new name, '{}' is taken", variant.name));
    }
    scenario_.variants.push_back(std::move(variant));
    return {};
  }

  Result<void, UserError> let(Words& words) {
    const std::string name = TRY(words.word("a name"));
    TRY_VOID(words.need("="));
    const Place place = TRY(words.place());
    TRY_VOID(words.end());
    TRY_VOID(define(name, place));
    scenario_.names.emplace_back(name, place);
    return {};
  }

  Result<void, UserError> define(const std::string& name, Place place) {
    const auto letter = static_cast<unsigned char>(name[0]);
    if (!std::isalpha(letter) || hex_of(name)) {
      return error(fmt::format("expected a name that is no hexadecimal number, found '{}'", name));
    }
    if (!names_.emplace(name, place).second) return error(fmt::format("expected a new name, '{}' is taken", name));
    return {};
  }

  Result<void, UserError> slot(Words& words) {
    SlotLine slot;
    slot.id = static_cast<u32>(TRY(words.decimal("the slot's number")));
    if (slot.id == 0 || slot.id > 31) return error("expected a slot from 1 to 31: slot 0 is the machine's RAM");
    slot.ipa = TRY(words.ipa());
    slot.size = TRY(words.size());
    if (words.take("ro")) {
      slot.read_only = true;
    } else {
      TRY_VOID(words.need("rw"));
    }
    slot.log = words.take("log");
    TRY_VOID(words.end());
    scenario_.slots.push_back(slot);
    return {};
  }

  Result<void, UserError> map(Words& words, bool stage2) {
    MapLine map{.stage2 = stage2, .line = line_};
    const Place from = TRY(words.place());
    if (from.space != (stage2 ? Space::Ipa : Space::Va)) return error(stage2 ? "expected ipa:" : "expected va:");
    map.from = from.value;
    TRY_VOID(words.need("->"));
    const Place to = TRY(words.place());
    if (to.space != (stage2 ? Space::Pa : Space::Ipa)) return error(stage2 ? "expected pa:" : "expected ipa:");
    map.to = to.value;
    map.size = TRY(words.size());
    TRY_VOID(rights(words, map));
    map.type = TRY(words.word("wb, wt, nc or device"));
    if (map.type != "wb" && map.type != "wt" && map.type != "nc" && map.type != "device")
      return error(fmt::format("expected wb, wt, nc or device, found '{}'", map.type));
    while (!words.done()) {
      if (words.take("el0")) {
        map.el0 = true;
      } else if (words.take("ng")) {
        map.ng = true;
      } else if (words.take("af=0")) {
        map.af = false;
      } else {
        return words.expected("el0, ng or af=0");
      }
    }
    if (((map.from | map.to | map.size) & 0xfff) != 0) return error("expected addresses and a size in pages of 4K");
    constexpr u64 kMostInput = u64{1} << 39, kMostOutput = u64{1} << 40, kMostSize = u64{1} << 30;
    if (map.size > kMostSize || map.from > kMostInput - map.size || map.to > kMostOutput - map.size)
      return error("expected at most 1G, from below 2^39, to below 2^40");
    scenario_.maps.push_back(map);
    return {};
  }

  static Result<void, UserError> rights(Words& words, MapLine& map) {
    const std::string_view text = words.peek();
    if (text.size() != 3 || (text[0] != 'r' && text[0] != '-') || (text[1] != 'w' && text[1] != '-') ||
        (text[2] != 'x' && text[2] != '-'))
      return words.expected("rights such as rwx or r--");
    map.r = text[0] == 'r';
    map.w = text[1] == 'w';
    map.x = text[2] == 'x';
    words.take();
    return {};
  }

  Result<void, UserError> code(Words& words, bool image) {
    CodeBlock block{.image = image};
    block.name = TRY(words.word("the block's name"));
    block.address = TRY(words.ipa());
    TRY_VOID(words.end());
    if (!is_aligned(block.address, 4)) return error("expected an address that is a multiple of 4");
    TRY_VOID(define(block.name, {Space::Ipa, block.address}));
    scenario_.code.push_back(std::move(block));
    in_block_ = true;
    return {};
  }

  Result<void, UserError> instruction(Words& words) {
    CodeBlock& block = scenario_.code.back();
    const u64 pc = block.address + 4 * block.words.size();
    if (words.peek().ends_with(':')) {
      std::string label(words.take());
      label.pop_back();
      TRY_VOID(words.end());
      return define(label, {Space::Ipa, pc});
    }
    const auto word = words.peek().size() == 8 ? hex_of(words.peek()) : std::nullopt;
    if (!word) return words.expected("a word of 8 hexadecimal digits and its mnemonic, or a label");
    words.take();
    if (words.done()) return words.expected("the mnemonic (or .word)");
    block.words.push_back(static_cast<u32>(*word));
    unchecked_.push_back({line_, pc, static_cast<u32>(*word), words.rest()});
    return {};
  }

  Result<void, UserError> end_block() {
    in_block_ = false;
    for (const Instruction& instruction : unchecked_) {
      if (instruction.text == ".word") continue;
      const std::string given = normalise(with_addresses(instruction.text));
      const std::string real = normalise(disassembler_.text(instruction.pc, instruction.word));
      if (given == real) continue;
      line_ = instruction.line;
      return error(fmt::format("expected '{}', which is what {:08x} means here, found '{}'", real, instruction.word,
                               instruction.text));
    }
    unchecked_.clear();
    return {};
  }

  /// Labels replaced by addresses as a disassembler prints them.
  std::string with_addresses(std::string_view text) const {
    std::string out, word;
    for (usize i = 0; i <= text.size(); ++i) {
      const char c = i < text.size() ? text[i] : ' ';
      if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
        word += c;
        continue;
      }
      const auto name = names_.find(word);
      out += name == names_.end() ? word : fmt::format("#{:#x}", name->second.value);
      word.clear();
      out += c;
    }
    return out;
  }

  Result<void, UserError> step(std::string_view line, Words& words) {
    Step step{.line = line_, .text = std::string(line), .note = std::exchange(note_, {})};
    step.text.erase(step.text.find_last_not_of(" \t\r") + 1);
    if (words.peek().starts_with('[')) TRY_VOID(restrict(words, step));
    step.act = TRY(parse_act(words, scenario_));
    TRY_VOID(words.end());
    scenario_.steps.push_back(std::move(step));
    return {};
  }

  Result<void, UserError> restrict(Words& words, Step& step) {
    std::string_view list = words.take();
    if (!list.ends_with(']')) return error("expected [VARIANT,...] without spaces");
    list = list.substr(1, list.size() - 2);
    while (!list.empty()) {
      const usize comma = std::min(list.find(','), list.size());
      const std::string_view name = list.substr(0, comma);
      if (std::none_of(scenario_.variants.begin(), scenario_.variants.end(),
                       [&](const Variant& v) { return v.name == name; }))
        return error(fmt::format("expected the name of a variant above, found '{}'", name));
      step.variants.emplace_back(name);
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return {};
  }

  std::string_view text_;
  unsigned line_ = 0;
  bool in_block_ = false;
  std::string note_;
  Names names_;
  std::vector<Instruction> unchecked_;
  trace::Disassembler disassembler_;
  Scenario scenario_;
};

}  // namespace

Result<Scenario, UserError> parse_scenario(std::string_view text, std::string file) {
  return Parser(text, std::move(file)).parse();
}

Result<Scenario, UserError> load_scenario(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return UserError{fmt::format("{}: cannot be read", path)};
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  return parse_scenario(text, path);
}

}  // namespace farside::scenario

// frontends/cli/words.cpp - hands a command's table to the parser and turns its complaints into one line.
#include "frontends/cli/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace farside::cli {
namespace {

UserError unknown_option(const CommandInfo& command, std::string_view word) {
  std::vector<std::string_view> names;
  for (const OptionInfo& option : command.options) names.push_back(option.name);
  const std::string_view bare = word.substr(std::min(word.find_first_not_of('-'), word.size()));
  const std::string_view near = nearest(bare.substr(0, bare.find('=')), names);
  const std::string advice = near.empty() ? fmt::format("'farside {} --help' lists the options", command.name)
                                          : fmt::format("did you mean --{}?", near);
  return UserError{fmt::format("unknown option {}: {}", word, advice)};
}

}  // namespace

Result<Words, UserError> split_words(const CommandInfo& command, const std::vector<std::string>& arguments) {
  cxxopts::Options options("farside");
  options.allow_unrecognised_options();
  auto add = options.add_options();
  for (const OptionInfo& option : command.options) {
    const std::string name(option.name);
    if (option.argument.empty()) {
      add(name, "");
    } else if (option.repeats) {
      add(name, "", cxxopts::value<std::vector<std::string>>());
    } else {
      add(name, "", cxxopts::value<std::string>());
    }
  }
  add("words", "", cxxopts::value<std::vector<std::string>>());
  options.parse_positional({"words"});
  std::vector<const char*> pointers{"farside"};
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  try {
    Words words{options.parse(static_cast<int>(pointers.size()), pointers.data())};
    if (!words.result.unmatched().empty()) return unknown_option(command, words.result.unmatched().front());
    for (const std::string& word : words.rest()) {
      if (word.starts_with('-')) return unknown_option(command, word);
    }
    for (const OptionInfo& option : command.options) {
      if (!option.repeats && words.result.count(std::string(option.name)) > 1) {
        return UserError{fmt::format("--{} is given more than once", option.name)};
      }
    }
    return words;
  } catch (const std::exception& error) {
    return UserError{fmt::format("{} ('farside {} --help' explains)", error.what(), command.name)};
  }
}

}  // namespace farside::cli

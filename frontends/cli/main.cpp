// frontends/cli/main.cpp - the program `farside`: picks the command and turns errors into one line and exit status 2.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "frontends/cli/compare.h"
#include "frontends/cli/compare_options.h"
#include "frontends/cli/museum.h"
#include "frontends/cli/options.h"
#include "frontends/cli/run.h"
#include "frontends/cli/scenario.h"
#include "frontends/cli/scenario_options.h"
#include "frontends/guests/guests.h"

namespace farside::cli {
namespace {

constexpr std::string_view kVersion = "0.1.0";

using Arguments = std::vector<std::string>;

int list_guests() {
  for (const guests::GuestInfo& guest : guests::known_guests()) {
    fmt::print("{:<18} {:<12} {}\n", guest.name, guests::is_cached(guest) ? "here" : "to be fetched", guest.summary);
  }
  return 0;
}

Result<int, UserError> get_guest(const GuestOptions& options) {
  const guests::GuestInfo* guest = guests::find_guest(options.name);
  if (guest == nullptr)
    return UserError{fmt::format("unknown guest {}: 'farside guest list' lists them", options.name)};
  const guests::GuestFiles files = TRY(guests::get_guest(*guest, {.force = options.force}));
  fmt::print("kernel {}\ninitrd {}\n", files.kernel, files.initrd);
  return 0;
}

Result<int, UserError> run_command(const Arguments& arguments) {
  const auto parsed = TRY(parse_run(arguments));
  if (const auto* page = std::get_if<TextRequest>(&parsed)) return fmt::print("{}", page->text), 0;
  return run_guest(std::get<RunOptions>(parsed));
}

Result<int, UserError> guest_command(const Arguments& arguments) {
  const auto parsed = TRY(parse_guest(arguments));
  if (const auto* page = std::get_if<TextRequest>(&parsed)) return fmt::print("{}", page->text), 0;
  const auto& options = std::get<GuestOptions>(parsed);
  if (options.action == GuestOptions::Action::List) return list_guests();
  return get_guest(options);
}

Result<int, UserError> help_command(const Arguments& topics) {
  for (const CommandInfo* command :
       {&kRunCommand, &kCompareCommand, &kGuestCommand, &kScenarioCommand, &kMuseumCommand}) {
    if (!topics.empty() && topics[0] == command->name) return fmt::print("{}", help_page(*command)), 0;
  }
  if (!topics.empty()) return UserError{fmt::format("no help on {}: 'farside help' lists the commands", topics[0])};
  return fmt::print("{}", overview_page()), 0;
}

Result<int, UserError> dispatch(Arguments arguments) {
  if (arguments.empty()) return help_command({});
  const std::string command = arguments.front();
  arguments.erase(arguments.begin());
  if (command == "run") return run_command(arguments);
  if (command == "guest") return guest_command(arguments);
  if (command == "compare") return compare_command(arguments);
  if (command == "scenario") return scenario_command(arguments);
  if (command == "museum") return museum_command(arguments);
  if (command == "version" || command == "--version") return fmt::print("farside {}\n", kVersion), 0;
  if (command == "help" || command == "--help" || command == "-h") return help_command(arguments);
  static constexpr std::string_view kCommands[] = {"run",     "compare", "guest", "scenario", "museum",
                                                   "version", "help",    "build", "test"};
  const std::string_view near = nearest(command, kCommands);
  return UserError{fmt::format("unknown command {}: {}", command,
                               near.empty() ? "'farside help' lists them" : fmt::format("did you mean {}?", near))};
}

int main_without_exceptions(Arguments arguments) {
  try {
    const auto outcome = dispatch(std::move(arguments));
    if (outcome) return outcome.value();
    fmt::print(stderr, "farside: {}\n", outcome.error().message);
  } catch (const std::exception& error) {  // file system and memory errors of the standard library
    fmt::print(stderr, "farside: {}\n", error.what());
  }
  return kExitUserError;
}

}  // namespace
}  // namespace farside::cli

int main(int count, char** words) {
  std::signal(SIGXFSZ, SIG_IGN);  // at a limit (ulimit -f) one write fails, as on a full disk; the guest goes on
  return farside::cli::main_without_exceptions({words + 1, words + count});
}

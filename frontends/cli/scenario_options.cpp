// frontends/cli/scenario_options.cpp - the options of `farside scenario` and `farside museum`.
#include "frontends/cli/scenario_options.h"

namespace farside::cli {
namespace {

constexpr OptionInfo kOptions[] = {
    {"What to run", "policy", "NAME", "", "use this policy in variants that name none (farside run --policy help)"},
    {"What to run", "seed", "N", "", "this seed only; expectations for some seed are then not judged"},
    {"What to run", "variant", "NAME", "", "this variant only"},
    {"What to run", "engine", "interp|jit", "interp", "what executes the instructions; the report is the same"},
    {"What to run", "piece", "N", "1",
     "steps that end at a branch to itself run N instructions at once: silicon acts only in between"},
    {"What to print", "explain", "", "", "steps, walks, line histories and reports, of one seed of each variant"},
    {"What to print", "help", "", "", "this page"},
};

constexpr OptionInfo kMuseumOptions[] = {
    {"What to run", "fix", "on|off", "both", "only the run with the fix, or without it"},
    {"What to run", "seed", "N", "", "this seed only"},
    {"What to run", "engine", "interp|jit", "interp", "what executes the instructions; the report is the same"},
    {"What to run", "help", "", "", "this page"},
};

constexpr std::string_view kMuseumAfter =
    R"(Exit status
  0  the exhibit does what it is known for, with the fix and without
  1  it does not
  2  there is no such exhibit, or an option is wrong

An exhibit is a scenario file; `farside scenario run` runs those of tests/scenarios/museum.
)";

constexpr std::string_view kAfter =
    R"(Exit status
  0  everything is as the files say
  1  something is not: the lines that begin with RED
  2  a file or an option is wrong

The format is described in docs/scenario-format.md.
)";

}  // namespace

const CommandInfo kScenarioCommand{
    "scenario",
    "run small two-stage and cache experiments written as text",
    "farside scenario run FILE|FOLDER... [OPTION...]",
    "Each file says a machine, some memory, some instructions, what host, devices and silicon do in between, and what "
    "must be seen then, in several variants: on a coherent machine, under a correct hypervisor, with a piece of it "
    "removed.",
    kOptions,
    kAfter,
};

const CommandInfo kMuseumCommand{
    "museum",
    "watch famous corruptions happen, and their fixes",
    "farside museum list\nfarside museum run NAME [--fix on|off] [--seed N]",
    "Each exhibit is a mail thread or a commit as a small experiment: its story, the run without the fix with the "
    "corrupt byte, the life of its cache line and the missing maintenance, and the run with the fix.",
    kMuseumOptions,
    kMuseumAfter,
};

}  // namespace farside::cli

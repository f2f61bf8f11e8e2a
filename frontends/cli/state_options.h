// frontends/cli/state_options.h - options about snapshots and the monitor.
#pragma once
#include "frontends/cli/options.h"
#include "frontends/cli/words.h"

namespace farside::cli {

/// --monitor, --restore, --snapshot-at and --snapshot-dir.
Result<void, UserError> take_state(const Words& words, RunOptions& run);

}  // namespace farside::cli

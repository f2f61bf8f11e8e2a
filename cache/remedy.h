// cache/remedy.h - the smallest maintenance that would have prevented a
// finding, in words.
#pragma once
#include "cache/sanitizer.h"

namespace farside::cache {

/// `reader` completes "before ...".
Remedy clean_remedy(Point point, std::string_view reader);
/// `dirty`: the old copy is itself dirty, so it must have been cleaned before
/// the write that is newer.
Remedy invalidate_remedy(bool dirty);
/// `unclean`: the new instruction has not reached the point of unification
/// either.
Remedy instruction_remedy(bool unclean);
/// The new instruction is in memory, and an old copy of it at the point of
/// unification.
Remedy unification_remedy();
/// All but the reader's own ISB has been done.
Remedy context_remedy();
Remedy before_write_remedy();
Remedy instead_remedy();
Remedy advice_remedy();

}  // namespace farside::cache

// cache/maintenance.cpp - maintenance by address and by set and way.
#include "cache/hierarchy.h"

namespace farside::cache {

void Hierarchy::apply(const CacheOpByPa& op, unsigned) {
  counts_.bytes += op.size == 0 ? kLine : op.size;
  if (op.instruction) {
    ++counts_.instruction;
    return;
  }
  switch (op.action) {
    case Action::Clean: ++counts_.clean; break;
    case Action::Invalidate: ++counts_.invalidate; break;
    case Action::CleanInvalidate: ++counts_.clean_invalidate; break;
  }
}

void Hierarchy::apply(const CacheOpBySetWay&, unsigned) { ++counts_.set_way; }

void Hierarchy::apply(const ICacheInvalidateAll&, unsigned) { ++counts_.instruction_all; }

}  // namespace farside::cache

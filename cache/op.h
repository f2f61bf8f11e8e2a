// cache/op.h - cache maintenance as values: decoded in one place, applied in
// another.
#pragma once
#include "core/base/addr.h"

namespace farside::cache {

/// What happens to a line that the operation reaches.
enum class Action : u8 { Clean, Invalidate, CleanInvalidate };
/// How far it goes: point of unification, coherency, persistence.
enum class Point : u8 { PoU, PoC, PoP };
/// Which caches take part.
enum class Scope : u8 { ThisPe, InnerShareable, OuterShareable };

/// A data or instruction cache operation by physical address. `base` is
/// line-aligned by the receiver.
struct CacheOpByPa {
  bool instruction = false;
  Action action = Action::Clean;
  Point point = Point::PoC;
  Scope scope = Scope::InnerShareable;
  Pa base{};
  u64 size = 0;  ///< bytes; 0 means the one line that holds `base`
  // Only instruction operations, and only where instruction caches are
  // virtually indexed or tagged by VMID.
  bool has_va = false;  ///< false: every copy of the physical line is reached
  u16 vmid = 0;
  u64 va = 0;
};

/// DC ISW, CSW, CISW: always this PE only.
struct CacheOpBySetWay {
  Action action = Action::Clean;
  u64 operand = 0;  ///< Xt as the instruction got it
};

/// IC IALLU and IC IALLUIS.
struct ICacheInvalidateAll {
  Scope scope = Scope::ThisPe;
};

}  // namespace farside::cache

// core/jit/path_profile.h - where runs of instructions have gone on: what a hot block follows behind its branches.
#pragma once
#include <optional>
#include <vector>

#include "core/base/types.h"

namespace farside::jit {

/// Counts, for addresses where runs of instructions up to a branch begin, where they have gone on.
class PathProfile {
 public:
  void note(u64 from, u64 to) {
    for (Edge& edge : edges_)
      if (edge.from == from && edge.to == to) return void(++edge.times);
    edges_.push_back({from, to, 1});
  }
  /// Where at least two of three runs from `from` have gone on.
  std::optional<u64> usual(u64 from) const {
    u32 all = 0;
    const Edge* most = nullptr;
    for (const Edge& edge : edges_) {
      if (edge.from != from) continue;
      all += edge.times;
      if (most == nullptr || edge.times > most->times) most = &edge;
    }
    if (most == nullptr || most->times * 3 < all * 2) return std::nullopt;
    return most->to;
  }

 private:
  struct Edge {
    u64 from, to;
    u32 times;
  };
  std::vector<Edge> edges_;  ///< few: one page of code, a few branches
};

}  // namespace farside::jit

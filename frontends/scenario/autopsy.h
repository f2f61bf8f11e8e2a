// frontends/scenario/autopsy.h - what killed a byte: a finding in words, the life of its line, the missing maintenance.
#pragma once
#include <string>
#include <vector>

#include "cache/sanitizer.h"

namespace farside::scenario {

class World;

/// One finding, for people.
struct Autopsy {
  std::string finding;  ///< its class
  std::string where;    ///< the byte
  std::string seen, expected;
  std::string reader, writer;
  std::vector<std::string> life;  ///< oldest event first
  std::string missing;            ///< the smallest maintenance that would have prevented it
};
Autopsy autopsy(World& world, const cache::Report& report);

/// Events as one line each, oldest first; `events` has the newest first.
std::vector<std::string> life_of(World& world, const std::vector<cache::Event>& events);

}  // namespace farside::scenario

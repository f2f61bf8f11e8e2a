// tests/isa/snapshot.h - the state that rows name: its fixed pattern and its text form.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tests/isa/flat_machine.h"

namespace farside::test {

/// What rows can name, copied out of the PE.
struct Snapshot {
  u64 x[31] = {}, sp = 0, pc = 0, nzcv = 0, fpcr = 0, fpsr = 0;
  Vec v[32] = {};
  std::vector<u8> memory;
  Ending ending = Ending::Done;
};

/// The pattern that unnamed state holds: every byte differs from its neighbours and from other registers'.
Snapshot pattern();
Snapshot capture(FlatMachine& machine);
void install(FlatMachine& machine, const Snapshot& from);
/// Applies `name=value` items (harness.h says which); returns the item that cannot be understood, or an empty string.
std::string apply_spec(Snapshot& s, std::string_view spec);

}  // namespace farside::test

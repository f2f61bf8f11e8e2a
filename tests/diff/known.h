// tests/diff/known.h - where Unicorn 2.0.1 is known to be wrong, or the architecture lets implementations differ.
#pragma once
#include <span>
#include <string_view>

#include "core/isa/decode.h"
#include "tests/diff/state.h"

namespace farside::diff {

/// The reason why results for `word` of `form`, in a case that starts from `state` and has the words `before` in front
/// of it, cannot be compared; or empty.
std::string_view known_difference(isa::A64 form, u32 word, const UserState& state, std::span<const u32> before);

}  // namespace farside::diff

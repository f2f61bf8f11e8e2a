// tests/unit/jit/flag_use_test.cpp - which flags must be stored, and where the carry may stay in the host's flags.
#include "core/jit/flag_use.h"

#include <vector>

#include "tests/unit/catch.h"

namespace farside::jit {
namespace {

FlagUse use_of(const std::vector<u32>& words) {
  std::vector<isa::A64> forms;
  for (u32 word : words) forms.push_back(isa::decode_a64(word, Features{}));
  FlagUse use;
  find_flag_use(forms.data(), words.data(), static_cast<unsigned>(words.size()), use);
  return use;
}

constexpr u32 kCmp = 0xeb01001f;   // cmp x0, x1
constexpr u32 kAdd = 0x8b010000;   // add x0, x0, x1
constexpr u32 kAdcs = 0xba010000;  // adcs x0, x0, x1
constexpr u32 kMul = 0x9b017c00;   // mul x0, x0, x1
constexpr u32 kLdr = 0xf9400000;   // ldr x0, [x0]
constexpr u32 kCsetEq = 0x9a9f17e0;

}  // namespace

TEST_CASE("flags that the next comparison overwrites are not stored") {
  const FlagUse use = use_of({kCmp, kAdd, kCmp});
  CHECK(use.needed[0] == 0);
  CHECK(use.needed[2] == 15);
}

TEST_CASE("an access to memory may end in an exception that shows all flags") {
  CHECK(use_of({kCmp, kLdr, kCmp}).needed[0] == 15);
}

TEST_CASE("a condition needs its own flags") { CHECK(use_of({kCmp, kCsetEq, kCmp}).needed[0] == 4); }

TEST_CASE("a chain of carries stays in the host's flags across multiplications") {
  const FlagUse use = use_of({kAdcs, kMul, kAdcs, kAdd, kAdcs, kCmp});
  CHECK(use.needed[0] == 2);
  CHECK(use.kept[0]);
  CHECK(use.needed[2] == 2);
  CHECK_FALSE(use.kept[2]);  // ADD uses the host's
}

TEST_CASE("what the interpreter executes may see everything") {
  const std::vector<u32> words{kCmp, kAdd, kCmp};
  std::vector<isa::A64> forms;
  for (u32 word : words) forms.push_back(isa::decode_a64(word, Features{}));
  FlagUse use;
  use.opaque[1] = true;
  find_flag_use(forms.data(), words.data(), 3, use);
  CHECK(use.needed[0] == 15);
  CHECK(use.needed_before(1) == 15);
}

}  // namespace farside::jit

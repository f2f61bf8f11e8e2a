// tests/unit/jit/flag_use_test.cpp - which flags must be stored, and where the carry may stay in the host's flags;
// where paths go.
#include "core/jit/flag_use.h"
#include "core/jit/path_profile.h"

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

TEST_CASE("slow paths of accesses repeat a comparison whose operands are what they were") {
  constexpr u32 kLdrOther = 0xf9400044, kLdrOperand = 0xf9400041,
                kStrNext = 0xf8008444;  // x4, [x2]; x1, [x2]; post-index
  constexpr u32 kLdrIndexed = 0xf8636844, kSubs = 0xeb010003, kBeq = 0x54000040;
  const auto use_with = [](const std::vector<u32>& words, bool inner) {
    std::vector<isa::A64> forms;
    for (u32 word : words) forms.push_back(isa::decode_a64(word, Features{}));
    FlagUse use;
    use.repeats = true;
    use.inner[1] = inner;
    find_flag_use(forms.data(), words.data(), static_cast<unsigned>(words.size()), use);
    return use;
  };
  const FlagUse path = use_with({kCmp, kBeq, kLdrOther, kLdrIndexed, kStrNext, kCmp}, true);
  CHECK(path.needed[0] == 0);
  for (unsigned i : {2, 3, 4}) CHECK(path.repeated[i] == 1);
  CHECK(path.repeated[5] == 0);
  CHECK(use_with({kCmp, kLdrOperand, kCmp}, false).needed[0] == 0);  // changes it when all is done
  CHECK(use_with({kCmp, kLdrOperand, kLdrOther, kCmp}, false).needed[0] == 15);
  CHECK(use_with({kCmp, kAdd, kLdrOther, kCmp}, false).needed[0] == 15);
  CHECK(use_with({kSubs, kLdrOther, kCmp}, false).needed[0] == 15);  // is more than a comparison
  CHECK(use_with({kCmp, kLdrOther}, false).needed[0] == 15);         // at the end everything is in memory
  const FlagUse read = use_with({kCmp, kCsetEq, kLdrOther, kCmp}, false);
  CHECK(read.needed[0] == 15);
  CHECK(read.repeated[2] == 0);
}

TEST_CASE("a condition needs its own flags") { CHECK(use_of({kCmp, kCsetEq, kCmp}).needed[0] == 4); }

TEST_CASE("a chain of carries stays in the host's flags across multiplications") {
  const FlagUse use = use_of({kAdcs, kMul, kAdcs, kAdd, kAdcs, kCmp});
  CHECK(use.needed[0] == 2);
  CHECK(use.kept[0]);
  CHECK(use.needed[2] == 2);
  CHECK_FALSE(use.kept[2]);  // ADD uses the host's
}

TEST_CASE("what a path knows of flags goes on behind a branch that finds them in the host's") {
  constexpr u32 kBeq = 0x54000040, kBhi = 0x54000048, kCbz = 0xb4000040, kAdds = 0xab010000;
  const auto path_of = [](const std::vector<u32>& words) {
    std::vector<isa::A64> forms;
    for (u32 word : words) forms.push_back(isa::decode_a64(word, Features{}));
    FlagUse use;
    use.inner[1] = true;
    find_flag_use(forms.data(), words.data(), static_cast<unsigned>(words.size()), use);
    return use;
  };
  CHECK(path_of({kCmp, kBeq, kAdd, kCmp}).needed[0] == 0);
  CHECK(path_of({kCmp, kBeq, kAdd, kCmp}).saved_outside[1]);
  CHECK(path_of({kCmp, kBeq, kCsetEq, kCmp}).needed[0] == 4);
  CHECK(path_of({kCmp, kBeq, kLdr, kCmp}).needed[0] == 15);
  CHECK(path_of({kCmp, kBhi, kCmp}).saved_outside[1]);
  CHECK_FALSE(path_of({kAdds, kBhi, kCmp}).saved_outside[1]);  // HI changes the host's carry
  CHECK(path_of({kAdds, kBhi, kCmp}).needed[0] == 15);
  CHECK(path_of({kCmp, kCbz, kCmp}).needed[0] == 15);  // CBZ uses the host's
}

TEST_CASE("a path goes where two of three runs have gone") {
  PathProfile profile;
  CHECK_FALSE(profile.usual(0x1000));
  profile.note(0x1000, 0x2000);
  profile.note(0x1000, 0x2000);
  profile.note(0x1000, 0x3000);
  CHECK(profile.usual(0x1000) == u64{0x2000});
  profile.note(0x1000, 0x3000);
  CHECK_FALSE(profile.usual(0x1000));
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

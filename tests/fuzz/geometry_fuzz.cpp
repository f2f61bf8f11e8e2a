// tests/fuzz/geometry_fuzz.cpp - the text of --cache-config.
#include "cache/config.h"
#include "tests/fuzz/text.h"

using namespace farside;

namespace {

constexpr std::string_view kWords[] = {"\nname ",
                                       "\nline 64\n",
                                       "\nl1i 32K 4\n",
                                       "\nl1d 32K 4\n",
                                       "\nl1i ",
                                       "\nl1d ",
                                       "\nl2 ",
                                       "\nsystem_cache ",
                                       "none\n",
                                       "\nicache ",
                                       "\nunification ",
                                       "memory\n",
                                       "l2\n",
                                       "aivivt",
                                       "vipt",
                                       "\nidc ",
                                       "\ndic ",
                                       "yes\n",
                                       "no\n",
                                       "K ",
                                       "\nl2 512K 8\n",
                                       "M ",
                                       " 4\n",
                                       " 64",
                                       "4294967295",
                                       "2147483648",
                                       "1M 16\n",
                                       "48K 3\n",
                                       "# ",
                                       "\n"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  fuzz::Input input(data, size);
  const auto parsed = cache::parse_config(fuzz::text(input, kWords), "file");
  if (!parsed) {
    fuzz::check(parsed.error());
    return 0;
  }
  const auto again = cache::parse_config(cache::print_config(*parsed), "file");
  CHECK(again.ok() && *again == *parsed, "printed and read it is another geometry");
  return 0;
}

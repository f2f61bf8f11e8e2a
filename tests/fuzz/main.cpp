// tests/fuzz/main.cpp - runs a fuzz target without libFuzzer: on the files that are named, or on `--runs N` inputs from
// `--seed S`.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/chance.h"
#include "tests/fuzz/fuzz.h"

using namespace farside;

namespace {

constexpr usize kLongest = 2048;

std::vector<u8> random_input(Chance& chance) {
  std::vector<u8> bytes(chance.below(kLongest));
  // Small numbers reach further than large ones: indices, flags, lengths.
  for (u8& byte : bytes) byte = static_cast<u8>(chance.one_in(2) ? chance.below(8) : chance.next());
  return bytes;
}

int run_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    fmt::print(stderr, "{}: cannot be read\n", path);
    return 2;
  }
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const u8*>(bytes.data()), bytes.size());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  u64 runs = 2000, seed = 1;
  int status = 0;
  bool files = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--runs" && i + 1 < argc) {
      runs = std::strtoull(argv[++i], nullptr, 0);
    } else if (word == "--seed" && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 0);
    } else {
      files = true;
      status |= run_file(word);
    }
  }
  if (files) return status;
  Chance chance(seed, "fuzz");
  for (u64 run = 0; run < runs; ++run) {
    const std::vector<u8> input = random_input(chance);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  fmt::print("{} inputs from seed {}\n", runs, seed);
  return 0;
}

// tests/unit/cli/pacer_test.cpp - when a piped line is due: at a prompt, or after a silence.
#include "frontends/cli/pacer.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::cli;
using std::chrono::milliseconds;

namespace {

struct Fixture {
  InputPacer::Time start{};
  InputPacer pacer{start};
  std::string pending = "one\ntwo";
  void print(const char* text, int ms) {
    for (; *text != '\0'; ++text) pacer.on_output(static_cast<u8>(*text), start + milliseconds(ms));
  }
  std::string line(int ms) { return pacer.next_line(pending, start + milliseconds(ms)).value_or("-"); }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "nothing is given while a kernel boots, silent or not") {
  CHECK(line(0) == "-");
  CHECK(line(5000) == "-");
  print("booting\n", 6000);
  CHECK(line(7500) == "-");
}

TEST_CASE_METHOD(Fixture, "a prompt gets one line, after a moment") {
  print("# ", 100);
  CHECK(line(120) == "-");
  CHECK(line(150) == "one\n");
  CHECK(line(200) == "-");
  print("one\nanswer\n# ", 300);
  CHECK(line(349) == "-");
  CHECK(line(350) == "two");
  CHECK(pending.empty());
  CHECK(line(9999) == "-");
}

TEST_CASE_METHOD(Fixture, "a program that reads without a prompt gets its line after a silence") {
  print("$ ", 0);
  CHECK(line(50) == "one\n");
  print("one\n", 60);
  CHECK(line(1059) == "-");
  CHECK(line(1060) == "two");
}

TEST_CASE_METHOD(Fixture, "a guest that never says anything gets its input in the end") {
  CHECK(line(19999) == "-");
  CHECK(line(20000) == "one\n");
}

// tests/unit/cli/line_editor_test.cpp - keys make lines, and the echo shows them.
#include "frontends/cli/line_editor.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::cli;

namespace {

std::optional<std::string> type(LineEditor& editor, std::string_view keys, std::string& echo) {
  std::optional<std::string> line;
  for (char key : keys)
    if (auto finished = editor.feed(static_cast<u8>(key), echo)) line = finished;
  return line;
}

}  // namespace

TEST_CASE("Return finishes the line and the next one starts empty") {
  LineEditor editor;
  std::string echo;
  CHECK(type(editor, "info tlb\r", echo) == "info tlb");
  CHECK(echo == "info tlb\r\n");
  CHECK(type(editor, "\n", echo) == "");
}

TEST_CASE("Backspace takes one character, Ctrl-U and Ctrl-C all, and never more than there are") {
  LineEditor editor;
  std::string echo;
  CHECK(type(editor,
             "ab\x7f\x08\x08"
             "cd\r",
             echo) == "cd");
  CHECK(type(editor, "zzz\x15x\r", echo) == "x");
  CHECK(type(editor, "zzz\x03y\r", echo) == "y");
}

TEST_CASE("other control keys do nothing") {
  LineEditor editor;
  std::string echo;
  CHECK(type(editor, "a\x1b\x02\tb\r", echo) == "ab");
}

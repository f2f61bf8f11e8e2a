// core/base/check.h - CHECK: our own bugs stop the program with the place and the context.
#pragma once
#include <fmt/format.h>

#include <string>

namespace farside {

/// Prints `file:line: CHECK(condition): message` and a backtrace hint to stderr, then aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& message);

}  // namespace farside

/// Aborts when `condition` is false: only for states that no guest and no user input can produce.
#define CHECK(condition, ...)                                                                 \
  do {                                                                                        \
    if (!(condition)) [[unlikely]]                                                            \
      ::farside::check_failed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
  } while (false)

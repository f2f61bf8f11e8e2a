// core/base/check.cpp - the last words of a failed CHECK.
#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace farside {

void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  std::fflush(stdout);
  fmt::print(stderr, "\nfarside: internal error at {}:{}: CHECK({}) failed{}{}\n", file, line, condition,
             message.empty() ? "" : ": ", message);
  std::abort();
}

}  // namespace farside

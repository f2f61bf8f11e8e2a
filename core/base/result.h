// core/base/result.h - a value or an error, without exceptions; TRY passes the error up.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/base/check.h"

namespace farside {

/// Either a T or an E. `bool(result)` is true for a value.
template <class T, class E>
class [[nodiscard]] Result {
 public:
  using Error = E;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}
  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }
  T& value() {
    CHECK(ok(), "value of a failed Result");
    return *std::get_if<0>(&state_);
  }
  const T& value() const {
    CHECK(ok(), "value of a failed Result");
    return *std::get_if<0>(&state_);
  }
  const E& error() const {
    CHECK(!ok(), "error of a successful Result");
    return *std::get_if<1>(&state_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, E> state_;
};

/// Success without a value, or an E.
template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  using Error = E;
  Result() = default;
  Result(E error) : error_(std::move(error)) {}
  explicit operator bool() const { return !error_.has_value(); }
  bool ok() const { return !error_.has_value(); }
  const E& error() const {
    CHECK(error_.has_value(), "error of a successful Result");
    return *error_;
  }
  void value() const { CHECK(ok(), "value of a failed Result"); }

 private:
  std::optional<E> error_;
};

/// A user's mistake: one line that says what is wrong, where, and what to do. Front ends print it and exit with 2.
struct UserError {
  std::string message;
};

}  // namespace farside

/// Evaluates to the value, or returns the error from the enclosing function.
#define TRY(expression)                 \
  ({                                    \
    auto try_result_ = (expression);    \
    if (!try_result_.ok()) [[unlikely]] \
      return try_result_.error();       \
    std::move(try_result_.value());     \
  })

/// TRY for results without a value.
#define TRY_VOID(expression)            \
  do {                                  \
    auto try_result_ = (expression);    \
    if (!try_result_.ok()) [[unlikely]] \
      return try_result_.error();       \
  } while (false)

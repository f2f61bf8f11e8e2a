// frontends/guests/progress.h - tells the user which step is under way and how far it is.
#pragma once
#include <string>
#include <string_view>

namespace farside::guests {

/// One line per step on standard error. On a terminal the line is rewritten as the percentage grows; elsewhere it is
/// printed once, when the step ends.
class Progress {
 public:
  /// `quiet` prints nothing at all.
  explicit Progress(bool quiet = false);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin(std::string_view step);
  /// 0 to 100.
  void percent(int value);
  /// Ends the step, with a remark such as "62 MB" or nothing.
  void end(std::string_view remark = {});

 private:
  bool quiet_;
  bool on_terminal_;
  bool open_ = false;
  int shown_ = -1;
  std::string step_;
};

}  // namespace farside::guests

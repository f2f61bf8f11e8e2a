// frontends/cli/compare_svg.cpp - bar charts of a comparison as one SVG document.
#include <fmt/format.h>

#include <algorithm>

#include "frontends/cli/compare_report.h"

namespace farside::cli {
namespace {

constexpr int kPanelWidth = 400, kMargin = 24, kRow = 20, kTitle = 30, kGap = 22, kColumns = 2, kValueRoom = 92;
constexpr std::string_view kInk = "#222222", kPale = "#666666", kGood = "#2f6fab", kBad = "#b4472e";

std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string text(int x, int y, std::string_view words, std::string_view style) {
  return fmt::format("<text x=\"{}\" y=\"{}\" {}>{}</text>\n", x, y, style, escape(words));
}

/// 1234567 as 1 234 567.
std::string grouped(u64 value) {
  const std::string digits = fmt::to_string(value);
  std::string out;
  for (usize i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) out += ' ';
    out += digits[i];
  }
  return out;
}

/// Figures that say something: not the same in all runs.
std::vector<usize> differing(const Comparison& comparison) {
  std::vector<usize> chosen;
  for (usize i = 0; i < figures().size(); ++i) {
    const auto& runs = comparison.runs;
    const bool same =
        std::all_of(runs.begin(), runs.end(), [&](const ComparedRun& r) { return r.values[i] == runs[0].values[i]; });
    if (!same) chosen.push_back(i);
  }
  return chosen;
}

class Chart {
 public:
  explicit Chart(const Comparison& comparison) : comparison_(comparison) {
    for (const ComparedRun& run : comparison.runs) longest_ = std::max(longest_, static_cast<int>(run.label().size()));
  }

  std::string draw() {
    const auto chosen = differing(comparison_);
    const int rows = static_cast<int>(comparison_.runs.size());
    const int panel_height = kTitle + rows * kRow + kGap;
    const int head = kMargin + 58 + rows * kRow + kGap;
    const int panel_rows = (static_cast<int>(chosen.size()) + kColumns - 1) / kColumns;
    const int width = kColumns * kPanelWidth + (kColumns + 1) * kMargin;
    const int height = head + panel_rows * panel_height + kMargin;
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"{2}\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
        width, height, kInk);
    out += heading();
    for (usize i = 0; i < chosen.size(); ++i) {
      const int x = kMargin + static_cast<int>(i % kColumns) * (kPanelWidth + kMargin);
      out += panel(chosen[i], x, head + static_cast<int>(i / kColumns) * panel_height);
    }
    return out + "</svg>\n";
  }

 private:
  std::string colour(const ComparedRun& run) const { return std::string(run.ending == Ending::Boots ? kGood : kBad); }

  std::string heading() const {
    std::string setting;
    for (const auto& [key, value] : comparison_.setting)
      setting += fmt::format("{}{} {}", setting.empty() ? "" : ", ", key, value);
    std::string out =
        text(kMargin, kMargin + 14, comparison_.guest + " under each policy", "font-size=\"17\" font-weight=\"bold\"");
    out += text(kMargin, kMargin + 34, setting, fmt::format("fill=\"{}\"", kPale));
    int y = kMargin + 58;
    for (const ComparedRun& run : comparison_.runs) {
      out += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"5\" fill=\"{}\"/>\n", kMargin + 5, y + 6, colour(run));
      constexpr usize kLongest = 100;
      std::string words = fmt::format("{}: {}, {}", run.label(), name(run.ending), run.detail);
      if (words.size() > kLongest) words = words.substr(0, kLongest - 3) + "...";
      out += text(kMargin + 18, y + 10, words, "");
      y += kRow;
    }
    return out;
  }

  std::string panel(usize figure, int x, int y) const {
    u64 largest = 1;
    for (const ComparedRun& run : comparison_.runs) largest = std::max(largest, run.values[figure].value_or(0));
    const int label_room = 12 + longest_ * 7;
    const int bar_room = kPanelWidth - label_room - kValueRoom;
    const Figure& what = figures()[figure];
    std::string out = fmt::format(
        "<text x=\"{}\" y=\"{}\"><tspan font-size=\"13\" font-weight=\"bold\">{}</tspan>"
        "<tspan dx=\"8\" fill=\"{}\">{}</tspan></text>\n",
        x, y + 18, escape(what.title), kPale, escape(what.remark));
    int at = y + kTitle;
    for (const ComparedRun& run : comparison_.runs) {
      const auto value = run.values[figure];
      const double share = static_cast<double>(value.value_or(0)) / static_cast<double>(largest);
      out += text(x + label_room - 8, at + 12, run.label(), "text-anchor=\"end\"");
      out += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"/>\n", x + label_room,
                         at + 2, std::max(share * bar_room, value.value_or(0) == 0 ? 0.0 : 1.0), kRow - 7, colour(run));
      out += text(x + label_room + static_cast<int>(share * bar_room) + 6, at + 12,
                  value ? grouped(*value) : "not modelled", fmt::format("fill=\"{}\"", kPale));
      at += kRow;
    }
    out += fmt::format("<line x1=\"{0}\" y1=\"{1}\" x2=\"{0}\" y2=\"{2}\" stroke=\"{3}\"/>\n", x + label_room,
                       y + kTitle, at, kPale);
    return out;
  }

  const Comparison& comparison_;
  int longest_ = 0;
};

}  // namespace

std::string compare_svg(const Comparison& comparison) { return Chart(comparison).draw(); }

}  // namespace farside::cli

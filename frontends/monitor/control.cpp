// frontends/monitor/control.cpp - commands that change the course of the machine: stop, reset, snapshots.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "frontends/monitor/monitor.h"

namespace farside::monitor {
namespace {

constexpr std::string_view kSuffix = ".snap";

/// The file of snapshot `name`, or an empty path for what is no plain name.
std::filesystem::path file_of(const std::string& folder, const std::string& name) {
  const bool plain = !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
  return plain ? std::filesystem::path(folder) / (name + std::string(kSuffix)) : std::filesystem::path();
}

}  // namespace

std::string Monitor::stop(const Words&) {
  stopped_ = true;
  return {};
}

std::string Monitor::cont(const Words&) {
  stopped_ = false;
  return {};
}

std::string Monitor::power_down(const Words&) {
  machine_.press_power_key();
  return {};
}

std::string Monitor::set_balloon(const Words& words) {
  const u64 most = machine_.config().memory >> 20;
  if (!machine_.balloon()) return "balloon: this machine has none: --balloon\n";
  u64 mebibytes = 0;
  const std::string text = words.size() == 2 ? words[1] : std::string();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mebibytes);
  if (error != std::errc() || end != text.data() + text.size() || mebibytes == 0 || mebibytes > most)
    return fmt::format("balloon: give a number of MiB, 1 to {}\n", most);
  machine_.set_balloon(machine_.config().memory - (mebibytes << 20));
  return {};
}

std::string Monitor::balloon() const {
  const auto given = machine_.balloon();
  if (!given) return "balloon: this machine has none: --balloon\n";
  return fmt::format("balloon: the guest has {} MiB of {}\n", (machine_.config().memory - *given) >> 20,
                     machine_.config().memory >> 20);
}

std::string Monitor::reset(const Words&) {
  const auto done = machine_.reset();
  return done.ok() ? std::string() : done.error().message + "\n";
}

std::string Monitor::save(const Words& words) {
  const auto file = words.size() == 2 ? file_of(snapshot_folder_, words[1]) : std::filesystem::path();
  if (file.empty()) return "savevm: give a name without a slash, for example: savevm before\n";
  const auto done = machine_.save(file.string());
  return done.ok() ? std::string() : done.error().message + "\n";
}

std::string Monitor::load(const Words& words) {
  const auto file = words.size() == 2 ? file_of(snapshot_folder_, words[1]) : std::filesystem::path();
  if (file.empty()) return "loadvm: give the name of a snapshot; 'info snapshots' lists them\n";
  const auto done = machine_.restore(file.string());
  return done.ok() ? std::string() : done.error().message + "\n";
}

std::string Monitor::remove(const Words& words) {
  const auto file = words.size() == 2 ? file_of(snapshot_folder_, words[1]) : std::filesystem::path();
  if (file.empty()) return "delvm: give the name of a snapshot; 'info snapshots' lists them\n";
  std::error_code error;
  if (std::filesystem::remove(file, error)) return {};
  return fmt::format("snapshot {}: {}\n", file.string(), error ? error.message() : "No such file or directory");
}

std::string Monitor::snapshots() const {
  std::vector<std::string> lines;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(snapshot_folder_, error)) {
    if (entry.path().extension() != kSuffix) continue;
    lines.push_back(fmt::format("{:<24} {:>12} bytes\n", entry.path().stem().string(), entry.file_size(error)));
  }
  std::sort(lines.begin(), lines.end());
  return lines.empty() ? fmt::format("no snapshots in {}\n", snapshot_folder_)
                       : fmt::format("{}", fmt::join(lines, ""));
}

}  // namespace farside::monitor

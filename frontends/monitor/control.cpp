// frontends/monitor/control.cpp - commands that change the course of the machine: stop, reset, snapshots.
#include <algorithm>
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

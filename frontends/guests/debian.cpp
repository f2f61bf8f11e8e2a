// frontends/guests/debian.cpp - fetches packages of a foreign architecture from Debian's archive and unpacks them.
#include "frontends/guests/debian.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/types.h"

namespace farside::guests {
namespace fs = std::filesystem;
namespace {

// The line of apt's output that says what went wrong: the last error, else the last line.
std::string reason(const std::string& output) {
  std::string last, error;
  for (usize at = 0; at < output.size();) {
    const usize end = std::min(output.find('\n', at), output.size());
    const std::string line = output.substr(at, end - at);
    if (!line.empty()) last = line;
    if (line.rfind("E: ", 0) == 0) error = line.substr(3);
    at = end + 1;
  }
  return error.empty() ? last : error;
}

std::string only_deb_in(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".deb") return entry.path();
  }
  return {};
}

}  // namespace

int percent_of_status_line(std::string_view line) {
  const usize first = line.find(':');
  if (first == std::string_view::npos || line.substr(0, first) != "dlstatus") return -1;
  const usize second = line.find(':', first + 1);
  if (second == std::string_view::npos) return -1;
  const std::string number(line.substr(second + 1, line.find(':', second + 1) - second - 1));
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  return end == number.c_str() || !(value >= 0 && value <= 100) ? -1 : static_cast<int>(std::lround(value));
}

DebianArchive::DebianArchive(std::string work_folder, std::string architecture, Progress& progress)
    : work_folder_(std::move(work_folder)), architecture_(std::move(architecture)), progress_(progress) {}

CommandResult DebianArchive::apt(std::vector<std::string> action, const std::string& folder) {
  std::vector<std::string> arguments{"env",
                                     "LC_ALL=C",
                                     "apt-get",
                                     "-qq",
                                     fmt::format("-oAPT::Status-Fd={}", kStatusDescriptor),
                                     "-oAPT::Architecture=" + architecture_,
                                     "-oAPT::Architectures=" + architecture_,
                                     "-oAPT::Sandbox::User=root",
                                     "-oAcquire::Retries=2",
                                     "-oDir::State::Lists=" + work_folder_ + "/lists",
                                     "-oDir::Cache=" + work_folder_ + "/cache"};
  arguments.insert(arguments.end(), action.begin(), action.end());
  return run_command(
      {.arguments = std::move(arguments), .folder = folder, .on_status_line = [&](std::string_view line) {
         if (const int value = percent_of_status_line(line); value >= 0) progress_.percent(value);
       }});
}

Result<void, UserError> DebianArchive::update() {
  fs::create_directories(work_folder_ + "/lists/partial");
  fs::create_directories(work_folder_ + "/cache/archives/partial");
  progress_.begin("package index of Debian " + architecture_);
  const CommandResult result = apt({"update"}, work_folder_);
  if (result.status == 127) return UserError{"guests come from Debian packages, and there is no apt-get here"};
  // A source without this architecture fails the whole update; whether it matters shows when a package is asked for.
  progress_.end();
  return {};
}

Result<void, UserError> DebianArchive::unpack(std::string_view package, const std::string& folder) {
  const std::string downloads = fmt::format("{}/download-{}", work_folder_, package);
  fs::create_directories(downloads);
  fs::create_directories(folder);
  progress_.begin(package);
  const CommandResult fetched = apt({"download", std::string(package)}, downloads);
  const std::string deb = only_deb_in(downloads);
  if (fetched.status != 0 || deb.empty()) {
    return UserError{
        fmt::format("cannot download {} from Debian: {} (is there a network?)", package, reason(fetched.output))};
  }
  const CommandResult unpacked = run_command({.arguments = {"dpkg-deb", "-x", deb, folder}, .folder = {}});
  if (unpacked.status != 0) {
    return UserError{fmt::format("cannot unpack {}: {}", package, reason(unpacked.output))};
  }
  progress_.end(fmt::format("{} MB", (fs::file_size(deb) + 999'999) / 1'000'000));
  return {};
}

}  // namespace farside::guests

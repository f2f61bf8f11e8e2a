// frontends/guests/store.cpp - the folder in the user's cache where guests are kept, and how files get into it whole.
#include "frontends/guests/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace farside::guests {
namespace fs = std::filesystem;

std::string cache_folder() {
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && xdg[0] == '/') {
    return std::string(xdg) + "/farside";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') {
    return std::string(home) + "/.cache/farside";
  }
  return fmt::format("/tmp/farside-{}", getuid());
}

Result<std::string, UserError> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string contents((std::istreambuf_iterator<char>(file)), {});
  if (!file) return UserError{fmt::format("cannot read {}: {}", path, std::strerror(errno))};
  return contents;
}

Result<void, UserError> write_file(const std::string& path, std::string_view contents) {
  const std::string partial = fmt::format("{}.partial-{}", path, getpid());
  {
    std::ofstream file(partial, std::ios::binary);
    file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
    file.flush();
    if (!file) {
      const int error = errno;
      unlink(partial.c_str());
      return UserError{fmt::format("cannot write {}: {}", path, std::strerror(error))};
    }
  }
  if (rename(partial.c_str(), path.c_str()) != 0) {
    return UserError{fmt::format("cannot rename {} into place: {}", path, std::strerror(errno))};
  }
  return {};
}

u32 crc32_of(std::string_view contents) {
  return static_cast<u32>(crc32_z(0, reinterpret_cast<const Bytef*>(contents.data()), contents.size()));
}

Manifest Manifest::load(const std::string& folder) {
  auto text = read_file(folder + "/manifest");
  return text ? parse(*text) : Manifest{};
}

Manifest Manifest::parse(std::string_view text) {
  Manifest manifest;
  std::istringstream lines{std::string(text)};
  std::string name;
  Entry entry;
  while (lines >> std::dec >> entry.size >> std::hex >> entry.crc >> name) manifest.entries_[name] = entry;
  return manifest;
}

std::string Manifest::text() const {
  std::string text;
  for (const auto& [name, entry] : entries_) text += fmt::format("{} {:08x} {}\n", entry.size, entry.crc, name);
  return text;
}

void Manifest::record(std::string_view name, std::string_view contents) {
  entries_[std::string(name)] = {contents.size(), crc32_of(contents)};
}

bool Manifest::holds(const std::string& folder, const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return false;
  const std::string path = folder + "/" + name;
  std::error_code error;
  if (fs::file_size(path, error) != found->second.size || error) return false;
  auto contents = read_file(path);
  return contents && crc32_of(*contents) == found->second.crc;
}

FolderLock::FolderLock(const std::string& folder) {
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  descriptor_ = open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) return;
  if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  fmt::print(stderr, "farside: waiting for another farside that is fetching a guest\n");
  while (flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace farside::guests

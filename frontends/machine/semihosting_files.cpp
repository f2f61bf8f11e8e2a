// frontends/machine/semihosting_files.cpp - paths are walked name by name from the folder, as those of a 9P share are.
#include "frontends/machine/semihosting_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace farside::machine {

using dev::virtio::Descriptor, dev::virtio::Node;

namespace {

constexpr usize kMostFiles = 64, kLongestPath = 4096;
constexpr u64 kLargestFile = u64{1} << 62;

/// What SYS_OPEN of ":semihosting-features" reads: a magic number, then bit 0 for SYS_EXIT_EXTENDED and bit 1 for
/// :tt as standard error.
constexpr std::array<u8, 5> kFeatures{'S', 'H', 'F', 'B', 0x03};

/// The flags of open(2) for a mode of SYS_OPEN, which counts as fopen's r, rb, r+, r+b, w, ... do.
int host_flags(u64 mode) {
  static constexpr int kFlags[] = {O_RDONLY,
                                   O_RDWR,
                                   O_WRONLY | O_CREAT | O_TRUNC,
                                   O_RDWR | O_CREAT | O_TRUNC,
                                   O_WRONLY | O_CREAT | O_APPEND,
                                   O_RDWR | O_CREAT | O_APPEND};
  return kFlags[mode / 2];
}

SemihostingFiles::Errno last_error() { return {errno}; }

}  // namespace

Result<SemihostingFiles::Place, SemihostingFiles::Errno> SemihostingFiles::find_place(const std::string& path) const {
  if (folder_ == nullptr || path.starts_with('/')) return Errno{EACCES};
  if (path.size() > kLongestPath) return Errno{ENAMETOOLONG};
  Node folder = TRY(folder_->root());
  usize at = 0;
  for (usize slash; (slash = path.find('/', at)) != std::string::npos; at = slash + 1) {
    const std::string name = path.substr(at, slash - at);
    if (!name.empty() && name != ".") folder = TRY(folder_->walk(folder, name));
  }
  return Place{std::move(folder), path.substr(at)};
}

Result<Descriptor, SemihostingFiles::Errno> SemihostingFiles::open_file(const std::string& path, int flags) const {
  constexpr u32 kPermissions = 0644;
  Place place = TRY(find_place(path));
  const auto node = folder_->walk(place.folder, place.name);
  const bool create = (flags & O_CREAT) != 0 && !node.ok() && node.error().value == ENOENT;
  if (create) return folder_->create(place.folder, place.name, flags, kPermissions);
  if (!node.ok()) return node.error();
  const struct stat status = TRY(node->status());
  if (S_ISDIR(status.st_mode)) return Errno{EISDIR};
  return folder_->open(*node, flags & ~O_CREAT);
}

Result<u32, SemihostingFiles::Errno> SemihostingFiles::add(File file) {
  if (files_.size() >= kMostFiles) return Errno{EMFILE};
  u32 handle = 1;
  while (files_.contains(handle)) ++handle;
  files_.emplace(handle, std::move(file));
  return handle;
}

Result<u32, SemihostingFiles::Errno> SemihostingFiles::open(const std::string& name, u64 mode) {
  constexpr u64 kModes = 12, kFirstToWrite = 4;
  if (mode >= kModes) return Errno{EINVAL};
  if (name == ":tt") return add(File(mode < kFirstToWrite ? Kind::Keys : Kind::Output));
  if (name == ":semihosting-features") return mode < 2 ? add(File(Kind::Features)) : Errno{EROFS};
  const int flags = host_flags(mode);
  Descriptor io = TRY(open_file(name, flags));
  File file(Kind::File);
  file.path = name;
  file.flags = flags & ~(O_CREAT | O_TRUNC);
  file.io = std::move(io);
  return add(std::move(file));
}

Result<void, SemihostingFiles::Errno> SemihostingFiles::close(u64 handle) {
  TRY(find(handle));
  files_.erase(static_cast<u32>(handle));
  return {};
}

Result<SemihostingFiles::File*, SemihostingFiles::Errno> SemihostingFiles::find(u64 handle) {
  const auto found = handle > ~u32{0} ? files_.end() : files_.find(static_cast<u32>(handle));
  if (found == files_.end()) return Errno{EBADF};
  return &found->second;
}

Result<usize, SemihostingFiles::Errno> SemihostingFiles::read(File& file, std::span<u8> out) {
  if (file.kind == Kind::Features) {
    const usize at = std::min<usize>(file.position, kFeatures.size()),
                count = std::min(out.size(), kFeatures.size() - at);
    std::memcpy(out.data(), kFeatures.data() + at, count);
    file.position += count;
    return count;
  }
  usize done = 0;
  while (done < out.size()) {
    const ssize_t got =
        pread(file.io.get(), out.data() + done, out.size() - done, static_cast<off_t>(file.position + done));
    if (got < 0) return last_error();
    if (got == 0) break;
    done += static_cast<usize>(got);
  }
  file.position += done;
  return done;
}

Result<usize, SemihostingFiles::Errno> SemihostingFiles::write(File& file, std::span<const u8> bytes) {
  if (file.kind == Kind::Features) return Errno{EROFS};
  if ((file.flags & O_APPEND) != 0) file.position = TRY(length(file));
  usize done = 0;
  while (done < bytes.size()) {
    const ssize_t put =
        pwrite(file.io.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(file.position + done));
    if (put < 0 && done == 0) return last_error();
    if (put <= 0) break;
    done += static_cast<usize>(put);
  }
  file.position += done;
  return done;
}

Result<u64, SemihostingFiles::Errno> SemihostingFiles::length(const File& file) const {
  if (file.kind == Kind::Features) return u64{kFeatures.size()};
  if (file.kind != Kind::File) return Errno{ESPIPE};
  struct stat status {};
  if (fstat(file.io.get(), &status) != 0) return last_error();
  return static_cast<u64>(status.st_size);
}

Result<void, SemihostingFiles::Errno> SemihostingFiles::remove(const std::string& name) {
  const Place place = TRY(find_place(name));
  return folder_->remove(place.folder, place.name, false);
}

Result<void, SemihostingFiles::Errno> SemihostingFiles::rename(const std::string& from, const std::string& to) {
  const Place old_place = TRY(find_place(from)), new_place = TRY(find_place(to));
  return folder_->rename(old_place.folder, old_place.name, new_place.folder, new_place.name);
}

void SemihostingFiles::visit_state(StateVisitor& v) {
  const u64 count = v.count("semihosting.files", files_.size(), kMostFiles);
  const auto visit = [&v](u32& handle, File& file) {
    v.value("semihosting.handle", handle);
    v.choice("semihosting.kind", file.kind, Kind::Features);
    v.value("semihosting.flags", file.flags);
    v.value("semihosting.position", file.position);
    const u64 length = v.count("semihosting.length", file.path.size(), kLongestPath);
    if (v.restoring()) file.path.resize(length);
    v.field("semihosting.path", file.path.data(), file.path.size());
  };
  if (!v.restoring()) {
    for (auto& [handle, file] : files_) {
      u32 key = handle;
      visit(key, file);
    }
    return;
  }
  files_.clear();
  for (u64 i = 0; i < count; ++i) {
    u32 handle = 0;
    File file(Kind::File);
    visit(handle, file);
    file.flags &= O_ACCMODE | O_APPEND;
    if (file.position > kLargestFile) return v.reject("semihosting.position");
    if (file.kind == Kind::File) {
      auto io = open_file(file.path, file.flags);
      if (!io.ok()) continue;
      file.io = std::move(*io);
    }
    files_.insert_or_assign(handle, std::move(file));
  }
}

}  // namespace farside::machine

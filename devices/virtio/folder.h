// devices/virtio/folder.h - one folder of the host and everything below it, and nothing else: no path leaves it.
#pragma once
#include <dirent.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::dev::virtio {

/// A number of errno.h.
struct HostErrno {
  int value;
};

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

/// A file, folder or symbolic link below the shared folder: the object itself, whatever happens to its name.
class Node {
 public:
  Node() = default;
  Node(Descriptor where, std::string path) : where_(std::move(where)), path_(std::move(path)) {}
  /// Where it was when it was found, relative to the shared folder; "." for the folder itself.
  const std::string& path() const { return path_; }
  int fd() const { return where_.get(); }
  Result<struct stat, HostErrno> status() const;
  /// Another handle of the same object.
  Result<Node, HostErrno> duplicate() const;

 private:
  Descriptor where_;
  std::string path_;
};

/// Names are single components: never empty, ".", "..", or with a slash, and lead to paths that the host can look up.
/// Symbolic links are objects, never followed; what is neither file nor folder nor link can be seen but not opened.
/// Calls fail with errno, EROFS when read-only.
class Folder {
 public:
  /// `option` is how the user has named it, for errors.
  static Result<std::unique_ptr<Folder>, UserError> open(std::string_view option, const std::string& path,
                                                         bool read_only);

  Result<Node, HostErrno> root() const;
  /// The object at a path that Node::path() gave; for snapshots.
  Result<Node, HostErrno> find(const std::string& path) const;
  /// `name` in `folder`; ".." is its parent, and of the shared folder itself the folder again.
  Result<Node, HostErrno> walk(const Node& folder, const std::string& name) const;
  /// Opens a file or folder for access by O_ACCMODE | O_TRUNC | O_APPEND | O_SYNC flags of the host.
  Result<Descriptor, HostErrno> open(const Node& node, int flags) const;
  /// A new regular file, opened.
  Result<Descriptor, HostErrno> create(const Node& folder, const std::string& name, int flags, u32 mode) const;

  Result<void, HostErrno> make_folder(const Node& folder, const std::string& name, u32 mode) const;
  Result<void, HostErrno> make_link(const Node& folder, const std::string& name, const std::string& target) const;
  Result<void, HostErrno> link(const Node& file, const Node& folder, const std::string& name) const;
  Result<void, HostErrno> remove(const Node& folder, const std::string& name, bool is_folder) const;
  Result<void, HostErrno> rename(const Node& from, const std::string& old_name, const Node& to,
                                 const std::string& new_name) const;
  Result<std::string, HostErrno> read_link(const Node& node) const;
  /// Only permission bits: what the guest calls set-user-ID would be the host's.
  Result<void, HostErrno> set_mode(const Node& node, u32 mode) const;
  Result<void, HostErrno> set_size(const Node& node, u64 size) const;
  Result<void, HostErrno> set_times(const Node& node, const timespec (&times)[2]) const;

 private:
  Folder(Descriptor root, bool read_only) : root_(std::move(root)), read_only_(read_only) {}
  static Result<void, HostErrno> may_name(const Node& folder, const std::string& name);
  Result<void, HostErrno> may_write(const Node& folder, const std::string& name) const;
  Descriptor root_;
  bool read_only_;
};

}  // namespace farside::dev::virtio

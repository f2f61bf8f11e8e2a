// devices/virtio/folder.cpp - confinement by openat2(2): every lookup starts at a descriptor and stays below it.
#include "devices/virtio/folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace farside::dev::virtio {
namespace {

constexpr u64 kConfined = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
constexpr u32 kPermissions = 0777;

HostErrno last_error() { return {errno}; }

Result<void, HostErrno> checked(int status) {
  if (status < 0) return last_error();
  return {};
}

Result<Descriptor, HostErrno> open_beneath(int folder, const char* path, u64 flags, u64 mode = 0) {
  const open_how how{flags | O_CLOEXEC, mode, kConfined};
  const long fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
  if (fd < 0) return last_error();
  return Descriptor(static_cast<int>(fd));
}

/// The way to an object by the descriptor that holds it: the kernel goes to the object itself, no name is looked up.
struct HeldPath {
  std::array<char, 40> text;
  explicit HeldPath(int fd) { std::snprintf(text.data(), text.size(), "/proc/self/fd/%d", fd); }
  const char* get() const { return text.data(); }
};

bool is_component(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.size() <= 255 && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

constexpr usize kPathMax = 4095;  ///< what the host looks up at once

std::string joined(const std::string& folder, const std::string& name) {
  return folder == "." ? name : folder + "/" + name;
}

std::string parent_of(const std::string& path) {
  const usize slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

/// A client keeps a handle for each file that it has seen.
void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Result<struct stat, HostErrno> Node::status() const {
  struct stat status {};
  if (fstat(fd(), &status) != 0) return last_error();
  return status;
}

Result<Node, HostErrno> Node::duplicate() const {
  Descriptor copy(fcntl(fd(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return last_error();
  return Node(std::move(copy), path_);
}

Result<std::unique_ptr<Folder>, UserError> Folder::open(std::string_view option, const std::string& path,
                                                        bool read_only) {
  Descriptor root(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    return UserError{
        fmt::format("{} {}: {}", option, path, errno == ENOTDIR ? "is no folder" : std::string(std::strerror(errno)))};
  }
  if (const auto probe = open_beneath(root.get(), ".", O_PATH); !probe.ok()) {
    return UserError{fmt::format("{} {}: this host cannot confine it (openat2: {})", option, path,
                                 std::strerror(probe.error().value))};
  }
  allow_many_descriptors();
  return std::unique_ptr<Folder>(new Folder(std::move(root), read_only));
}

Result<Node, HostErrno> Folder::root() const { return find("."); }

Result<Node, HostErrno> Folder::find(const std::string& path) const {
  return Node(TRY(open_beneath(root_.get(), path.c_str(), O_PATH | O_NOFOLLOW)), path);
}

Result<Node, HostErrno> Folder::walk(const Node& folder, const std::string& name) const {
  if (name == "..") return find(parent_of(folder.path()));
  TRY_VOID(may_name(folder, name));
  return Node(TRY(open_beneath(folder.fd(), name.c_str(), O_PATH | O_NOFOLLOW)), joined(folder.path(), name));
}

Result<Descriptor, HostErrno> Folder::open(const Node& node, int flags) const {
  const struct stat status = TRY(node.status());
  // A device node or FIFO of the folder is the host's, and opening it would reach the host.
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return HostErrno{S_ISLNK(status.st_mode) ? ELOOP : EACCES};
  if (read_only_ && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))) return HostErrno{EROFS};
  Descriptor opened(::open(HeldPath(node.fd()).get(), flags | O_CLOEXEC | O_NOCTTY));
  if (!opened) return last_error();
  return opened;
}

Result<void, HostErrno> Folder::may_name(const Node& folder, const std::string& name) {
  if (!is_component(name)) return HostErrno{EINVAL};
  if (joined(folder.path(), name).size() > kPathMax) return HostErrno{ENAMETOOLONG};
  return {};
}

Result<void, HostErrno> Folder::may_write(const Node& folder, const std::string& name) const {
  if (read_only_) return HostErrno{EROFS};
  return may_name(folder, name);
}

Result<Descriptor, HostErrno> Folder::create(const Node& folder, const std::string& name, int flags, u32 mode) const {
  TRY_VOID(may_write(folder, name));
  // O_EXCL: never opens what is there already, which might be a device node.
  const u64 how = static_cast<u64>(flags & (O_ACCMODE | O_APPEND | O_SYNC)) | O_CREAT | O_EXCL | O_NOFOLLOW;
  return open_beneath(folder.fd(), name.c_str(), how, mode & kPermissions);
}

Result<void, HostErrno> Folder::make_folder(const Node& folder, const std::string& name, u32 mode) const {
  TRY_VOID(may_write(folder, name));
  return checked(mkdirat(folder.fd(), name.c_str(), mode & kPermissions));
}

Result<void, HostErrno> Folder::make_link(const Node& folder, const std::string& name,
                                          const std::string& target) const {
  TRY_VOID(may_write(folder, name));
  if (target.empty() || target.find('\0') != std::string::npos) return HostErrno{EINVAL};
  return checked(symlinkat(target.c_str(), folder.fd(), name.c_str()));
}

Result<void, HostErrno> Folder::link(const Node& file, const Node& folder, const std::string& name) const {
  TRY_VOID(may_write(folder, name));
  if (!S_ISREG((TRY(file.status())).st_mode)) return HostErrno{EPERM};
  return checked(linkat(AT_FDCWD, HeldPath(file.fd()).get(), folder.fd(), name.c_str(), AT_SYMLINK_FOLLOW));
}

Result<void, HostErrno> Folder::remove(const Node& folder, const std::string& name, bool is_folder) const {
  TRY_VOID(may_write(folder, name));
  return checked(unlinkat(folder.fd(), name.c_str(), is_folder ? AT_REMOVEDIR : 0));
}

Result<void, HostErrno> Folder::rename(const Node& from, const std::string& old_name, const Node& to,
                                       const std::string& new_name) const {
  TRY_VOID(may_write(from, old_name));
  TRY_VOID(may_write(to, new_name));
  return checked(renameat(from.fd(), old_name.c_str(), to.fd(), new_name.c_str()));
}

Result<std::string, HostErrno> Folder::read_link(const Node& node) const {
  std::string target(4096, '\0');
  const ssize_t length = readlinkat(node.fd(), "", target.data(), target.size());
  if (length < 0) return last_error();
  target.resize(static_cast<usize>(length));
  return target;
}

Result<void, HostErrno> Folder::set_mode(const Node& node, u32 mode) const {
  if (read_only_) return HostErrno{EROFS};
  const mode_t kind = (TRY(node.status())).st_mode;
  if (S_ISLNK(kind)) return HostErrno{EOPNOTSUPP};
  // Who may open a device node or FIFO of the folder is for the host to say.
  if (!S_ISREG(kind) && !S_ISDIR(kind)) return HostErrno{EPERM};
  return checked(chmod(HeldPath(node.fd()).get(), mode & kPermissions));
}

Result<void, HostErrno> Folder::set_size(const Node& node, u64 size) const {
  if (read_only_) return HostErrno{EROFS};
  if (!S_ISREG((TRY(node.status())).st_mode)) return HostErrno{EINVAL};
  if (size > u64{1} << 62) return HostErrno{EFBIG};
  return checked(truncate(HeldPath(node.fd()).get(), static_cast<off_t>(size)));
}

Result<void, HostErrno> Folder::set_times(const Node& node, const timespec (&times)[2]) const {
  if (read_only_) return HostErrno{EROFS};
  if (S_ISLNK((TRY(node.status())).st_mode)) return {};  // nobody looks at the times of a link
  return checked(utimensat(AT_FDCWD, HeldPath(node.fd()).get(), times, 0));
}

}  // namespace farside::dev::virtio

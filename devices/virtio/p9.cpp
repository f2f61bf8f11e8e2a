// devices/virtio/p9.cpp - the requests of 9P2000.L, each in terms of Folder.
#include "devices/virtio/p9.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace farside::dev::virtio::p9 {
namespace {

void put_qid(Writer& out, const struct stat& status) {
  const u8 type = S_ISDIR(status.st_mode) ? kQidDirectory : S_ISLNK(status.st_mode) ? kQidSymlink : kQidFile;
  const u32 version = static_cast<u32>(status.st_mtim.tv_nsec ^ (status.st_size << 8));
  out.number(type).number(version).number(static_cast<u64>(status.st_ino));
}

int host_flags(u32 flags) {
  static constexpr int kAccess[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR};
  int host = kAccess[flags & kOpenAccess];
  if (flags & kOpenTrunc) host |= O_TRUNC;
  if (flags & kOpenAppend) host |= O_APPEND;
  if (flags & kOpenSync) host |= O_SYNC;
  if (flags & kOpenDsync) host |= O_DSYNC;
  return host;
}

HostErrno last_error() { return {errno}; }

void put_time(Writer& out, const timespec& time) {
  out.number(static_cast<u64>(time.tv_sec)).number(static_cast<u64>(time.tv_nsec));
}

/// One entry as the kernel's getdents64 lays it out.
struct DirectoryEntry {
  u64 inode;
  i64 next;
  u8 type;
  std::string_view name;
};

/// Calls `take` for the entries of `fd` from position `from` until it returns false.
template <class Take>
Result<void, HostErrno> for_each_entry(int fd, u64 from, Take take) {
  if (from > static_cast<u64>(INT64_MAX) || lseek(fd, static_cast<off_t>(from), SEEK_SET) < 0) return HostErrno{EINVAL};
  std::vector<u8> buffer(32 * 1024);
  for (;;) {
    const ssize_t got = getdents64(fd, buffer.data(), buffer.size());
    if (got < 0) return last_error();
    if (got == 0) return {};
    for (usize at = 0; at < static_cast<usize>(got);) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      if (!take(DirectoryEntry{entry->d_ino, entry->d_off, entry->d_type, entry->d_name})) return {};
      at += entry->d_reclen;
    }
  }
}

}  // namespace

std::vector<u8> Server::answer(std::span<const u8> message) {
  Reader in(message);
  const u32 size = in.u32_();
  const u8 type = in.u8_();
  const u16 tag = in.u16_();
  if (!in.ok() || size != message.size() || size > message_size_) return {};
  Writer out;
  auto begin = [&](u8 answer_type) {
    out.bytes().clear();
    out.number(u32{0}).number(answer_type).number(tag);
  };
  begin(static_cast<u8>(type + 1));
  Done done = dispatch(static_cast<Type>(type), in, out);
  if (done.ok() && !in.ok()) done = HostErrno{EINVAL};  // the message was shorter than its fields
  if (!done.ok()) {
    begin(static_cast<u8>(Type::Lerror));
    out.number(static_cast<u32>(done.error().value));
  }
  out.patch(0, static_cast<u32>(out.size()));
  return std::move(out.bytes());
}

void Server::reset() {
  fids_.clear();
  message_size_ = kMessageMax;
}

Server::Done Server::dispatch(Type type, Reader& in, Writer& out) {
  switch (type) {
    case Type::Version: return version(in, out);
    case Type::Attach: return attach(in, out);
    case Type::Walk: return walk(in, out);
    case Type::Lopen: return open(in, out);
    case Type::Lcreate: return create(in, out);
    case Type::Read: return read(in, out);
    case Type::Write: return write(in, out);
    case Type::Readdir: return read_folder(in, out);
    case Type::Clunk: return clunk(in);
    case Type::Getattr: return get_attributes(in, out);
    case Type::Setattr: return set_attributes(in);
    case Type::Statfs: return statfs(in, out);
    case Type::Fsync: return sync(in);
    case Type::Mkdir: return make_folder(in, out);
    case Type::Symlink: return make_symlink(in, out);
    case Type::Mknod: return make_node(in, out);
    case Type::Readlink: return read_link(in, out);
    case Type::Link: return link(in);
    case Type::Renameat: return rename_at(in);
    case Type::Unlinkat: return unlink_at(in);
    case Type::Lock: return lock(in, out, false);
    case Type::Getlock: return lock(in, out, true);
    case Type::Flush: in.u16_(); return {};  // every request is done by now
    case Type::Remove:                       // clunks in any case; the client then uses unlinkat
      TRY_VOID(clunk(in));
      return HostErrno{EOPNOTSUPP};
    default: return HostErrno{EOPNOTSUPP};
  }
}

Result<Server::Fid*, HostErrno> Server::fid(u32 number) {
  const auto found = fids_.find(number);
  if (found == fids_.end()) return HostErrno{EBADF};
  return &found->second;
}

Server::Done Server::add_fid(u32 number, Node node) {
  if (number == kNoFid || fids_.contains(number)) return HostErrno{EBADF};
  if (fids_.size() >= kFidMax) return HostErrno{EMFILE};
  fids_.emplace(number, Fid{std::move(node), {}, 0});
  return {};
}

/// Begins a session: fids of an older one are gone.
Server::Done Server::version(Reader& in, Writer& out) {
  const u32 wanted = in.u32_();
  const std::string name = in.text();
  if (!in.ok() || wanted < kMessageMin) return HostErrno{EINVAL};
  fids_.clear();
  message_size_ = std::min(wanted, kMessageMax);
  out.number(message_size_).text(name == "9P2000.L" ? name : "unknown");
  return {};
}

Server::Done Server::attach(Reader& in, Writer& out) {
  const u32 number = in.u32_();
  in.u32_();  // no authentication
  if (!in.ok()) return HostErrno{EINVAL};
  Node root = TRY(folder_->root());
  const struct stat status = TRY(root.status());
  TRY_VOID(add_fid(number, std::move(root)));
  put_qid(out, status);
  return {};
}

/// As many names as exist are walked; only a walk of all of them makes the new fid.
Server::Done Server::walk(Reader& in, Writer& out) {
  const u32 from = in.u32_(), to = in.u32_();
  const u16 count = in.u16_();
  Fid* start = TRY(fid(from));
  if (!in.ok() || count > kWalkMax) return HostErrno{EINVAL};
  if (to != from && fids_.contains(to)) return HostErrno{EBADF};
  Node node = TRY(start->node.duplicate());
  const usize count_at = out.size();
  out.number(u16{0});
  for (u16 i = 0; i < count; ++i) {
    const std::string name = in.text();
    if (!in.ok()) return HostErrno{EINVAL};
    auto next = folder_->walk(node, name);
    if (!next.ok()) {
      if (i == 0) return next.error();
      return {};
    }
    node = std::move(*next);
    put_qid(out, TRY(node.status()));
    out.patch(count_at, static_cast<u16>(i + 1));
  }
  if (to != from) return add_fid(to, std::move(node));
  *start = Fid{std::move(node), {}, 0};
  return {};
}

Server::Done Server::open(Reader& in, Writer& out) {
  Fid* file = TRY(fid(in.u32_()));
  const int flags = host_flags(in.u32_());
  if (!in.ok()) return HostErrno{EINVAL};
  file->io = TRY(folder_->open(file->node, flags));
  file->flags = flags & ~O_TRUNC;
  put_qid(out, TRY(file->node.status()));
  out.number(u32{0});
  return {};
}

Server::Done Server::create(Reader& in, Writer& out) {
  Fid* file = TRY(fid(in.u32_()));
  const std::string name = in.text();
  const int flags = host_flags(in.u32_());
  const u32 mode = in.u32_();
  if (!in.ok()) return HostErrno{EINVAL};
  Descriptor io = TRY(folder_->create(file->node, name, flags, mode));
  Node node = TRY(folder_->walk(file->node, name));
  put_qid(out, TRY(node.status()));
  out.number(u32{0});
  *file = Fid{std::move(node), std::move(io), flags & ~O_TRUNC};
  return {};
}

Server::Done Server::read(Reader& in, Writer& out) {
  Fid* file = TRY(fid(in.u32_()));
  const u64 offset = in.u64_();
  const u32 count = std::min(in.u32_(), message_size_ - kReadOverhead);
  if (!in.ok() || !file->io || offset > static_cast<u64>(INT64_MAX)) return HostErrno{EINVAL};
  std::vector<u8> data(count);
  const ssize_t got = pread(file->io.get(), data.data(), data.size(), static_cast<off_t>(offset));
  if (got < 0) return last_error();
  out.number(static_cast<u32>(got));
  out.bytes().insert(out.bytes().end(), data.begin(), data.begin() + got);
  return {};
}

Server::Done Server::write(Reader& in, Writer& out) {
  Fid* file = TRY(fid(in.u32_()));
  const u64 offset = in.u64_();
  const std::span<const u8> data = in.bytes(in.u32_());
  if (!in.ok() || !file->io || offset > static_cast<u64>(INT64_MAX)) return HostErrno{EINVAL};
  const ssize_t put = pwrite(file->io.get(), data.data(), data.size(), static_cast<off_t>(offset));
  if (put < 0) return last_error();
  out.number(static_cast<u32>(put));
  return {};
}

Server::Done Server::read_folder(Reader& in, Writer& out) {
  Fid* file = TRY(fid(in.u32_()));
  const u64 offset = in.u64_();
  const u32 count = std::min(in.u32_(), message_size_ - kReadOverhead);
  if (!in.ok() || !file->io) return HostErrno{EINVAL};
  const usize count_at = out.size();
  out.number(u32{0});
  TRY_VOID(for_each_entry(file->io.get(), offset, [&](const DirectoryEntry& entry) {
    constexpr usize kFixed = 13 + 8 + 1 + 2;  // qid, offset, type, length of the name
    if (out.size() - count_at - 4 + kFixed + entry.name.size() > count) return false;
    const u8 type = entry.type == DT_DIR ? kQidDirectory : entry.type == DT_LNK ? kQidSymlink : kQidFile;
    out.number(type).number(u32{0}).number(entry.inode);
    out.number(static_cast<u64>(entry.next)).number(entry.type).text(entry.name);
    return true;
  }));
  out.patch(count_at, static_cast<u32>(out.size() - count_at - 4));
  return {};
}

Server::Done Server::clunk(Reader& in) {
  const u32 number = in.u32_();
  if (!in.ok()) return HostErrno{EINVAL};
  TRY(fid(number));
  fids_.erase(number);
  return {};
}

Server::Done Server::get_attributes(Reader& in, Writer& out) {
  Fid* file = TRY(fid(in.u32_()));
  const struct stat s = TRY(file->node.status());
  out.number(kGetattrBasic);
  put_qid(out, s);
  out.number(static_cast<u32>(s.st_mode)).number(static_cast<u32>(s.st_uid)).number(static_cast<u32>(s.st_gid));
  out.number(static_cast<u64>(s.st_nlink)).number(static_cast<u64>(s.st_rdev)).number(static_cast<u64>(s.st_size));
  out.number(static_cast<u64>(s.st_blksize)).number(static_cast<u64>(s.st_blocks));
  for (const timespec& time : {s.st_atim, s.st_mtim, s.st_ctim, timespec{}}) put_time(out, time);
  out.number(u64{0}).number(u64{0});  // generation, data version
  return {};
}

Server::Done Server::set_attributes(Reader& in) {
  Fid* file = TRY(fid(in.u32_()));
  const u32 valid = in.u32_(), mode = in.u32_(), uid = in.u32_(), gid = in.u32_();
  const u64 size = in.u64_();
  const u64 atime = in.u64_(), atime_ns = in.u64_(), mtime = in.u64_(), mtime_ns = in.u64_();
  if (!in.ok()) return HostErrno{EINVAL};
  const struct stat status = TRY(file->node.status());
  if (((valid & kSetUid) && uid != status.st_uid) || ((valid & kSetGid) && gid != status.st_gid)) {
    return HostErrno{EPERM};
  }
  if (valid & kSetMode) TRY_VOID(folder_->set_mode(file->node, mode));
  if (valid & kSetSize) TRY_VOID(folder_->set_size(file->node, size));
  if (!(valid & (kSetAtime | kSetMtime))) return {};
  auto time = [valid](u32 set, u32 given, u64 seconds, u64 ns) -> timespec {
    if (!(valid & set)) return {0, UTIME_OMIT};
    if (!(valid & given)) return {0, UTIME_NOW};
    return {static_cast<time_t>(seconds), static_cast<long>(ns % 1'000'000'000)};
  };
  return folder_->set_times(
      file->node, {time(kSetAtime, kSetAtimeGiven, atime, atime_ns), time(kSetMtime, kSetMtimeGiven, mtime, mtime_ns)});
}

Server::Done Server::statfs(Reader& in, Writer& out) {
  Fid* file = TRY(fid(in.u32_()));
  struct statfs s {};
  if (fstatfs(file->node.fd(), &s) != 0) return last_error();
  out.number(kFilesystemMagic).number(static_cast<u32>(s.f_bsize)).number(static_cast<u64>(s.f_blocks));
  out.number(static_cast<u64>(s.f_bfree)).number(static_cast<u64>(s.f_bavail)).number(static_cast<u64>(s.f_files));
  out.number(static_cast<u64>(s.f_ffree)).number(u64{0}).number(static_cast<u32>(kNameMax));
  return {};
}

Server::Done Server::sync(Reader& in) {
  Fid* file = TRY(fid(in.u32_()));
  if (file->io && fsync(file->io.get()) != 0) return last_error();
  return {};
}

Server::Done Server::put_qid_of(const Node& folder, const std::string& name, Writer& out) {
  const Node made = TRY(folder_->walk(folder, name));
  put_qid(out, TRY(made.status()));
  return {};
}

Server::Done Server::make_folder(Reader& in, Writer& out) {
  Fid* folder = TRY(fid(in.u32_()));
  const std::string name = in.text();
  const u32 mode = in.u32_();
  if (!in.ok()) return HostErrno{EINVAL};
  TRY_VOID(folder_->make_folder(folder->node, name, mode));
  return put_qid_of(folder->node, name, out);
}

Server::Done Server::make_symlink(Reader& in, Writer& out) {
  Fid* folder = TRY(fid(in.u32_()));
  const std::string name = in.text(), target = in.text();
  if (!in.ok() || target.size() > kLinkMax) return HostErrno{EINVAL};
  TRY_VOID(folder_->make_link(folder->node, name, target));
  return put_qid_of(folder->node, name, out);
}

/// Only regular files: a FIFO, socket or device made here would be one of the host's.
Server::Done Server::make_node(Reader& in, Writer& out) {
  Fid* folder = TRY(fid(in.u32_()));
  const std::string name = in.text();
  const u32 mode = in.u32_();
  if (!in.ok()) return HostErrno{EINVAL};
  if (!S_ISREG(mode)) return HostErrno{EPERM};
  TRY(folder_->create(folder->node, name, O_WRONLY, mode));
  return put_qid_of(folder->node, name, out);
}

Server::Done Server::read_link(Reader& in, Writer& out) {
  Fid* file = TRY(fid(in.u32_()));
  const std::string target = TRY(folder_->read_link(file->node));
  if (target.size() > message_size_ - kHeader - 2) return HostErrno{ENAMETOOLONG};
  out.text(target);
  return {};
}

Server::Done Server::link(Reader& in) {
  Fid* folder = TRY(fid(in.u32_()));
  Fid* file = TRY(fid(in.u32_()));
  const std::string name = in.text();
  if (!in.ok()) return HostErrno{EINVAL};
  return folder_->link(file->node, folder->node, name);
}

Server::Done Server::rename_at(Reader& in) {
  Fid* from = TRY(fid(in.u32_()));
  const std::string old_name = in.text();
  Fid* to = TRY(fid(in.u32_()));
  const std::string new_name = in.text();
  if (!in.ok()) return HostErrno{EINVAL};
  return folder_->rename(from->node, old_name, to->node, new_name);
}

Server::Done Server::unlink_at(Reader& in) {
  Fid* folder = TRY(fid(in.u32_()));
  const std::string name = in.text();
  const u32 flags = in.u32_();
  if (!in.ok()) return HostErrno{EINVAL};
  return folder_->remove(folder->node, name, flags & kUnlinkDirectory);
}

/// There is one client, which keeps its own locks: all are granted.
Server::Done Server::lock(Reader& in, Writer& out, bool query) {
  TRY(fid(in.u32_()));
  const u8 type = in.u8_();
  if (!query) {
    out.number(u8{0});
    return {};
  }
  (void)type;
  const u64 start = in.u64_(), length = in.u64_();
  const u32 process = in.u32_();
  const std::string client = in.text();
  out.number(kUnlocked).number(start).number(length).number(process).text(client);
  return {};
}

/// Fids are kept by path and open flags; one whose file is gone after a restore is gone, too.
void Server::visit_state(StateVisitor& v) {
  v.value("9p.message_size", message_size_);
  message_size_ = std::clamp(message_size_, kMessageMin, kMessageMax);
  u64 count = fids_.size();
  v.value("9p.fids", count);
  auto visit = [&v](u32& number, u8& opened, int& flags, std::string& path) {
    u32 length = static_cast<u32>(path.size());
    v.value("9p.fid", number);
    v.value("9p.opened", opened);
    v.value("9p.flags", flags);
    v.value("9p.length", length);
    if (v.restoring()) path.resize(std::min<u32>(length, 65536));
    v.field("9p.path", path.data(), path.size());
  };
  if (!v.restoring()) {
    for (auto& [number, file] : fids_) {
      u32 key = number;
      u8 opened = static_cast<bool>(file.io);
      std::string path = file.node.path();
      visit(key, opened, file.flags, path);
    }
    return;
  }
  fids_.clear();
  for (u64 i = 0; i < std::min<u64>(count, kFidMax); ++i) {
    u32 number = 0;
    u8 opened = 0;
    int flags = 0;
    std::string path;
    visit(number, opened, flags, path);
    auto node = folder_->find(path);
    if (!node.ok() || !add_fid(number, std::move(*node)).ok() || !opened) continue;
    Fid& file = fids_.at(number);
    file.flags = flags & (O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC);
    if (auto io = folder_->open(file.node, file.flags); io.ok()) file.io = std::move(*io);
  }
}

}  // namespace farside::dev::virtio::p9

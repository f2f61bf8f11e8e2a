// devices/virtio/disk.cpp - raw images: opening, locking, and positioned access.
#include "devices/virtio/disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

namespace farside::dev::virtio {
namespace {

/// Contents that only look like a raw disk: magic number and its place.
struct ForeignFormat {
  std::string_view name;
  u64 offset;
  std::string_view magic;
};
constexpr ForeignFormat kForeign[] = {
    {"qcow2", 0, "QFI\xfb"},           {"VMDK", 0, "KDMV"}, {"VHDX", 0, "vhdxfile"}, {"VHD", 0, "conectix"},
    {"VDI", 0x40, "\x7f\x10\xda\xbe"},
};

UserError wrong(const std::string& path, const std::string& what) {
  return UserError{fmt::format("--drive {}: {}", path, what)};
}

class RawDisk final : public Disk {
 public:
  RawDisk(int fd, u64 size, bool read_only, std::string path)
      : fd_(fd), size_(size), read_only_(read_only), path_(std::move(path)) {}
  ~RawDisk() override {
    if (!read_only_) flush();
    close(fd_);
  }
  u64 size() const override { return size_; }
  bool read_only() const override { return read_only_; }
  bool read(u64 offset, std::span<u8> out) override;
  bool write(u64 offset, std::span<const u8> bytes) override;
  bool flush() override { return fdatasync(fd_) == 0; }
  bool write_zeroes(u64 offset, u64 length, bool unmap) override;
  bool discard(u64 offset, u64 length) override;
  std::string serial() const override { return path_.substr(path_.find_last_of('/') + 1).substr(0, 20); }

 private:
  bool inside(u64 offset, u64 length) const { return offset <= size_ && length <= size_ - offset; }
  int fd_;
  u64 size_;
  bool read_only_;
  std::string path_;
};

bool RawDisk::read(u64 offset, std::span<u8> out) {
  if (!inside(offset, out.size())) return false;
  while (!out.empty()) {
    const ssize_t got = pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out = out.subspan(static_cast<usize>(got));
    offset += static_cast<u64>(got);
  }
  return true;
}

bool RawDisk::write(u64 offset, std::span<const u8> bytes) {
  if (read_only_ || !inside(offset, bytes.size())) return false;
  while (!bytes.empty()) {
    const ssize_t put = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes = bytes.subspan(static_cast<usize>(put));
    offset += static_cast<u64>(put);
  }
  return true;
}

bool RawDisk::write_zeroes(u64 offset, u64 length, bool unmap) {
  if (read_only_ || !inside(offset, length)) return false;
  if (length == 0) return true;
  const int mode = unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
  if (fallocate(fd_, mode | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(length)) == 0) {
    return true;
  }
  // The host's file system cannot: write them.
  const std::vector<u8> zeros(std::min<u64>(length, u64{1} << 20));
  for (; length != 0;) {
    const u64 count = std::min<u64>(length, zeros.size());
    if (!write(offset, {zeros.data(), count})) return false;
    offset += count;
    length -= count;
  }
  return true;
}

bool RawDisk::discard(u64 offset, u64 length) {
  if (read_only_ || !inside(offset, length)) return false;
  // Advice: that the host cannot is no error of the guest's.
  (void)fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(length));
  return true;
}

/// The format of the image if it is one that we must not treat as raw.
std::string_view foreign_format(Disk& disk) {
  for (const ForeignFormat& format : kForeign) {
    std::array<u8, 8> head{};
    const std::span<u8> bytes(head.data(), format.magic.size());
    if (disk.read(format.offset, bytes) && std::memcmp(head.data(), format.magic.data(), bytes.size()) == 0) {
      return format.name;
    }
  }
  return {};
}

Result<u64, UserError> image_size(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return wrong(path, std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return wrong(path, "is a folder; --share makes a folder visible to the guest");
  if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) return wrong(path, "is neither a file nor a block device");
  const off_t end = lseek(fd, 0, SEEK_END);
  if (end < 0) return wrong(path, std::strerror(errno));
  if (end == 0) return wrong(path, "is empty; 'truncate -s 1G FILE' makes an image of 1 GiB");
  if (end % static_cast<off_t>(kSectorSize) != 0) {
    return wrong(path, fmt::format("has {} bytes, which is not a multiple of 512", end));
  }
  return static_cast<u64>(end);
}

/// Two guests on one writable image destroy it. Without locks nobody writes, so that readers need none.
Result<void, UserError> lock(int fd, const DiskConfig& config) {
  if (flock(fd, (config.read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return {};
  const int error = errno;
  if (error == EWOULDBLOCK) {
    return wrong(config.path,
                 "is in use by another farside, or given twice; several can share an image only if all add ,ro");
  }
  if (config.read_only) return {};
  return wrong(config.path, fmt::format("cannot be locked against a second writer ({}); copy it to a local file "
                                        "system, or add ,ro",
                                        std::strerror(error)));
}

}  // namespace

Result<std::unique_ptr<Disk>, UserError> open_raw_disk(const DiskConfig& config) {
  // O_NONBLOCK: a FIFO given by mistake must not wait for its other end.
  const int flags = (config.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK;
  const int fd = open(config.path.c_str(), flags);
  if (fd < 0) {
    const int error = errno;
    if (error == EISDIR) return wrong(config.path, "is a folder; --share makes a folder visible to the guest");
    const bool denied = (error == EACCES || error == EROFS) && !config.read_only;
    return wrong(config.path, fmt::format("cannot be opened{} ({})", denied ? " for writing; add ,ro to only read" : "",
                                          std::strerror(error)));
  }
  const auto size = image_size(fd, config.path);
  if (!size.ok()) {
    close(fd);
    return size.error();
  }
  auto disk = std::make_unique<RawDisk>(fd, *size, config.read_only, config.path);
  TRY_VOID(lock(fd, config));
  const std::string_view format = config.any_content ? std::string_view() : foreign_format(*disk);
  if (!format.empty()) {
    return wrong(config.path, fmt::format("is a {} image; convert it ('qemu-img convert -O raw'), or add ,format=raw "
                                          "to use its bytes as they are",
                                          format));
  }
  return std::unique_ptr<Disk>(std::move(disk));
}

}  // namespace farside::dev::virtio

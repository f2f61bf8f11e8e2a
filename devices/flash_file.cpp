// devices/flash_file.cpp - the file behind a flash bank: locked, grown in erased bytes, written command by command.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/bits.h"
#include "devices/flash.h"

namespace farside::dev {

using namespace flash;

Result<std::unique_ptr<FlashFile>, UserError> FlashFile::open(const std::string& path) {
  auto wrong = [&](const std::string& what) { return UserError{fmt::format("--pflash {}: {}", path, what)}; };
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
  if (fd < 0) return wrong(fmt::format("cannot be opened for writing ({})", std::strerror(errno)));
  struct stat status {};
  std::string problem;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    problem = "is not a regular file";
  } else if (static_cast<u64>(status.st_size) > kBankSize) {
    problem = fmt::format("has {} bytes; a flash bank has 64 MiB", status.st_size);
  } else if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    problem = "is in use by another farside";
  }
  if (!problem.empty()) {
    close(fd);
    return wrong(problem);
  }
  return std::unique_ptr<FlashFile>(new FlashFile(fd, static_cast<u64>(status.st_size)));
}

FlashFile::~FlashFile() {
  fdatasync(fd_);
  close(fd_);
}

std::vector<u8> FlashFile::contents() {
  std::vector<u8> bytes(kBankSize, 0xff);
  for (u64 done = 0; done < size_;) {
    const ssize_t got = pread(fd_, bytes.data() + done, size_ - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<u64>(got);
  }
  return bytes;
}

bool FlashFile::put(u64 offset, std::span<const u8> bytes) {
  while (!bytes.empty()) {
    const ssize_t done = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes = bytes.subspan(static_cast<usize>(done));
    offset += static_cast<u64>(done);
  }
  return true;
}

/// A short file grows by whole sectors of erased flash before anything is written behind its end.
bool FlashFile::write(u64 offset, std::span<const u8> bytes) {
  const u64 end = align_up(offset + bytes.size(), kSectorSize);
  if (end > size_) {
    const std::vector<u8> erased(end - size_, 0xff);
    if (!put(size_, erased)) return false;
    size_ = end;
  }
  return put(offset, bytes);
}

}  // namespace farside::dev

// firmware/boot/file_bytes.cpp - maps files.
#include "firmware/boot/file_bytes.h"

#include <sys/mman.h>

namespace farside::boot {

FileBytes FileBytes::map(int fd, usize size) {
  FileBytes bytes;
  void* const at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (at != MAP_FAILED) bytes.mapping_ = {static_cast<const u8*>(at), size};
  return bytes;
}

FileBytes::~FileBytes() {
  if (!mapping_.empty()) munmap(const_cast<u8*>(mapping_.data()), mapping_.size());
}

}  // namespace farside::boot

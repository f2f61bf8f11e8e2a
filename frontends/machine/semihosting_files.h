// frontends/machine/semihosting_files.h - what a guest has open by semihosting: files below one folder of the host, the
// console, and the list of features.
#pragma once
#include <map>
#include <memory>
#include <span>
#include <string>

#include "core/base/result.h"
#include "core/base/state.h"
#include "core/base/types.h"
#include "devices/virtio/folder.h"

namespace farside::machine {

class SemihostingFiles {
 public:
  using Errno = dev::virtio::HostErrno;
  enum class Kind : u8 { File, Keys, Output, Features };
  struct File {
    explicit File(Kind what) : kind(what) {}
    Kind kind;
    std::string path;  ///< Kind::File: below the folder
    int flags = 0;     ///< of open(2), without O_TRUNC
    u64 position = 0;
    dev::virtio::Descriptor io;
  };

  /// Without a folder there are no files, only the console and the features.
  explicit SemihostingFiles(std::unique_ptr<dev::virtio::Folder> folder) : folder_(std::move(folder)) {}

  /// A handle, from 1 upwards; `mode` is that of SYS_OPEN, 0 to 11. Fails with errno.
  Result<u32, Errno> open(const std::string& name, u64 mode);
  Result<void, Errno> close(u64 handle);
  /// An open file, or EBADF.
  Result<File*, Errno> find(u64 handle);
  /// Bytes at the file's position, which moves; fewer only at its end. Not for Keys and Output.
  Result<usize, Errno> read(File& file, std::span<u8> out);
  Result<usize, Errno> write(File& file, std::span<const u8> bytes);
  Result<u64, Errno> length(const File& file) const;
  Result<void, Errno> remove(const std::string& name);
  Result<void, Errno> rename(const std::string& from, const std::string& to);
  void close_all() { files_.clear(); }
  /// Files are kept by path and position; one that is gone after a restore is closed.
  void visit_state(StateVisitor& visitor);

 private:
  /// A name in a folder that exists.
  struct Place {
    dev::virtio::Node folder;
    std::string name;
  };
  Result<Place, Errno> find_place(const std::string& path) const;
  Result<dev::virtio::Descriptor, Errno> open_file(const std::string& path, int flags) const;
  Result<u32, Errno> add(File file);
  std::unique_ptr<dev::virtio::Folder> folder_;
  std::map<u32, File> files_;
};

}  // namespace farside::machine

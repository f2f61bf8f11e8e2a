// frontends/machine/snapshot_file.h - the container of a snapshot: a header, and compressed sections with checksums.
#pragma once
#include <zlib.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/state.h"

namespace farside::machine {

/// Numbers are little-endian. The file is
///   8 bytes "FARSNAP\n", u32 version, u32 number of sections,
///   per section 16 bytes of name, u64 size, u64 packed size, u32 CRC-32 of the packed bytes, u32 zero,
///   u32 CRC-32 of everything until here, and the packed bytes (zlib) of the sections one after another, to the end.
class SnapshotFile {
 public:
  /// What this program writes. It reads every version from 1 to this one.
  static constexpr u32 kVersion = 3;
  struct Section {
    std::string name;  ///< at most 16 characters
    u64 size = 0;      ///< unpacked
    std::vector<u8> packed;
  };

  void add(Section section) { sections_.push_back(std::move(section)); }
  const std::vector<Section>& sections() const { return sections_; }
  const Section* find(std::string_view name) const;
  /// Of the file that it was read from, or would be written to.
  u32 version() const { return version_; }

  std::vector<u8> bytes() const;
  /// Checks everything, down to unpacking each section. The error says what is wrong with the bytes.
  static Result<SnapshotFile, UserError> parse(std::span<const u8> bytes);
  /// The same for a file; errors name it.
  static Result<SnapshotFile, UserError> read(const std::string& path);
  /// Writes a temporary file beside `path`, brings it to the disk, and puts it in the place of `path`: there is always
  /// the old file or the new one.
  Result<void, UserError> write(const std::string& path) const;

 private:
  std::vector<Section> sections_;
  u32 version_ = kVersion;
};

/// The machine's RAM, so that pointers into it can be saved as places.
struct RamWindow {
  const u8* base = nullptr;
  u64 size = 0;
};

/// Packs the fields that it visits.
class SectionWriter final : public StateVisitor {
 public:
  explicit SectionWriter(RamWindow ram);
  ~SectionWriter() override;
  SectionWriter(const SectionWriter&) = delete;
  void field(std::string_view name, void* data, usize size) override;
  void memory_pointer(std::string_view name, const u8*& pointer) override;
  /// No field can follow.
  SnapshotFile::Section finish(std::string_view name);

 private:
  static constexpr usize kPiece = 1 << 16;
  void pack(bool last);
  RamWindow ram_;
  z_stream stream_{};
  std::vector<u8> waiting_;  ///< not given to zlib yet
  SnapshotFile::Section section_;
};

/// Unpacks fields. When they are used up, or something has been rejected, fields read as zeros and ok() is false.
class SectionReader final : public StateVisitor {
 public:
  /// `section`, of a file of this version, must live as long.
  SectionReader(const SnapshotFile::Section& section, RamWindow ram, u32 version = SnapshotFile::kVersion);
  ~SectionReader() override;
  SectionReader(const SectionReader&) = delete;
  void field(std::string_view name, void* data, usize size) override;
  bool restoring() const override { return true; }
  void memory_pointer(std::string_view name, const u8*& pointer) override;
  u64 remaining() const override { return left_; }
  u32 version() const override { return version_; }
  void reject(std::string_view why) override;
  /// The field at which the section stopped making sense; empty when all of it did and is used up.
  std::string wrong() const;

 private:
  RamWindow ram_;
  z_stream stream_{};
  std::span<const u8> packed_;  ///< not given to zlib yet
  u64 left_;
  u32 version_;
  std::string wrong_;
};

}  // namespace farside::machine

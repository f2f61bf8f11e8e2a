// frontends/machine/snapshot_file.cpp - packs and unpacks sections, and moves snapshots between memory and disk safely.
#include "frontends/machine/snapshot_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace farside::machine {
namespace {

constexpr std::string_view kMagic = "FARSNAP\n";
constexpr usize kNameBytes = 16, kHeaderBytes = 16, kEntryBytes = 40, kCrcBytes = 4;
constexpr u32 kMostSections = 64;
constexpr u64 kNoPlace = ~u64{0};

template <class T>
void put(std::vector<u8>& out, T value) {
  for (usize i = 0; i < sizeof(T); ++i) out.push_back(static_cast<u8>(value >> (8 * i)));
}

template <class T>
T get(std::span<const u8> bytes, usize at) {
  T value = 0;
  for (usize i = 0; i < sizeof(T); ++i) value |= static_cast<T>(T{bytes[at + i]} << (8 * i));
  return value;
}

u32 checksum(std::span<const u8> bytes) {
  return static_cast<u32>(crc32_z(crc32_z(0, nullptr, 0), bytes.data(), bytes.size()));
}

UserError damaged(std::string_view what) { return UserError{fmt::format("is damaged: {}", what)}; }

/// Unpacks into nothing: true when exactly the promised bytes come out.
bool unpacks(const SnapshotFile::Section& section) {
  SectionReader reader(section, {});
  std::array<u8, 65536> buffer;
  for (u64 left = section.size; left != 0 && reader.remaining() != 0;) {
    const u64 piece = std::min<u64>(left, buffer.size());
    reader.field("", buffer.data(), piece);
    left -= piece;
  }
  return reader.wrong().empty();
}

}  // namespace

const SnapshotFile::Section* SnapshotFile::find(std::string_view name) const {
  for (const Section& section : sections_)
    if (section.name == name) return &section;
  return nullptr;
}

std::vector<u8> SnapshotFile::bytes() const {
  std::vector<u8> out(kMagic.begin(), kMagic.end());
  put(out, kVersion);
  put(out, static_cast<u32>(sections_.size()));
  for (const Section& section : sections_) {
    CHECK(section.name.size() <= kNameBytes, "section {}", section.name);
    for (usize i = 0; i < kNameBytes; ++i) out.push_back(i < section.name.size() ? section.name[i] : 0);
    put(out, section.size);
    put(out, static_cast<u64>(section.packed.size()));
    put(out, checksum(section.packed));
    put(out, u32{0});
  }
  put(out, checksum(out));
  for (const Section& section : sections_) out.insert(out.end(), section.packed.begin(), section.packed.end());
  return out;
}

Result<SnapshotFile, UserError> SnapshotFile::parse(std::span<const u8> bytes) {
  if (bytes.size() < kHeaderBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return UserError{"is no farside snapshot"};
  const u32 version = get<u32>(bytes, 8), count = get<u32>(bytes, 12);
  if (version == 0 || version > kVersion)
    return UserError{fmt::format("has format version {}, this farside reads up to {}", version, kVersion)};
  if (count > kMostSections) return damaged("its table of sections is too long");
  const usize table_end = kHeaderBytes + count * kEntryBytes;
  if (bytes.size() < table_end + kCrcBytes) return damaged("it ends inside its table of sections");
  if (checksum(bytes.first(table_end)) != get<u32>(bytes, table_end))
    return damaged("its table of sections has another checksum");
  SnapshotFile file;
  file.version_ = version;
  usize at = table_end + kCrcBytes;
  for (u32 i = 0; i < count; ++i) {
    const std::span<const u8> entry = bytes.subspan(kHeaderBytes + i * kEntryBytes, kEntryBytes);
    Section section;
    for (usize c = 0; c < kNameBytes && entry[c] != 0; ++c) {
      if (entry[c] < ' ' || entry[c] > '~') return damaged(fmt::format("section {} has no name", i));
      section.name += static_cast<char>(entry[c]);
    }
    section.size = get<u64>(entry, 16);
    const u64 packed = get<u64>(entry, 24);
    if (packed > bytes.size() - at) return damaged(fmt::format("it ends inside section '{}'", section.name));
    const std::span<const u8> content = bytes.subspan(at, packed);
    if (checksum(content) != get<u32>(entry, 32))
      return damaged(fmt::format("section '{}' has another checksum", section.name));
    section.packed.assign(content.begin(), content.end());
    at += packed;
    if (file.find(section.name) != nullptr) return damaged(fmt::format("section '{}' is there twice", section.name));
    if (!unpacks(section)) return damaged(fmt::format("section '{}' cannot be unpacked", section.name));
    file.add(std::move(section));
  }
  if (at != bytes.size()) return damaged("something follows its last section");
  return file;
}

namespace {

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  int get() const { return fd_; }
  bool write(std::span<const u8> bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      bytes = bytes.subspan(static_cast<usize>(put));
    }
    return true;
  }

 private:
  int fd_;
};

UserError of_file(const std::string& path, std::string_view what) {
  return UserError{fmt::format("snapshot {}: {}", path, what)};
}

}  // namespace

Result<SnapshotFile, UserError> SnapshotFile::read(const std::string& path) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) return of_file(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return of_file(path, "is no file");
  std::vector<u8> bytes(static_cast<usize>(status.st_size));
  for (usize done = 0; done < bytes.size();) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return of_file(path, std::strerror(errno));
    if (got == 0) bytes.resize(done);
    done += static_cast<usize>(got);
  }
  auto parsed = parse(bytes);
  if (!parsed) return of_file(path, parsed.error().message);
  return std::move(*parsed);
}

Result<void, UserError> SnapshotFile::write(const std::string& path) const {
  std::string temporary = path + ".XXXXXX";
  const auto failed = [&](bool made) {
    const int error = errno;
    if (made) unlink(temporary.c_str());
    return of_file(path, fmt::format("cannot be written: {}", std::strerror(error)));
  };
  {
    File file(mkstemp(temporary.data()));
    if (file.get() < 0) return failed(false);
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(file.get(), 0666 & ~mask) != 0 || !file.write(bytes()) || fsync(file.get()) != 0) return failed(true);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return failed(true);
  // The new name is on the disk when its folder is.
  const usize slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const File opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || fsync(opened.get()) != 0) return of_file(path, std::strerror(errno));
  return {};
}

SectionWriter::SectionWriter(RamWindow ram) : ram_(ram) {
  // Most of a snapshot is memory, and waiting for it costs more than the disk.
  CHECK(deflateInit(&stream_, Z_BEST_SPEED) == Z_OK, "zlib");
}

SectionWriter::~SectionWriter() { deflateEnd(&stream_); }

void SectionWriter::pack(bool last) {
  std::array<u8, 65536> buffer;
  stream_.next_in = waiting_.data();
  stream_.avail_in = static_cast<uInt>(waiting_.size());
  do {
    stream_.next_out = buffer.data();
    stream_.avail_out = buffer.size();
    deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
    section_.packed.insert(section_.packed.end(), buffer.data(), stream_.next_out);
  } while (stream_.avail_out == 0);
  waiting_.clear();
}

/// Most fields are a few bytes: they wait until there is something to do.
void SectionWriter::field(std::string_view, void* data, usize size) {
  section_.size += size;
  const u8* bytes = static_cast<const u8*>(data);
  while (size != 0) {
    const usize piece = std::min(size, kPiece - waiting_.size());
    waiting_.insert(waiting_.end(), bytes, bytes + piece);
    bytes += piece;
    size -= piece;
    if (waiting_.size() == kPiece) pack(false);
  }
}

void SectionWriter::memory_pointer(std::string_view name, const u8*& pointer) {
  const u64 offset = static_cast<u64>(reinterpret_cast<uintptr_t>(pointer) - reinterpret_cast<uintptr_t>(ram_.base));
  u64 place = pointer != nullptr && offset < ram_.size ? offset : kNoPlace;
  value(name, place);
}

SnapshotFile::Section SectionWriter::finish(std::string_view name) {
  pack(true);
  section_.name = name;
  return std::move(section_);
}

SectionReader::SectionReader(const SnapshotFile::Section& section, RamWindow ram, u32 version)
    : ram_(ram), packed_(section.packed), left_(section.size), version_(version) {
  CHECK(inflateInit(&stream_) == Z_OK, "zlib");
}

SectionReader::~SectionReader() { inflateEnd(&stream_); }

void SectionReader::reject(std::string_view why) {
  if (wrong_.empty()) wrong_ = why.empty() ? "size" : why;
}

void SectionReader::field(std::string_view name, void* data, usize size) {
  if (size > left_) reject(name);
  if (!wrong_.empty()) {
    left_ = 0;
    std::memset(data, 0, size);
    return;
  }
  u8* out = static_cast<u8*>(data);
  for (usize left = size; left != 0;) {
    const usize piece = std::min<usize>(left, usize{1} << 30);
    stream_.next_out = out;
    stream_.avail_out = static_cast<uInt>(piece);
    if (stream_.avail_in == 0) {
      const auto next = packed_.first(std::min<usize>(packed_.size(), usize{1} << 30));
      packed_ = packed_.subspan(next.size());
      stream_.next_in = const_cast<Bytef*>(next.data());
      stream_.avail_in = static_cast<uInt>(next.size());
    }
    const int status = inflate(&stream_, Z_SYNC_FLUSH);
    const usize got = piece - stream_.avail_out;
    if (got == 0 && status != Z_OK) {
      reject(name);
      left_ = 0;
      std::memset(data, 0, size);
      return;
    }
    out += got;
    left -= got;
  }
  left_ -= size;
}

void SectionReader::memory_pointer(std::string_view name, const u8*& pointer) {
  u64 place = kNoPlace;
  value(name, place);
  pointer = place < ram_.size ? ram_.base + place : nullptr;
  if (pointer == nullptr && place != kNoPlace) reject(name);
}

std::string SectionReader::wrong() const {
  if (!wrong_.empty()) return wrong_;
  if (left_ != 0) return "more than belongs there";
  return {};
}

}  // namespace farside::machine

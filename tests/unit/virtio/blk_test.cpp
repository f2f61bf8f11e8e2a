// tests/unit/virtio/blk_test.cpp - block device and raw images: every request, every refusal, every bad image.
#include "devices/virtio/blk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/virtio/guest_driver.h"

using namespace farside;
using namespace farside::dev;
using namespace farside::dev::virtio;

namespace {

constexpr u16 kWrite = 2;

/// A folder that goes with the test.
struct Folder {
  std::filesystem::path path;
  Folder() {
    char name[] = "/tmp/farside-blk-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name, const std::string& contents) {
    std::ofstream(path / name, std::ios::binary) << contents;
    return path / name;
  }
  std::string contents(const std::string& name) {
    std::ifstream in(path / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

std::string error_of(const DiskConfig& config) {
  const auto disk = open_raw_disk(config);
  REQUIRE_FALSE(disk.ok());
  return disk.error().message;
}

std::unique_ptr<Disk> opened(const DiskConfig& config) {
  auto disk = open_raw_disk(config);
  if (!disk.ok()) FAIL(disk.error().message);
  return std::move(*disk);
}

/// A disk in memory that counts flushes and can fail.
struct MemoryDisk final : Disk {
  std::vector<u8> bytes;
  int* flushes;
  bool* fails;
  bool ro;
  MemoryDisk(u64 sectors, int* flush_count, bool* failing, bool read_only_disk)
      : bytes(sectors * 512), flushes(flush_count), fails(failing), ro(read_only_disk) {
    for (usize i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<u8>(i / 512 + 1);
  }
  u64 size() const override { return bytes.size(); }
  bool read_only() const override { return ro; }
  bool inside(u64 offset, u64 length) const { return offset <= bytes.size() && length <= bytes.size() - offset; }
  bool read(u64 offset, std::span<u8> out) override {
    if (*fails || !inside(offset, out.size())) return false;
    std::copy_n(bytes.begin() + static_cast<long>(offset), out.size(), out.begin());
    return true;
  }
  bool write(u64 offset, std::span<const u8> in) override {
    if (*fails || ro || !inside(offset, in.size())) return false;
    std::copy(in.begin(), in.end(), bytes.begin() + static_cast<long>(offset));
    return true;
  }
  bool flush() override { return ++*flushes, !*fails; }
  bool write_zeroes(u64 offset, u64 length, bool) override { return write(offset, std::vector<u8>(length)); }
  bool discard(u64 offset, u64 length) override { return write_zeroes(offset, length, true); }
  std::string serial() const override { return "a-serial"; }
};

constexpr u64 kSectors = 1024;

struct DiskBench {
  int flushes = 0;
  bool fails = false;
  Bench<Block> b;
  Driver& io = b.io;
  static constexpr u64 kHeader = TestMemory::kBase + 0x7'0000, kStatus = kHeader + 0x100, kData = Bench<Block>::kData;
  explicit DiskBench(bool read_only = false, u64 features = ~kFeatureEventIdx)
      : b(std::make_unique<MemoryDisk>(kSectors, &flushes, &fails, read_only)) {
    b.start(features);
  }
  /// One request; the status byte, or 0xee if the device did not answer.
  u8 request(u32 type, u64 sector, std::vector<Desc> data) {
    b.memory.put(kHeader, blk::Header{type, 0, sector});
    b.memory.put<u8>(kStatus, 0xee);
    data.insert(data.begin(), Desc{kHeader, 16});
    data.push_back({kStatus, 1, kWrite});
    b.submit(data);
    return b.memory.get<u8>(kStatus);
  }
  u8 ranges(u32 type, const std::vector<blk::Range>& list) {
    for (usize i = 0; i < list.size(); ++i) b.memory.put(kData + 16 * i, list[i]);
    return request(type, 0, {{kData, static_cast<u32>(16 * list.size())}});
  }
  u8 byte(u64 offset) {
    u8 value = 0;
    REQUIRE(b.device.disk().read(offset, {&value, 1}));
    return value;
  }
};

}  // namespace

TEST_CASE("The configuration tells capacity, limits and features") {
  DiskBench d;
  CHECK(d.io.rd(0x100) == kSectors);
  CHECK(d.io.rd(0x104) == 0);
  CHECK(d.io.rd(0x10c) == 254);
  CHECK(d.io.rd(0x114) == 512);
  CHECK(d.io.rd(0x124) == 0x8000);
  CHECK(d.b.slot.features() == (kFeatureVersion1 | kFeatureIndirect | 1 << 2 | 1 << 6 | 1 << 9 | 1 << 13 | 1 << 14));
  DiskBench ro(true);
  CHECK((ro.b.slot.features() & (1 << 5 | 1 << 13 | 1 << 14)) == 1 << 5);
}

TEST_CASE("A read fills the buffers and counts data and status") {
  DiskBench d;
  CHECK(d.request(blk::kIn, 2, {{d.kData, 512, kWrite}, {d.kData + 0x1000, 1024, kWrite}}) == blk::kOk);
  CHECK(d.b.memory.get<u8>(d.kData) == 3);
  CHECK(d.b.memory.get<u8>(d.kData + 0x1000) == 4);
  CHECK(d.b.memory.get<u8>(d.kData + 0x1200) == 5);
  CHECK(d.b.q().used_length(0) == 512 + 1024 + 1);
}

TEST_CASE("A request in pieces of any size is the same request") {
  DiskBench d;
  d.b.memory.put(d.kHeader, blk::Header{blk::kIn, 0, 7});
  CHECK(d.b.submit({{d.kHeader, 3},
                    {d.kHeader + 3, 13},
                    {d.kData, 100, kWrite},
                    {d.kData + 0x1000, 413, kWrite}}));  // 412 bytes of data, then the status
  CHECK(d.b.memory.get<u8>(d.kData + 99) == 8);
  CHECK(d.b.memory.get<u8>(d.kData + 0x1000 + 411) == 8);
  CHECK(d.b.memory.get<u8>(d.kData + 0x1000 + 412) == blk::kOk);
}

TEST_CASE("A write reaches the disk; without the flush feature it is flushed at once") {
  DiskBench d;
  d.b.memory.put<u64>(d.kData, 0x1122334455667788);
  CHECK(d.request(blk::kOut, 5, {{d.kData, 512}}) == blk::kOk);
  CHECK(d.byte(5 * 512) == 0x88);
  CHECK(d.b.q().used_length(0) == 1);
  CHECK(d.flushes == 0);
  CHECK(d.request(blk::kFlush, 0, {}) == blk::kOk);
  CHECK(d.flushes == 1);
  DiskBench through(false, ~(kFeatureEventIdx | blk::kFeatureFlush));
  CHECK(through.request(blk::kOut, 5, {{d.kData, 512}}) == blk::kOk);
  CHECK(through.flushes == 1);
}

TEST_CASE("Requests outside the disk, of odd size, or on a read-only disk fail without effect") {
  DiskBench d;
  CHECK(d.request(blk::kIn, kSectors, {{d.kData, 512, kWrite}}) == blk::kIoError);
  CHECK(d.request(blk::kIn, kSectors - 1, {{d.kData, 1024, kWrite}}) == blk::kIoError);
  CHECK(d.request(blk::kIn, ~u64{0}, {{d.kData, 512, kWrite}}) == blk::kIoError);
  CHECK(d.request(blk::kIn, u64{1} << 55, {{d.kData, 512, kWrite}}) == blk::kIoError);
  CHECK(d.request(blk::kIn, 0, {{d.kData, 100, kWrite}}) == blk::kIoError);
  CHECK(d.request(blk::kOut, kSectors - 1, {{d.kData, 1024}}) == blk::kIoError);
  CHECK(d.byte(512 * (kSectors - 1)) == static_cast<u8>(kSectors));
  CHECK(d.request(77, 0, {}) == blk::kUnsupported);
  DiskBench ro(true);
  CHECK(ro.request(blk::kOut, 0, {{d.kData, 512}}) == blk::kIoError);
  CHECK(ro.ranges(blk::kWriteZeroes, {{0, 1, 0}}) == blk::kIoError);
  CHECK(ro.byte(0) == 1);
  CHECK(ro.request(blk::kIn, 0, {{d.kData, 512, kWrite}}) == blk::kOk);
}

TEST_CASE("An error of the host becomes an I/O error of the guest") {
  DiskBench d;
  d.fails = true;
  CHECK(d.request(blk::kIn, 0, {{d.kData, 512, kWrite}}) == blk::kIoError);
  CHECK(d.request(blk::kOut, 0, {{d.kData, 512}}) == blk::kIoError);
  CHECK(d.request(blk::kFlush, 0, {}) == blk::kIoError);
  CHECK_FALSE(d.b.broken());
}

TEST_CASE("The identity is 20 bytes, padded with zeros, cut to the buffer") {
  DiskBench d;
  CHECK(d.request(blk::kGetId, 0, {{d.kData, 20, kWrite}}) == blk::kOk);
  CHECK(std::string(reinterpret_cast<const char*>(d.b.memory.copy(d.kData, 20).data())) == "a-serial");
  CHECK(d.b.q().used_length(0) == 21);
  CHECK(d.request(blk::kGetId, 0, {{d.kData, 4, kWrite}}) == blk::kOk);
}

TEST_CASE("Write-zeroes and discard take ranges and check each") {
  DiskBench d;
  CHECK(d.ranges(blk::kWriteZeroes, {{3, 2, 0}, {10, 1, blk::kRangeUnmap}}) == blk::kOk);
  CHECK(d.byte(3 * 512) == 0);
  CHECK(d.byte(4 * 512 + 511) == 0);
  CHECK(d.byte(5 * 512) == 6);
  CHECK(d.byte(10 * 512) == 0);
  CHECK(d.ranges(blk::kDiscard, {{20, 1, 0}}) == blk::kOk);
  CHECK(d.ranges(blk::kDiscard, {{21, 1, blk::kRangeUnmap}}) == blk::kUnsupported);
  CHECK(d.ranges(blk::kWriteZeroes, {{22, 1, 2}}) == blk::kUnsupported);
  CHECK(d.ranges(blk::kWriteZeroes, {{kSectors - 1, 2, 0}}) == blk::kIoError);
  CHECK(d.ranges(blk::kWriteZeroes, {{0, 0xffffffff, 0}}) == blk::kIoError);
  CHECK(d.byte(22 * 512) == 23);
  CHECK(d.request(blk::kDiscard, 0, {{d.kData, 15}}) == blk::kUnsupported);
  CHECK(d.ranges(blk::kDiscard, std::vector<blk::Range>(5, {0, 1, 0})) == blk::kUnsupported);
  for (u64 sector : {~u64{0}, ~u64{0} / 512 + 1, u64{kSectors} + 1, u64{1} << 63}) {
    CHECK(d.ranges(blk::kWriteZeroes, {{sector, 1, 0}}) == blk::kIoError);
    CHECK(d.ranges(blk::kDiscard, {{sector, 0xffffffff, 0}}) == blk::kIoError);
    CHECK(d.request(blk::kIn, sector, {{d.kData, 512, kWrite}}) == blk::kIoError);
    CHECK(d.request(blk::kOut, sector, {{d.kData, 512}}) == blk::kIoError);
  }
}

TEST_CASE("A request without a whole header or without room for a status breaks the device") {
  DiskBench d;
  d.b.memory.put(d.kHeader, blk::Header{blk::kIn, 0, 0});
  SECTION("short header") { d.b.submit({{d.kHeader, 15}, {d.kStatus, 1, kWrite}}); }
  SECTION("no status") { d.b.submit({{d.kHeader, 16}, {d.kData, 512}}); }
  SECTION("status outside memory") { d.b.submit({{d.kHeader, 16}, {0, 1, kWrite}}); }
  SECTION("data outside memory") { d.b.submit({{d.kHeader, 16}, {0x100, 513, kWrite}}); }
  CHECK(d.b.broken());
}

TEST_CASE("Raw images: bytes go to the file, zeroing and discarding keep its size") {
  Folder folder;
  const std::string path = folder.file("a.img", std::string(8192, 'x'));
  {
    auto disk = opened({path});
    CHECK(disk->size() == 8192);
    CHECK(disk->serial() == "a.img");
    const u8 word[] = {'a', 'b'};
    CHECK(disk->write(511, word));
    CHECK(disk->write_zeroes(1024, 512, false));
    CHECK(disk->write_zeroes(4096, 512, true));
    CHECK(disk->discard(7680, 512));
    CHECK(disk->flush());
    u8 back[2]{};
    CHECK(disk->read(511, back));
    CHECK(back[1] == 'b');
    CHECK_FALSE(disk->read(8191, back));
    CHECK_FALSE(disk->write(8192, {back, 1}));
    CHECK_FALSE(disk->write_zeroes(8000, 512, false));
    CHECK_FALSE(disk->discard(~u64{0}, 512));
  }
  const std::string after = folder.contents("a.img");
  REQUIRE(after.size() == 8192);
  CHECK(after.substr(510, 4) == "xabx");
  CHECK(after.substr(1024, 512) == std::string(512, '\0'));
  CHECK(after.substr(4096, 512) == std::string(512, '\0'));
  CHECK(after[1536] == 'x');
}

TEST_CASE("Two users of one image are refused unless both only read") {
  Folder folder;
  const std::string path = folder.file("a.img", std::string(512, 'x'));
  {
    auto writer = opened({path});
    CHECK_THAT(error_of({path}), Catch::Contains("in use by another farside"));
    CHECK_THAT(error_of({path, true}), Catch::Contains("in use by another farside"));
  }
  auto reader = opened({path, true}), second = opened({path, true});
  CHECK(reader->read_only());
  const u8 byte = 1;
  CHECK_FALSE(reader->write(0, {&byte, 1}));
  CHECK_THAT(error_of({path}), Catch::Contains("in use by another farside"));
}

TEST_CASE("Bad images are refused in one clear line") {
  Folder folder;
  const std::string folder_path = folder.path;
  CHECK_THAT(error_of({folder_path + "/none"}), Catch::Contains("cannot be opened") && Catch::Contains("No such file"));
  CHECK_THAT(error_of({folder_path}), Catch::Contains("is a folder"));
  CHECK_THAT(error_of({folder_path, true}), Catch::Contains("is a folder"));
  CHECK_THAT(error_of({folder.file("odd", std::string(513, 'x'))}), Catch::Contains("513 bytes"));
  CHECK_THAT(error_of({folder.file("empty", "")}), Catch::Contains("is empty"));
  CHECK_THAT(error_of({"/dev/null"}), Catch::Contains("neither a file nor a block device"));
  REQUIRE(mkfifo((folder_path + "/fifo").c_str(), 0600) == 0);
  CHECK_THAT(error_of({folder_path + "/fifo"}), Catch::Contains("neither a file nor a block device"));
  const std::string qcow2 = folder.file("a.qcow2", "QFI\xfb" + std::string(508, '\0'));
  CHECK_THAT(error_of({qcow2}), Catch::Contains("is a qcow2 image") && Catch::Contains("convert"));
  CHECK(opened({qcow2, false, true})->size() == 512);
}

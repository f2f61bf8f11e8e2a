// tests/unit/guests/cpio_test.cpp - the archive writer, checked by reading archives back field by field.
#include "frontends/guests/cpio.h"

#include <string>
#include <vector>

#include "frontends/guests/guests.h"
#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::guests;

namespace {

struct Entry {
  std::string path, contents;
  u32 mode, major, minor, inode;
};

u32 hex_field(const std::string& archive, usize header, unsigned index) {
  return static_cast<u32>(std::stoul(archive.substr(header + 6 + 8 * index, 8), nullptr, 16));
}

usize align4(usize at) { return (at + 3) & ~usize{3}; }

// An independent reader: field numbers as in the format's description, not as in the writer.
std::vector<Entry> read_archive(const std::string& archive) {
  std::vector<Entry> entries;
  for (usize at = 0; at < archive.size();) {
    REQUIRE(archive.compare(at, 6, "070701") == 0);
    const u32 size = hex_field(archive, at, 6), name_size = hex_field(archive, at, 11);
    const usize name_at = at + 110, data_at = align4(name_at + name_size);
    entries.push_back({archive.substr(name_at, name_size - 1), archive.substr(data_at, size), hex_field(archive, at, 1),
                       hex_field(archive, at, 9), hex_field(archive, at, 10), hex_field(archive, at, 0)});
    REQUIRE(archive[name_at + name_size - 1] == '\0');
    at = align4(data_at + size);
  }
  return entries;
}

}  // namespace

TEST_CASE("an archive holds what was added, in order, and ends with the trailer") {
  CpioWriter writer;
  writer.add_folder("bin");
  writer.add_file("bin/tool", "12345", 0755);
  writer.add_link("bin/sh", "tool");
  writer.add_char_device("console", 5, 1);
  const auto entries = read_archive(writer.finish());
  REQUIRE(entries.size() == 5);
  CHECK(entries[0].path == "bin");
  CHECK(entries[0].mode == 0040755);
  CHECK(entries[1].path == "bin/tool");
  CHECK(entries[1].contents == "12345");
  CHECK(entries[1].mode == 0100755);
  CHECK(entries[2].contents == "tool");
  CHECK(entries[2].mode == 0120777);
  CHECK(entries[3].mode == 0020600);
  CHECK(entries[3].major == 5);
  CHECK(entries[3].minor == 1);
  CHECK(entries[4].path == "TRAILER!!!");
}

TEST_CASE("contents of every length modulo four keep the next header aligned") {
  for (usize length = 0; length < 9; ++length) {
    CpioWriter writer;
    writer.add_file("f", std::string(length, 'x'));
    writer.add_file("g", "end");
    const auto entries = read_archive(writer.finish());
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].contents.size() == length);
    CHECK(entries[1].contents == "end");
  }
}

TEST_CASE("inode numbers differ, or the kernel would make hard links of the files") {
  CpioWriter writer;
  writer.add_file("a", "1");
  writer.add_file("b", "2");
  const auto entries = read_archive(writer.finish());
  CHECK(entries[0].inode != entries[1].inode);
}

TEST_CASE("a finished writer starts anew") {
  CpioWriter writer;
  writer.add_file("a", "1");
  const std::string first = writer.finish();
  writer.add_file("a", "1");
  CHECK(writer.finish() == first);
}

TEST_CASE("the default guest's initramfs has a console, a shell and an init that powers off") {
  const auto entries = read_archive(make_initramfs("ELF"));
  auto find = [&](const std::string& path) {
    for (const Entry& entry : entries) {
      if (entry.path == path) return entry;
    }
    FAIL("no entry " << path);
    return Entry{};
  };
  CHECK(find("dev/console").mode == 0020600);
  CHECK(find("bin/busybox").contents == "ELF");
  CHECK(find("bin/sh").contents == "busybox");
  CHECK(find("init").mode == 0100755);
  CHECK(find("init").contents.rfind("#!/bin/busybox sh\n", 0) == 0);
  CHECK(find("init").contents.find("poweroff -f") != std::string::npos);
}

// tests/unit/guests/store_test.cpp - the cache folder: manifests notice damage, files appear whole, commands report.
#include "frontends/guests/store.h"

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "frontends/guests/debian.h"
#include "frontends/guests/guests.h"
#include "frontends/guests/process.h"
#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::guests;
namespace fs = std::filesystem;

namespace {

/// A folder that vanishes with the test.
struct TemporaryFolder {
  std::string path;
  TemporaryFolder() {
    std::string pattern = fs::temp_directory_path() / "farside-test-XXXXXX";
    path = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("a manifest holds a file only while size and contents agree") {
  TemporaryFolder folder;
  REQUIRE(write_file(folder.path + "/kernel", "0123456789"));
  Manifest manifest;
  manifest.record("kernel", "0123456789");
  CHECK(manifest.holds(folder.path, "kernel"));
  CHECK_FALSE(manifest.holds(folder.path, "initrd"));

  SECTION("truncated") { REQUIRE(write_file(folder.path + "/kernel", "01234")); }
  SECTION("one bit flipped") { REQUIRE(write_file(folder.path + "/kernel", "0123456788")); }
  SECTION("gone") { fs::remove(folder.path + "/kernel"); }
  CHECK_FALSE(manifest.holds(folder.path, "kernel"));
}

TEST_CASE("a manifest survives being written and read") {
  Manifest manifest;
  manifest.record("a", "first");
  manifest.record("b", std::string(1000, 'x'));
  CHECK(Manifest::parse(manifest.text()).text() == manifest.text());
  CHECK(Manifest::parse("").text().empty());
  CHECK(Manifest::parse("not a manifest at all").text().empty());
}

TEST_CASE("CRC-32 is gzip's") { CHECK(crc32_of("123456789") == 0xcbf43926); }

TEST_CASE("write_file leaves nothing but the file") {
  TemporaryFolder folder;
  REQUIRE(write_file(folder.path + "/f", "old"));
  REQUIRE(write_file(folder.path + "/f", "new"));
  auto contents = read_file(folder.path + "/f");
  REQUIRE(contents);
  CHECK(*contents == "new");
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
  CHECK_FALSE(write_file(folder.path + "/none/f", "x"));
  CHECK_FALSE(read_file(folder.path + "/none"));
}

TEST_CASE("the cache folder follows XDG_CACHE_HOME, then HOME") {
  TemporaryFolder folder;
  const char* home = getenv("HOME");
  const std::string saved = home != nullptr ? home : "/";
  setenv("XDG_CACHE_HOME", folder.path.c_str(), 1);
  CHECK(cache_folder() == folder.path + "/farside");
  setenv("XDG_CACHE_HOME", "relative", 1);  // the XDG rule: not absolute means not set
  setenv("HOME", folder.path.c_str(), 1);
  CHECK(cache_folder() == folder.path + "/.cache/farside");
  setenv("HOME", saved.c_str(), 1);
  unsetenv("XDG_CACHE_HOME");
}

TEST_CASE("a guest whose files are damaged is not cached") {
  TemporaryFolder folder;
  setenv("XDG_CACHE_HOME", folder.path.c_str(), 1);
  const GuestInfo& guest = *find_guest(kDefaultGuest);
  CHECK_FALSE(is_cached(guest));

  const std::string guests = folder.path + "/farside/debian-12-arm64";
  fs::create_directories(guests);
  Manifest manifest;
  for (const char* name : {"linux", "busybox", "installer-initrd.gz"}) {
    REQUIRE(write_file(guests + "/" + name, name));
    manifest.record(name, name);
  }
  REQUIRE(write_file(guests + "/manifest", manifest.text()));
  CHECK(is_cached(guest));
  auto files = get_guest(guest, {.quiet = true});
  REQUIRE(files);
  CHECK(files->kernel == guests + "/linux");
  CHECK(fs::file_size(files->initrd) > 1000);

  fs::resize_file(guests + "/linux", 2);
  CHECK_FALSE(is_cached(guest));
  unsetenv("XDG_CACHE_HOME");
}

TEST_CASE("guests are found by name, the default first") {
  CHECK(known_guests().front().name == kDefaultGuest);
  CHECK(find_guest("debian-installer") != nullptr);
  CHECK(find_guest("plan9") == nullptr);
}

TEST_CASE("run_command reports output, status lines and exit status") {
  std::vector<std::string> lines;
  const CommandResult result =
      run_command({.arguments = {"sh", "-c", "echo out; echo err >&2; printf 'one\\ntwo\\n' >&3; exit 5"},
                   .folder = "/",
                   .on_status_line = [&](std::string_view line) { lines.emplace_back(line); }});
  CHECK(result.status == 5);
  CHECK(result.output == "out\nerr\n");
  CHECK(lines == std::vector<std::string>{"one", "two"});
  CHECK(run_command({.arguments = {"/no/such/program"}, .folder = {}}).status == 127);
  CHECK(run_command({.arguments = {"sh", "-c", "kill -9 $$"}, .folder = {}}).status == 128 + 9);
}

TEST_CASE("apt's status lines carry a percentage") {
  CHECK(percent_of_status_line("dlstatus:1:45.3:Retrieving file 1 of 1") == 45);
  CHECK(percent_of_status_line("dlstatus:12:100.0000:done") == 100);
  CHECK(percent_of_status_line("pmstatus:dpkg:50:x") == -1);
  CHECK(percent_of_status_line("dlstatus:1") == -1);
  CHECK(percent_of_status_line("dlstatus:1::x") == -1);
}

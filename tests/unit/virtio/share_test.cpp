// tests/unit/virtio/share_test.cpp - the 9P server: files as a client uses them, and every way out of the folder.
#include "devices/virtio/share.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "core/base/chance.h"
#include "tests/unit/virtio/guest_driver.h"

using namespace farside;
using namespace farside::dev;
using namespace farside::dev::virtio;
using p9::Reader, p9::Type, p9::Writer;
namespace fs = std::filesystem;

namespace {

constexpr u16 kWrite = 2;

/// top/shared is the share; top/secret is what nobody may reach.
struct Tree {
  fs::path top;
  Tree() {
    char name[] = "/tmp/farside-9p-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    top = name;
    fs::create_directory(top / "shared");
    fs::create_directory(top / "shared/sub");
    write("secret", "secret");
    write("shared/hello", "hello");
    write("shared/sub/deep", "deep");
    fs::create_symlink("../secret", top / "shared/out");
    fs::create_symlink("/etc", top / "shared/etc");
    fs::create_symlink("hello", top / "shared/in");
    REQUIRE(mkfifo((top / "shared/fifo").c_str(), 0600) == 0);
  }
  ~Tree() { fs::remove_all(top); }
  void write(const std::string& name, const std::string& text) { std::ofstream(top / name) << text; }
  std::string read(const std::string& name) {
    std::ifstream in(top / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::unique_ptr<Folder> folder(bool read_only = false) {
    auto opened = Folder::open("--share", top / "shared", read_only);
    if (!opened.ok()) FAIL(opened.error().message);
    return std::move(*opened);
  }
};

/// Sends requests and looks at answers. Fid 0 is the root of the share.
struct Client {
  p9::Server server;
  std::vector<u8> answer;
  explicit Client(std::unique_ptr<Folder> folder) : server(std::move(folder)) {
    Writer v;
    v.number(u32{65536}).text("9P2000.L");
    REQUIRE(call(Type::Version, v) == 0);
    Writer a;
    a.number(u32{0}).number(p9::kNoFid).text("root").text("").number(u32{0});
    REQUIRE(call(Type::Attach, a) == 0);
  }
  /// The errno of the answer, 0 for success.
  u32 call(Type type, Writer& fields) {
    Writer message;
    message.number(static_cast<u32>(7 + fields.size())).number(static_cast<u8>(type)).number(u16{1});
    message.bytes().insert(message.bytes().end(), fields.bytes().begin(), fields.bytes().end());
    answer = server.answer(message.bytes());
    REQUIRE(answer.size() >= 7);
    Reader in(answer);
    CHECK(in.u32_() == answer.size());
    const u8 kind = in.u8_();
    CHECK(in.u16_() == 1);
    if (kind == 7) return in.u32_();
    CHECK(kind == static_cast<u8>(type) + 1);
    return 0;
  }
  Reader body() { return Reader(std::span<const u8>(answer).subspan(7)); }
  u32 walk(u32 from, u32 to, const std::vector<std::string>& names) {
    Writer w;
    w.number(from).number(to).number(static_cast<u16>(names.size()));
    for (const auto& name : names) w.text(name);
    const u32 error = call(Type::Walk, w);
    if (error != 0) return error;
    return body().u16_() == names.size() ? 0 : ENOENT;
  }
  u32 open(u32 fid, u32 flags) {
    Writer w;
    w.number(fid).number(flags);
    return call(Type::Lopen, w);
  }
  u32 create(u32 fid, const std::string& name, u32 flags = 2, u32 mode = 0644) {
    Writer w;
    w.number(fid).text(name).number(flags).number(mode).number(u32{0});
    return call(Type::Lcreate, w);
  }
  std::string read(u32 fid, u64 offset, u32 count) {
    Writer w;
    w.number(fid).number(offset).number(count);
    REQUIRE(call(Type::Read, w) == 0);
    Reader in = body();
    const auto bytes = in.bytes(in.u32_());
    return {bytes.begin(), bytes.end()};
  }
  u32 write(u32 fid, u64 offset, const std::string& text) {
    Writer w;
    w.number(fid).number(offset).number(static_cast<u32>(text.size()));
    w.bytes().insert(w.bytes().end(), text.begin(), text.end());
    return call(Type::Write, w);
  }
  u32 clunk(u32 fid) {
    Writer w;
    w.number(fid);
    return call(Type::Clunk, w);
  }
  u32 named(Type type, u32 fid, const std::string& name, u32 number) {
    Writer w;
    w.number(fid).text(name).number(number).number(u32{0}).number(u32{0}).number(u32{0});
    return call(type, w);
  }
  u32 symlink(const std::string& name, const std::string& target) {
    Writer w;
    w.number(u32{0}).text(name).text(target).number(u32{0});
    return call(Type::Symlink, w);
  }
  u32 rename(const std::string& from, const std::string& to, u32 fid = 0) {
    Writer w;
    w.number(fid).text(from).number(fid).text(to);
    return call(Type::Renameat, w);
  }
  u32 set(u32 fid, u32 valid, u32 mode, u64 size, u32 uid = 0) {
    Writer w;
    w.number(fid).number(valid).number(mode).number(uid).number(u32{0}).number(size);
    for (int i = 0; i < 4; ++i) w.number(u64{12345});
    return call(Type::Setattr, w);
  }
};

}  // namespace

TEST_CASE("Files are walked to, opened, read and written") {
  Tree tree;
  Client c(tree.folder());
  CHECK(c.walk(0, 1, {"sub", "deep"}) == 0);
  CHECK(c.open(1, 2) == 0);
  CHECK(c.read(1, 0, 100) == "deep");
  CHECK(c.read(1, 2, 1) == "e");
  CHECK(c.read(1, 4, 100).empty());
  CHECK(c.write(1, 4, "er") == 0);
  CHECK(tree.read("shared/sub/deep") == "deeper");
  CHECK(c.clunk(1) == 0);
  CHECK(c.clunk(1) == EBADF);
  CHECK(c.walk(0, 1, {"hello"}) == 0);
  CHECK(c.open(1, 1 | 01000) == 0);  // O_WRONLY | O_TRUNC
  CHECK(tree.read("shared/hello").empty());
}

TEST_CASE("A walk that fails on the way makes no fid; an old fid is not replaced") {
  Tree tree;
  Client c(tree.folder());
  CHECK(c.walk(0, 1, {"sub", "none"}) == ENOENT);
  CHECK(c.clunk(1) == EBADF);
  CHECK(c.walk(0, 1, {"none"}) == ENOENT);
  CHECK(c.walk(0, 1, {"sub"}) == 0);
  CHECK(c.walk(0, 1, {"hello"}) == EBADF);
  CHECK(c.walk(1, 1, {"deep"}) == 0);
  CHECK(c.open(1, 0) == 0);
  CHECK(c.walk(9, 2, {}) == EBADF);
}

TEST_CASE("Files, folders and links are made, renamed and removed") {
  Tree tree;
  Client c(tree.folder());
  REQUIRE(c.walk(0, 1, {}) == 0);
  CHECK(c.create(1, "new") == 0);
  CHECK(c.write(1, 0, "text") == 0);
  CHECK(tree.read("shared/new") == "text");
  CHECK(c.named(Type::Mkdir, 0, "folder", 0755) == 0);
  CHECK(fs::is_directory(tree.top / "shared/folder"));
  CHECK(c.symlink("link", "new") == 0);
  CHECK(fs::read_symlink(tree.top / "shared/link") == "new");
  CHECK(c.rename("new", "newer") == 0);
  CHECK(tree.read("shared/newer") == "text");
  Writer hard;
  hard.number(u32{0}).number(u32{1}).text("second");
  CHECK(c.call(Type::Link, hard) == 0);
  CHECK(tree.read("shared/second") == "text");
  CHECK(c.named(Type::Unlinkat, 0, "second", 0) == 0);
  CHECK_FALSE(fs::exists(tree.top / "shared/second"));
  CHECK(c.named(Type::Unlinkat, 0, "folder", 0) == EISDIR);
  CHECK(c.named(Type::Unlinkat, 0, "folder", 0x200) == 0);
  CHECK(c.named(Type::Unlinkat, 0, "none", 0) == ENOENT);
}

TEST_CASE("Attributes are shown and changed; owners and special bits are not") {
  Tree tree;
  Client c(tree.folder());
  REQUIRE(c.walk(0, 1, {"hello"}) == 0);
  CHECK(c.set(1, 1, 04600, 0) == 0);
  struct stat status {};
  REQUIRE(stat((tree.top / "shared/hello").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(c.set(1, 8, 0, 2) == 0);
  CHECK(tree.read("shared/hello") == "he");
  CHECK(c.set(1, 0x20 | 0x100, 0, 0) == 0);
  REQUIRE(stat((tree.top / "shared/hello").c_str(), &status) == 0);
  CHECK(status.st_mtim.tv_sec == 12345);
  CHECK(c.set(1, 2, 0, 0, 4711) == EPERM);
  Writer w;
  w.number(u32{1}).number(u64{0x7ff});
  REQUIRE(c.call(Type::Getattr, w) == 0);
  Reader in = c.body();
  CHECK(in.u64_() == 0x7ff);
  in.bytes(13);
  CHECK((in.u32_() & 0777) == 0600);
}

TEST_CASE("A folder is listed in pieces, each entry once") {
  Tree tree;
  for (int i = 0; i < 300; ++i) tree.write("shared/sub/file" + std::to_string(i), "");
  Client c(tree.folder());
  REQUIRE(c.walk(0, 1, {"sub"}) == 0);
  REQUIRE(c.open(1, 0) == 0);
  std::vector<std::string> names;
  u64 offset = 0;
  for (;;) {
    Writer w;
    w.number(u32{1}).number(offset).number(u32{1000});
    REQUIRE(c.call(Type::Readdir, w) == 0);
    Reader in = c.body();
    const u32 bytes = in.u32_();
    CHECK(bytes <= 1000);
    if (bytes == 0) break;
    Reader list(in.bytes(bytes));
    while (true) {
      list.bytes(13);
      const u64 next = list.u64_();
      list.u8_();
      const std::string name = list.text();
      if (!list.ok()) break;
      offset = next;
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  CHECK(names.size() == 303);  // with deep, . and ..
  CHECK(std::unique(names.begin(), names.end()) == names.end());
}

TEST_CASE("No name leads out of the folder") {
  Tree tree;
  Client c(tree.folder());
  CHECK(c.walk(0, 1, {".."}) == 0);  // the root's parent is the root
  CHECK(c.walk(1, 2, {"hello"}) == 0);
  CHECK(c.walk(0, 3, {"..", "secret"}) == ENOENT);
  CHECK(c.walk(0, 3, {"sub", "..", "..", "..", "secret"}) == ENOENT);
  for (const char* name : {"../secret", "sub/../../secret", "/etc/passwd", "", ".", "sub/deep", "/"}) {
    CAPTURE(name);
    CHECK(c.walk(0, 4, {name}) == EINVAL);
    CHECK(c.named(Type::Mkdir, 0, name, 0755) == EINVAL);
    CHECK(c.named(Type::Unlinkat, 0, name, 0) == EINVAL);
    CHECK(c.rename("hello", name) == EINVAL);
    CHECK(c.rename(name, "x") == EINVAL);
    CHECK(c.symlink(name, "x") == EINVAL);
    Writer hard;
    hard.number(u32{0}).number(u32{2}).text(name);
    CHECK(c.call(Type::Link, hard) == EINVAL);
    REQUIRE(c.walk(0, 5, {}) == 0);
    CHECK(c.create(5, name) == EINVAL);
    REQUIRE(c.clunk(5) == 0);
  }
  for (Type type : {Type::Unlinkat, Type::Mkdir}) CHECK(c.named(type, 0, "..", 0) == EINVAL);
  CHECK(c.rename("hello", "..") == EINVAL);
  CHECK(tree.read("secret") == "secret");
}

TEST_CASE("Paths end where the host's do") {
  Tree tree;
  Client c(tree.folder());
  const std::string name(255, 'd');
  for (u32 depth = 0; depth < 15; ++depth) {
    REQUIRE(c.named(Type::Mkdir, depth, name, 0755) == 0);
    REQUIRE(c.walk(depth, depth + 1, {name}) == 0);
  }
  REQUIRE(c.named(Type::Mkdir, 15, std::string(254, 'e'), 0755) == 0);
  REQUIRE(c.walk(15, 16, {std::string(254, 'e')}) == 0);
  CHECK(c.named(Type::Mkdir, 15, std::string(255, 'f'), 0755) == 0);
  CHECK(c.named(Type::Mkdir, 16, "x", 0755) == ENAMETOOLONG);
  CHECK(c.walk(16, 17, {"x"}) == ENAMETOOLONG);
  CHECK(c.create(16, "x") == ENAMETOOLONG);
  CHECK(c.walk(16, 17, {".."}) == 0);
}

TEST_CASE("Fids that are used, unknown or replaced do no harm") {
  Tree tree;
  Client c(tree.folder());
  REQUIRE(c.walk(0, 1, {"hello"}) == 0);
  REQUIRE(c.open(1, 2) == 0);
  CHECK(c.walk(0, 1, {"sub"}) == EBADF);  // in use
  CHECK(c.walk(1, 2, {".."}) == 0);       // a file's parent is where it was found
  CHECK(c.walk(1, 3, {"x"}) == ENOTDIR);
  CHECK(c.create(1, "x") == ENOTDIR);
  CHECK(c.walk(0, 4, std::vector<std::string>(16, "..")) == 0);
  CHECK(c.walk(0, 5, std::vector<std::string>(17, "..")) == EINVAL);
  CHECK(c.walk(0, p9::kNoFid, {"hello"}) == EBADF);
  for (u32 size : {~u32{0}, u32{1} << 31, p9::kMessageMax}) {
    Writer w;
    w.number(u32{1}).number(u64{0}).number(size);
    CHECK(c.call(Type::Read, w) == 0);
    CHECK(c.answer.size() <= c.server.message_size());
    Writer list;
    list.number(u32{1}).number(u64{0}).number(size);
    CHECK(c.call(Type::Readdir, list) == ENOTDIR);
    Writer more;  // more than the message has
    more.number(u32{1}).number(u64{0}).number(size).number(u64{1});
    CHECK(c.call(Type::Write, more) == EINVAL);
  }
  CHECK(c.write(1, ~u64{0}, "x") == EINVAL);
  CHECK(c.set(1, 8, 0, ~u64{0}) == EFBIG);
  CHECK(c.clunk(1) == 0);
  CHECK(c.clunk(1) == EBADF);
  Writer attributes;  // Txattrwalk: none are served
  attributes.number(u32{0}).number(u32{9}).text("user.name");
  CHECK(c.call(static_cast<Type>(30), attributes) == EOPNOTSUPP);
  CHECK(tree.read("shared/hello") == "hello");
}

TEST_CASE("Symbolic links are objects, wherever they point") {
  Tree tree;
  Client c(tree.folder());
  REQUIRE(c.walk(0, 1, {"out"}) == 0);
  CHECK(c.open(1, 0) == ELOOP);
  CHECK(c.set(1, 1, 0777, 0) == EOPNOTSUPP);
  CHECK(c.set(1, 8, 0, 0) == EINVAL);
  Writer w;
  w.number(u32{1});
  REQUIRE(c.call(Type::Readlink, w) == 0);
  CHECK(c.body().text() == "../secret");
  REQUIRE(c.walk(0, 2, {"etc"}) == 0);
  CHECK(c.walk(2, 3, {"passwd"}) != 0);
  CHECK(c.walk(0, 3, {"etc", "passwd"}) != 0);
  REQUIRE(c.walk(2, 4, {}) == 0);
  CHECK(c.create(4, "farside-test") != 0);
  CHECK(c.create(0, "out") == EEXIST);  // not through the link either
  CHECK(tree.read("secret") == "secret");
}

TEST_CASE("A folder that becomes a link after it was walked to is still the folder") {
  Tree tree;
  Client c(tree.folder());
  REQUIRE(c.walk(0, 1, {"sub"}) == 0);
  fs::rename(tree.top / "shared/sub", tree.top / "shared/moved");
  fs::create_symlink("/etc", tree.top / "shared/sub");
  CHECK(c.walk(1, 2, {"deep"}) == 0);
  CHECK(c.walk(1, 3, {"passwd"}) == ENOENT);
}

TEST_CASE("FIFOs, sockets and devices are neither opened nor made") {
  Tree tree;
  Client c(tree.folder());
  REQUIRE(c.walk(0, 1, {"fifo"}) == 0);
  CHECK(c.open(1, 0) == EACCES);  // and does not wait for a writer
  CHECK(c.create(0, "fifo") == EEXIST);
  CHECK(c.set(1, 1, 0666, 0) == EPERM);  // and nobody else is let in
  for (u32 kind : {S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK}) {
    CHECK(c.named(Type::Mknod, 0, "node", kind | 0600) == EPERM);
  }
  CHECK_FALSE(fs::exists(tree.top / "shared/node"));
  CHECK(c.named(Type::Mknod, 0, "plain", S_IFREG | 0600) == 0);
}

TEST_CASE("A read-only share changes nothing") {
  Tree tree;
  Client c(tree.folder(true));
  REQUIRE(c.walk(0, 1, {"hello"}) == 0);
  CHECK(c.open(1, 1) == EROFS);
  CHECK(c.open(1, 01000) == EROFS);
  CHECK(c.open(1, 0) == 0);
  CHECK(c.read(1, 0, 10) == "hello");
  REQUIRE(c.walk(0, 2, {}) == 0);
  CHECK(c.create(2, "x") == EROFS);
  CHECK(c.named(Type::Mkdir, 0, "x", 0755) == EROFS);
  CHECK(c.named(Type::Mknod, 0, "x", S_IFREG) == EROFS);
  CHECK(c.named(Type::Unlinkat, 0, "hello", 0) == EROFS);
  CHECK(c.rename("hello", "x") == EROFS);
  CHECK(c.symlink("x", "y") == EROFS);
  CHECK(c.set(1, 1, 0777, 0) == EROFS);
  CHECK(c.set(1, 8, 0, 0) == EROFS);
  CHECK(c.set(1, 0x20, 0, 0) == EROFS);
}

TEST_CASE("Messages that are none are not answered; short ones are errors") {
  Tree tree;
  Client c(tree.folder());
  CHECK(c.server.answer({}).empty());
  const std::vector<u8> liar{100, 0, 0, 0, 120, 0, 0};
  CHECK(c.server.answer(liar).empty());
  Writer nothing;
  for (int type = 0; type < 256; type += 2) CHECK(c.call(static_cast<Type>(type), nothing) != 0);
  Writer huge;
  huge.number(u32{0}).number(u64{0}).number(u32{0xffffffff});
  CHECK(c.call(Type::Write, huge) == EINVAL);
}

TEST_CASE("Random messages never do harm") {
  Tree tree;
  Client c(tree.folder());
  Chance chance(3, "9p");
  const u8 types[] = {8, 12, 14, 16, 18, 22, 24, 26, 40, 50, 52, 54, 70, 72, 74, 76, 110, 116, 118, 120, 122};
  for (int i = 0; i < 20'000; ++i) {
    Writer m;
    m.number(u32{0}).number(types[chance.below(std::size(types))]).number(u16{1});
    for (u64 fields = chance.below(6); fields != 0; --fields) {
      switch (chance.below(4)) {
        case 0: m.number(static_cast<u32>(chance.below(4))); break;
        case 1: m.number(static_cast<u16>(chance.below(3))); break;
        case 2: m.text(chance.one_in(2) ? ".." : "sub"); break;
        default: m.number(chance.next()); break;
      }
    }
    m.patch(0, static_cast<u32>(m.size()));
    c.server.answer(m.bytes());
  }
  CHECK(tree.read("secret") == "secret");
}

TEST_CASE("Open files survive a snapshot") {
  Tree tree;
  Client a(tree.folder()), b(tree.folder());
  REQUIRE(a.walk(0, 7, {"sub", "deep"}) == 0);
  REQUIRE(a.open(7, 0) == 0);
  const auto state = save(a.server);
  restore(b.server, state);
  CHECK(b.server.fids() == 2);
  CHECK(b.read(7, 0, 10) == "deep");
  fs::remove(tree.top / "shared/sub/deep");
  restore(b.server, state);
  CHECK(b.server.fids() == 1);
}

TEST_CASE("The share tells its tag and carries messages through its queue") {
  Tree tree;
  Bench<Share> b(tree.folder(), "mytag");
  b.start();
  CHECK(b.io.rd(0x100) == (5 | 'm' << 16 | static_cast<u32>('y') << 24));
  Writer m;
  m.number(u32{21}).number(u8{100}).number(u16{0xffff}).number(u32{8192}).text("9P2000.L");
  m.patch(0, static_cast<u32>(m.size()));
  std::memcpy(&b.memory.bytes[b.kData - TestMemory::kBase], m.bytes().data(), m.size());
  CHECK(b.submit({{b.kData, static_cast<u32>(m.size())}, {b.kData + 0x1000, 4096, kWrite}}));
  CHECK(b.memory.get<u8>(b.kData + 0x1004) == 101);
  CHECK(b.memory.get<u32>(b.kData + 0x1007) == 8192);
  SECTION("no room for the answer") {
    b.submit({{b.kData, static_cast<u32>(m.size())}, {b.kData + 0x1000, 8, kWrite}});
    CHECK(b.broken());
  }
  SECTION("a size that the buffer does not have") {
    b.submit({{b.kData, 10}, {b.kData + 0x1000, 4096, kWrite}});
    CHECK(b.broken());
  }
}

TEST_CASE("What is no folder cannot be shared") {
  Tree tree;
  const auto file = Folder::open("--share", tree.top / "secret", false);
  REQUIRE_FALSE(file.ok());
  CHECK_THAT(file.error().message, Catch::Contains("is no folder"));
  CHECK_FALSE(Folder::open("--share", tree.top / "none", false).ok());
}

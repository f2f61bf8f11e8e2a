// tests/fuzz/p9_fuzz.cpp - the 9P server with messages that are made of input, on a folder of its own.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "devices/virtio/p9.h"
#include "tests/fuzz/fuzz.h"

using namespace farside;

namespace {

/// A folder for the life of the process, with a neighbour that must stay as it is.
struct Folder {
  std::filesystem::path top;
  Folder() {
    char name[] = "/tmp/farside-fuzz-XXXXXX";
    if (mkdtemp(name) == nullptr) std::abort();
    top = name;
    std::filesystem::create_directory(top / "shared");
    std::ofstream(top / "secret") << "secret";
  }
  ~Folder() { std::filesystem::remove_all(top); }
  void check() const {
    std::ifstream in(top / "secret");
    std::string text;
    in >> text;
    usize entries = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(top)) ++entries;
    if (text != "secret" || entries != 2) std::abort();
  }
};

constexpr u8 kTypes[] = {8,  12, 14, 16, 18,  20,  22,  24,  26,  30,  40,  50,  52, 54,
                         70, 72, 74, 76, 100, 102, 104, 108, 110, 116, 118, 120, 122};
constexpr const char* kNames[] = {"a", "b", "..", ".", "", "../secret", "a/b", "/etc"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  using dev::virtio::p9::Writer;
  static const Folder folder;
  auto opened = dev::virtio::Folder::open("--share", folder.top / "shared", false);
  if (!opened.ok()) std::abort();
  dev::virtio::p9::Server server(std::move(*opened));
  fuzz::Input input(data, size);
  auto send = [&](Writer& message) {
    message.patch(0, static_cast<u32>(message.size()));
    if (server.answer(message.bytes()).size() > server.message_size()) std::abort();
  };
  Writer attach;
  attach.number(u32{0}).number(u8{104}).number(u16{1}).number(u32{0}).number(~u32{0}).text("").text("").number(u32{0});
  send(attach);
  while (!input.empty()) {
    Writer message;
    const u8 kind = input.take<u8>();
    message.number(u32{0}).number(kind & 0x80 ? kind : kTypes[kind % std::size(kTypes)]).number(u16{1});
    for (u8 fields = input.take<u8>() % 8; fields != 0; --fields) {
      const u8 shape = input.take<u8>();
      switch (shape % 5) {
        case 0: message.number(static_cast<u32>(shape >> 5)); break;
        case 1: message.text(kNames[(shape >> 5) % std::size(kNames)]); break;
        case 2: message.number(input.take<u32>() & 0xffff); break;
        case 3: message.number(static_cast<u64>(input.take<u16>())); break;
        default: message.number(static_cast<u16>(shape >> 6)); break;
      }
    }
    send(message);
  }
  folder.check();
  return 0;
}

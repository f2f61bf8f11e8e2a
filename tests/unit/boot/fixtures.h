// tests/unit/boot/fixtures.h - makes kernels and files for the loader's tests.
#pragma once
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/types.h"
#include "tests/unit/catch.h"

namespace farside::boot {

using Bytes = std::vector<u8>;

template <class T>
void put(Bytes& bytes, usize offset, T value) {
  if (bytes.size() < offset + sizeof(T)) bytes.resize(offset + sizeof(T));
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}
inline void put_text(Bytes& bytes, usize offset, std::string_view text) {
  if (bytes.size() < offset + text.size()) bytes.resize(offset + text.size());
  std::memcpy(bytes.data() + offset, text.data(), text.size());
}

struct ImageSpec {
  usize file_size = 4096;
  u64 text_offset = 0;
  u64 image_size = 0x10000;
  u64 flags = 0b1010;  // 4K pages, anywhere
};

/// An arm64 Image without EFI header: code0 branches to byte 64.
inline Bytes image(ImageSpec spec = {}) {
  Bytes bytes(spec.file_size);
  put<u32>(bytes, 0, 0x14000000 | 64 / 4);
  put<u64>(bytes, 8, spec.text_offset);
  put<u64>(bytes, 16, spec.image_size);
  put<u64>(bytes, 24, spec.flags);
  put_text(bytes, 0x38, "ARM\x64");
  return bytes;
}

/// The same with the PE header that an EFI entry needs: one section, up to the end of the file.
inline Bytes efi_image() {
  Bytes bytes = image();
  put<u32>(bytes, 0, 0xfa405a4d);  // "MZ" and code
  put<u32>(bytes, 4, 0x14000000 | 60 / 4);
  put<u32>(bytes, 0x3c, 0x40);
  put_text(bytes, 0x40, std::string_view("PE\0\0", 4));
  put<u16>(bytes, 0x44, 0xaa64);
  put<u16>(bytes, 0x46, 1);
  put<u16>(bytes, 0x54, 0xa0);
  const usize section = 0x40 + 24 + 0xa0;
  put<u32>(bytes, section + 16, static_cast<u32>(bytes.size() - 0x400));
  put<u32>(bytes, section + 20, 0x400);
  return bytes;
}

struct ElfSpec {
  u64 paddr = 0x4008'0000, vaddr = 0x4008'0000, entry = 0x4008'0010, filesz = 0x100, memsz = 0x400;
  u16 machine = 183, type = 2;
  u8 elf_class = 2, data = 1;
};

inline Bytes elf(ElfSpec spec = {}) {
  Bytes bytes(0x1000 + spec.filesz);
  put_text(bytes, 0,
           "\x7f"
           "ELF");
  bytes[4] = spec.elf_class;
  bytes[5] = spec.data;
  bytes[6] = 1;
  put<u16>(bytes, 16, spec.type);
  put<u16>(bytes, 18, spec.machine);
  put<u64>(bytes, 24, spec.entry);
  put<u64>(bytes, 32, 64);
  put<u16>(bytes, 54, 56);
  put<u16>(bytes, 56, 2);
  put<u32>(bytes, 64, 4);  // PT_NOTE first: not loaded
  const usize load = 64 + 56;
  put<u32>(bytes, load, 1);
  put<u64>(bytes, load + 8, 0x1000);
  put<u64>(bytes, load + 16, spec.vaddr);
  put<u64>(bytes, load + 24, spec.paddr);
  put<u64>(bytes, load + 32, spec.filesz);
  put<u64>(bytes, load + 40, spec.memsz);
  for (usize i = 0; i < spec.filesz; i++) bytes[0x1000 + i] = static_cast<u8>(i);
  return bytes;
}

inline Bytes gzip(const Bytes& plain) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes packed(deflateBound(&stream, plain.size()));
  stream.next_in = const_cast<u8*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// A folder that goes away with the test.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / ("farside-boot-" + std::string(6, 'X'))).string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string file(const std::string& name, const Bytes& bytes) const {
    const std::string full = (path / name).string();
    std::ofstream(full, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return full;
  }
};

/// One line that has all of `parts`.
inline void expect_message(const std::string& message, std::initializer_list<std::string_view> parts) {
  INFO(message);
  CHECK(message.find('\n') == std::string::npos);
  for (std::string_view part : parts) {
    INFO(part);
    CHECK(message.find(part) != std::string::npos);
  }
}

}  // namespace farside::boot

// tests/unit/symbols/namer_test.cpp - other sources of symbols, and names for a kernel that is not where it was linked.
#include "frontends/symbols/namer.h"

#include <cstring>

#include "tests/unit/catch.h"

namespace farside::symbols {
namespace {

constexpr std::string_view kMap =
    "ffff800008000000 T _text\n"
    "ffff800008010000 T _stext\n"
    "ffff800008010800 T vectors\n"
    "ffff800008012000 t memcpy\n"
    "ffff800008012000 t __pi_memcpy\n"
    "0000000000000123 A a_constant\n"
    "ffff800008012100 t fast_path\t[module]\r\n"
    "ffff800008012200 t $x.7\n"
    "                 U undefined\n"
    "ffff800008020000 B _end\n";
constexpr u64 kLink = 0xffff'8000'0800'0000, kSlide = 0x1234'5678'0000;

Namer namer(std::optional<u64> loaded = std::nullopt) { return Namer(*read_system_map(kMap), loaded); }

}  // namespace

TEST_CASE("a System.map gives places, and leaves out what is none") {
  const auto read = read_system_map(kMap);
  REQUIRE(read.has_value());
  CHECK(read->table.size() == 7);
  CHECK(read->image == kLink);
  CHECK(read->table.find("fast_path") == kLink + 0x12100);
  CHECK_FALSE(read->table.find("a_constant"));
  CHECK(read->table.at(kLink + 0x12040)->name == "memcpy");
  CHECK(read->table.at(kLink + 0x12208)->name == "fast_path");
  CHECK_FALSE(read->table.at(kLink - 4));
  CHECK_FALSE(read->table.at(kLink + 0x20000 + SymbolTable::kFar));
}

TEST_CASE("a text that is no System.map is refused") {
  const auto* text = GENERATE("", "hello\n", "ffff800008000000\n", "ffff800008000000 T\n", "ffff800008000000 TT x\n",
                              "ffffffffffffffff B The real System.map is in another package\n", "12345678 9\n");
  INFO(text);
  CHECK_FALSE(read_system_map(text));
}

TEST_CASE("names follow a kernel that was moved once VBAR_EL1 is that of the kernel's vectors") {
  Namer names = namer();
  const u64 memcpy_pc = kLink + kSlide + 0x12010;
  CHECK(names.name(memcpy_pc, El::EL1).empty());
  CHECK(names.name(kLink + 0x12010, El::EL1) == "memcpy+0x10");  // not moved, as far as is known
  names.observe(0, memcpy_pc);
  names.observe(kLink + kSlide + 0x5800, memcpy_pc);  // the vectors for user space
  names.observe(kLink + kSlide + 0x10800, 0xaaaa'0000'1000);
  CHECK_FALSE(names.located());
  names.observe(kLink + kSlide + 0x10800, memcpy_pc);
  REQUIRE(names.located());
  CHECK(names.name(memcpy_pc, El::EL1) == "memcpy+0x10");
  CHECK(names.name(kLink + kSlide + 0x12000, El::EL1) == "memcpy");
  CHECK(names.name(kLink + 0x12010, El::EL1).empty());
  CHECK(names.name(0xaaaa'0000'1000, El::EL0).empty());
}

TEST_CASE("with the MMU off names come from where the Image was loaded, for the kernel alone") {
  const Namer names = namer(0x4020'0000);
  CHECK(names.name(0x4021'2004, El::EL1) == "memcpy+0x4");
  CHECK(names.name(0x4021'2004, El::EL0).empty());
  CHECK(names.name(0x4010'0000, El::EL1).empty());
}

TEST_CASE("a program whose file says where it runs has names without any observation") {
  const Namer names(*read_system_map("40200000 T _start\n40200040 T loop\n"));
  CHECK(names.name(0x4020'0044, El::EL1) == "loop+0x4");
}

namespace {

/// An ELF file with the symbols start (0x40200000, function), $x, and an undefined one.
std::vector<u8> elf() {
  std::vector<u8> file(64 + 3 * 64 + 4 * 24 + 32);
  const auto put = [&](usize at, u64 value, unsigned width) { std::memcpy(&file[at], &value, width); };
  put(0, 0x0001'0102'464c'457f, 8);
  put(18, 183, 2);
  put(40, 64, 8);
  put(60, 3, 2);
  const usize symbols = 64 + 3 * 64, strings = symbols + 4 * 24;
  const auto section = [&](usize n, u32 type, u32 link, u64 offset, u64 size) {
    put(64 + n * 64 + 4, type, 4);
    put(64 + n * 64 + 40, link, 4);
    put(64 + n * 64 + 24, offset, 8);
    put(64 + n * 64 + 32, size, 8);
  };
  section(1, 2, 2, symbols, 4 * 24);
  section(2, 3, 0, strings, 32);
  std::memcpy(&file[strings], "\0start\0$x\0printf", 16);
  const auto symbol = [&](usize n, u32 name, u8 info, u16 where, u64 value) {
    put(symbols + n * 24, name, 4);
    put(symbols + n * 24 + 4, info, 1);
    put(symbols + n * 24 + 6, where, 2);
    put(symbols + n * 24 + 8, value, 8);
  };
  symbol(1, 1, 0x12, 1, 0x4020'0000);
  symbol(2, 7, 0x00, 1, 0x4020'0000);
  symbol(3, 10, 0x12, 0, 0);
  return file;
}

}  // namespace

TEST_CASE("an ELF file gives its functions and objects") {
  const auto read = read_elf(elf());
  REQUIRE(read.has_value());
  CHECK(read->table.size() == 1);
  CHECK(read->table.find("start") == 0x4020'0000u);
}

TEST_CASE("a damaged ELF file does no harm") {
  const std::vector<u8> good = elf();
  for (usize size = 0; size < good.size(); ++size) read_elf(std::span(good).first(size));
  for (usize at = 16; at < good.size(); ++at) {
    std::vector<u8> damaged = good;
    damaged[at] = 0xff;
    read_elf(damaged);
  }
}

TEST_CASE("read_symbols says in one line what is wrong with a file") {
  for (const char* path : {"/nowhere/System.map", "/proc/self/status"}) {
    const auto read = read_symbols(path, "symbols");
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.find(path) != std::string::npos);
    CHECK(read.error().message.find('\n') == std::string::npos);
  }
}

}  // namespace farside::symbols

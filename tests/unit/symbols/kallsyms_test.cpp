// tests/unit/symbols/kallsyms_test.cpp - kernel images made here, in the layouts that kernels have had, and damaged
// ones.
#include <fmt/format.h>

#include <cctype>
#include <cstring>

#include "frontends/symbols/read.h"
#include "tests/unit/catch.h"

namespace farside::symbols {
namespace {

/// How scripts/kallsyms.c of some kernel lays its tables out.
struct Layout {
  std::string_view kernel;
  bool absolute = false;  ///< addresses of 8 bytes
  unsigned marker_width = 4;
  bool sequence = false;      ///< kallsyms_seqs_of_names between markers and tokens
  bool offsets_last = false;  ///< offsets and base behind the tokens
  u64 relative_base = 0;
};
constexpr Layout kLayouts[] = {
    {.kernel = "4.4", .absolute = true, .marker_width = 8},
    {.kernel = "4.14", .marker_width = 8, .relative_base = 0xffff'0000'0808'0000},
    {.kernel = "5.10", .relative_base = 0xffff'8000'1000'0000},
    {.kernel = "6.1, relocated", .sequence = true},
    {.kernel = "6.6", .offsets_last = true, .relative_base = 0xffff'8000'8000'0000},
};
constexpr u64 kLink = 0xffff'0000'0808'0000;

class Writer {
 public:
  std::vector<u8> bytes;
  void align(usize to) { bytes.resize((bytes.size() + to - 1) / to * to); }
  void put(u64 value, unsigned width) {
    for (unsigned i = 0; i < width; ++i) bytes.push_back(static_cast<u8>(value >> 8 * i));
  }
  void put(std::string_view text) { bytes.insert(bytes.end(), text.begin(), text.end()); }
};

struct Symbol {
  u64 offset;
  std::string name;
};

/// 1500 symbols, some at one address, one with a name so long that its length needs two bytes.
std::vector<Symbol> symbols() {
  std::vector<Symbol> out{{0, "_text"}, {0x40, "primary_entry"}, {0x800, "vectors"}};
  for (unsigned i = 0; i < 1500; ++i) out.push_back({0x1000 + u64{i / 3} * 64, fmt::format("do_sys_{}_call", i)});
  out.push_back({0x90000, "long_" + std::string(200, 'q')});
  out.push_back({0x90100, "_end"});
  return out;
}

std::string token_text(unsigned token) {
  const bool itself = token < 128 && (std::isalnum(static_cast<int>(token)) || token == '_' || token == '.');
  if (itself) return std::string(1, static_cast<char>(token));
  return token == 1 ? "do_sys_" : token == 2 ? "_call" : fmt::format("unused{}", token);
}

/// The name as tokens, with the symbol's type in front.
std::vector<u8> compress(const std::string& name) {
  const std::string text = "T" + name;
  std::vector<u8> out;
  for (usize at = 0; at < text.size();) {
    const bool first = text.compare(at, 7, "do_sys_") == 0, second = text.compare(at, 5, "_call") == 0;
    out.push_back(first ? u8{1} : second ? u8{2} : static_cast<u8>(text[at]));
    at += token_text(out.back()).size();
  }
  return out;
}

void put_addresses(Writer& w, const Layout& layout, const std::vector<Symbol>& all) {
  w.align(8);
  for (const Symbol& s : all) w.put(layout.absolute ? kLink + s.offset : s.offset, layout.absolute ? 8 : 4);
  w.align(8);
  if (!layout.absolute) w.put(layout.relative_base, 8);
}

/// kallsyms_num_syms, kallsyms_names and kallsyms_markers.
void put_names(Writer& w, const Layout& layout, const std::vector<Symbol>& all) {
  w.align(8);
  w.put(all.size(), 4);
  w.align(8);
  const usize start = w.bytes.size();
  std::vector<u64> markers;
  for (usize i = 0; i < all.size(); ++i) {
    if (i % 256 == 0) markers.push_back(w.bytes.size() - start);
    const std::vector<u8> name = compress(all[i].name);
    const bool is_long = name.size() >= 128;
    w.put(is_long ? (name.size() & 0x7f) | 0x80 | (name.size() >> 7) << 8 : name.size(), is_long ? 2 : 1);
    w.bytes.insert(w.bytes.end(), name.begin(), name.end());
  }
  w.align(8);
  for (u64 marker : markers) w.put(marker, layout.marker_width);
  w.align(8);
}

void put_tokens(Writer& w) {
  std::vector<u64> index;
  const usize start = w.bytes.size();
  for (unsigned token = 0; token < 256; ++token) {
    index.push_back(w.bytes.size() - start);
    w.put(token_text(token));
    w.put(0, 1);
  }
  w.align(8);
  for (u64 i : index) w.put(i, 2);
}

std::vector<u8> make_image(const Layout& layout, const std::vector<Symbol>& all) {
  Writer w;
  w.put(0, 4);
  w.put(0x1400000f, 4);  // b primary_entry
  w.bytes.resize(0x38);
  w.put("ARM\x64");
  for (u32 i = 0; i < 4000; ++i) w.put(i * 2654435761u, 4);                         // code
  w.put(std::string_view("0\0001\0002\0003\0004\0005\0006\0007\0008\0009\0", 20));  // not the table of tokens
  if (!layout.offsets_last) put_addresses(w, layout, all);
  put_names(w, layout, all);
  for (usize i = 0; layout.sequence && i < all.size(); ++i) w.put(all.size() - i, 3);
  w.align(8);
  put_tokens(w);
  if (layout.offsets_last) put_addresses(w, layout, all);
  w.bytes.resize(w.bytes.size() + 4096);
  return w.bytes;
}

}  // namespace

TEST_CASE("kallsyms of every layout give all symbols back") {
  const Layout layout = GENERATE(from_range(std::begin(kLayouts), std::end(kLayouts)));
  INFO(layout.kernel);
  const auto all = symbols();
  const auto read = read_kallsyms(make_image(layout, all));
  REQUIRE(read.has_value());
  CHECK(read->table.size() == all.size());
  const u64 base = layout.absolute ? kLink : layout.relative_base;
  CHECK(read->linked == (base != 0));
  REQUIRE(read->image.has_value());
  CHECK(*read->image == base);
  for (const Symbol& s : all) CHECK(read->table.find(s.name) == base + s.offset);
  CHECK(read->table.at(base + 0x1004)->name == "do_sys_0_call");  // of three at one address, the first
  CHECK(read->table.at(base + 0x90050)->offset == 0x50);
}

TEST_CASE("without _text the entry of the Image says where its first byte is") {
  auto all = symbols();
  all.erase(all.begin());
  const auto read = read_kallsyms(make_image(kLayouts[3], all));
  REQUIRE(read.has_value());
  CHECK(read->image == 0u);  // the header branches to byte 0x40, which is primary_entry
}

TEST_CASE("an image without kallsyms, or with damaged ones, has no symbols and does no harm") {
  const auto all = symbols();
  const std::vector<u8> good = make_image(kLayouts[2], all);
  CHECK_FALSE(read_kallsyms({}));
  CHECK_FALSE(read_kallsyms(std::vector<u8>(100'000)));
  CHECK_FALSE(read_kallsyms(std::span(good).first(good.size() - 6000)));
  for (usize size = 0; size < good.size(); size += 997) read_kallsyms(std::span(good).first(size));
  for (usize at = 0; at + 1 < good.size(); at += 61) {  // every table is hit somewhere
    std::vector<u8> damaged = good;
    damaged[at] ^= 0xff;
    damaged[at + 1] ^= 0x55;
    read_kallsyms(damaged);
  }
}

}  // namespace farside::symbols

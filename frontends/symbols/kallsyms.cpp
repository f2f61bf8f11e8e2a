// frontends/symbols/kallsyms.cpp - finds and decodes the symbol tables that a Linux kernel carries for its own traces.
//
// scripts/kallsyms.c of the kernel writes them. Names are strings of one-byte tokens; each token stands for a few
// characters. There is no header: the tables are found by the digits, which are always tokens for themselves, and every
// guess is checked against another table.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "core/base/bits.h"
#include "firmware/boot/bytes.h"
#include "frontends/symbols/read.h"

namespace farside::symbols {
namespace {

using boot::holds, boot::load_le;

constexpr unsigned kTokens = 256, kPerMarker = 256;
/// Names are at most 511 bytes long, and no kernel has this many.
constexpr u64 kMaxName = 512, kMaxSymbols = 4'000'000;
/// The tables lie this near to each other.
constexpr u64 kReach = u64{64} << 20;

struct Tokens {
  u64 table = 0, index = 0;  ///< offsets of the two tables in the image
  std::array<std::string_view, kTokens> text;
  u64 end() const { return index + 2 * kTokens; }
};

std::string_view text_at(std::span<const u8> image, u64 at) {
  const char* start = reinterpret_cast<const char*>(image.data()) + at;
  return {start, strnlen(start, std::min<u64>(image.size() - at, kMaxName))};
}

/// The token tables whose entry for the digit 0 is at `zero`: kallsyms_token_index has to agree with all 256 strings.
std::optional<Tokens> tokens_at(std::span<const u8> image, u64 zero) {
  u64 end = zero;
  for (unsigned token = '0'; token < kTokens; ++token) {
    if (end >= image.size()) return std::nullopt;
    end += text_at(image, end).size() + 1;
  }
  for (u64 alignment : {8, 4, 2}) {
    Tokens tokens;
    tokens.index = align_up(end, alignment);
    if (!holds(image, tokens.index, 2 * kTokens)) return std::nullopt;
    tokens.table = zero - load_le<u16>(image, tokens.index + 2 * '0');
    u64 at = tokens.table;
    bool agrees = at <= zero;
    for (unsigned token = 0; agrees && token < kTokens; ++token) {
      agrees = load_le<u16>(image, tokens.index + 2 * token) == at - tokens.table && at < image.size();
      if (!agrees) break;
      tokens.text[token] = text_at(image, at);
      at += tokens.text[token].size() + 1;
    }
    if (agrees) return tokens;
  }
  return std::nullopt;
}

std::optional<Tokens> find_tokens(std::span<const u8> image) {
  static constexpr std::string_view kDigits("0\0001\0002\0003\0004\0005\0006\0007\0008\0009", 20);
  const std::string_view all(reinterpret_cast<const char*>(image.data()), image.size());
  for (usize at = all.find(kDigits); at != all.npos; at = all.find(kDigits, at + 1)) {
    if (auto tokens = tokens_at(image, at)) return tokens;
  }
  return std::nullopt;
}

/// Every 256th name's place in the names. They were 8 bytes each before Linux 4.20.
struct Markers {
  u64 offset = 0, count = 0;
  unsigned width = 4;
};

u64 marker(std::span<const u8> image, const Markers& markers, u64 i) {
  const u64 at = markers.offset + i * markers.width;
  return markers.width == 4 ? load_le<u32>(image, at) : load_le<u64>(image, at);
}

/// How many values from `markers.offset` on could be markers: the first is 0 and 256 names lie between two.
u64 plausible_markers(std::span<const u8> image, const Markers& markers, u64 end) {
  if (marker(image, markers, 0) != 0) return 0;
  u64 count = 1;
  for (u64 last = 0; markers.offset + (count + 1) * markers.width <= end; ++count) {
    const u64 next = marker(image, markers, count);
    if (next < last + 2 * kPerMarker || next > last + (kMaxName + 2) * kPerMarker) break;
    last = next;
  }
  return count;
}

/// One entry of kallsyms_names: how many tokens, in one byte or (since Linux 6.1, for long names) two.
struct Entry {
  u64 first = 0, length = 0;
  u64 end() const { return first + length; }
};
Entry entry_at(std::span<const u8> image, u64 at) {
  const u64 low = load_le<u8>(image, at);
  if (!bit(low, 7)) return {at + 1, low};
  return {at + 2, (low & 0x7f) | u64{load_le<u8>(image, at + 1)} << 7};
}

struct Names {
  u64 head = 0;  ///< offset of kallsyms_num_syms
  u64 first = 0, end = 0, count = 0;
};

/// Walks all names; every marker has to be where its name begins.
bool walk_names(std::span<const u8> image, const Markers& markers, Names& names) {
  u64 at = names.first;
  for (u64 i = 0; i < names.count; ++i) {
    if (i % kPerMarker == 0 && marker(image, markers, i / kPerMarker) != at - names.first) return false;
    const Entry entry = entry_at(image, at);
    if (entry.length == 0 || entry.end() > markers.offset) return false;
    at = entry.end();
  }
  names.end = at;
  return true;
}

/// kallsyms_num_syms and kallsyms_names in front of `markers`, of which at most the last may be none.
std::optional<Names> find_names(std::span<const u8> image, const Markers& markers) {
  const u64 size = marker(image, markers, markers.count - 1);
  const u64 farthest = size + (2 * kMaxName + 4) * kPerMarker;
  const u64 lowest = markers.offset > farthest ? markers.offset - farthest : 0;
  for (u64 head = align_down(markers.offset - 4, 4); head > lowest; head -= 4) {
    const u64 count = load_le<u32>(image, head);
    const u64 needed = (count + kPerMarker - 1) / kPerMarker;
    if (needed + 1 < markers.count || needed > markers.count || count > kMaxSymbols) continue;
    for (u64 alignment : {8, 4}) {
      Names names{.head = head, .first = align_up(head + 4, alignment), .count = count};
      if (walk_names(image, markers, names)) return names;
    }
  }
  return std::nullopt;
}

/// Markers and names lie in front of the tokens, since Linux 6.2 with kallsyms_seqs_of_names between.
std::optional<Names> find_names(std::span<const u8> image, const Tokens& tokens) {
  const u64 lowest = tokens.table > kReach ? tokens.table - kReach : 0;
  for (u64 at = align_down(tokens.table, 4); at > lowest + 4;) {
    at -= 4;
    if (load_le<u32>(image, at) != 0) continue;
    for (unsigned width : {4u, 8u}) {
      Markers markers{.offset = at, .width = width};
      markers.count = plausible_markers(image, markers, tokens.table);
      if (markers.count < 2) continue;
      if (auto names = find_names(image, markers)) return names;
    }
  }
  return std::nullopt;
}

/// kallsyms_offsets, or kallsyms_addresses.
struct Addresses {
  u64 offset = 0;
  unsigned width = 4;
  u64 base = 0;  ///< kallsyms_relative_base; 0 in files where a relocation fills it in
};

u64 address(std::span<const u8> image, const Addresses& addresses, u64 i) {
  const u64 at = addresses.offset + i * addresses.width;
  return addresses.base + (addresses.width == 4 ? load_le<u32>(image, at) : load_le<u64>(image, at));
}

/// Symbols are sorted, not all the same, and as far apart as a kernel is large.
bool plausible(std::span<const u8> image, const Addresses& addresses, u64 count) {
  if (!holds(image, addresses.offset, count * addresses.width)) return false;
  const u64 first = address(image, addresses, 0), last = address(image, addresses, count - 1);
  if (last <= first || last - first > u64{1} << 30) return false;
  for (u64 i = 1; i < count; ++i) {
    if (address(image, addresses, i) < address(image, addresses, i - 1)) return false;
  }
  return true;
}

std::optional<Addresses> find_addresses(std::span<const u8> image, const Tokens& tokens, const Names& names) {
  const u64 words = align_up(4 * names.count, 8);
  const u64 behind = align_up(tokens.end(), 8);  // since Linux 6.4
  if (const Addresses a{behind, 4, load_le<u64>(image, behind + words)}; plausible(image, a, names.count)) return a;
  const u64 head = names.head;
  if (head >= words + 8) {
    const Addresses a{head - 8 - words, 4, load_le<u64>(image, head - 8)};
    if (plausible(image, a, names.count)) return a;
  }
  if (head >= 8 * names.count) {  // before Linux 4.6, or without CONFIG_KALLSYMS_BASE_RELATIVE
    const Addresses a{head - 8 * names.count, 8, 0};
    if (plausible(image, a, names.count)) return a;
  }
  return std::nullopt;
}

/// The byte of the Image that its header's branch goes to: primary_entry, in older kernels stext.
std::optional<u64> entry_of(std::span<const u8> image) {
  for (u64 at : {4, 0}) {
    const u32 word = load_le<u32>(image, at);
    if (word >> 26 == 0b000101 && !bit(word, 25)) return at + 4 * bits(word, 24, 0);
  }
  return std::nullopt;
}

bool is_kernel_address(u64 address) { return address >> 48 == 0xffff; }

}  // namespace

std::optional<Symbols> read_kallsyms(std::span<const u8> image) {
  const auto tokens = find_tokens(image);
  if (!tokens) return std::nullopt;
  const auto names = find_names(image, *tokens);
  if (!names) return std::nullopt;
  const auto addresses = find_addresses(image, *tokens, *names);
  if (!addresses) return std::nullopt;
  Symbols symbols;
  u64 at = names->first;
  for (u64 i = 0; i < names->count; ++i) {
    const Entry entry = entry_at(image, at);
    std::string name;
    for (u64 k = entry.first; k < entry.end(); ++k) name += tokens->text[image[k]];
    if (!name.empty()) name.erase(0, 1);  // the type
    symbols.table.add(address(image, *addresses, i), name);
    at = entry.end();
  }
  symbols.table.finish();
  symbols.linked = is_kernel_address(symbols.table.first());
  symbols.image = symbols.table.find("_text");
  const auto entry = entry_of(image);
  for (const char* name : {"primary_entry", "stext"}) {
    const auto found = symbols.table.find(name);
    if (!symbols.image && found && entry) symbols.image = *found - *entry;
  }
  return symbols;
}

}  // namespace farside::symbols

// tests/isa/snapshot.cpp - parses state specifications and moves state in and out of the PE.
#include "tests/isa/snapshot.h"

#include <algorithm>

namespace farside::test {

Snapshot capture(FlatMachine& machine) {
  Snapshot out;
  const pe::State& s = machine.pe().s;
  std::copy(s.x, s.x + 31, out.x);
  std::copy(s.v, s.v + 32, out.v);
  out.sp = s.sp, out.pc = s.pc, out.nzcv = s.nzcv >> 28;
  out.fpcr = s.fp.fpcr.raw, out.fpsr = s.fp.fpsr.raw;
  out.memory.assign(machine.data().begin(), machine.data().end());
  return out;
}

void install(FlatMachine& machine, const Snapshot& from) {
  pe::State& s = machine.pe().s;
  std::copy(from.x, from.x + 31, s.x);
  std::copy(from.v, from.v + 32, s.v);
  s.sp = from.sp, s.pc = from.pc, s.nzcv = from.nzcv << 28;
  s.fp.fpcr.raw = static_cast<decltype(s.fp.fpcr.raw)>(from.fpcr);
  s.fp.fpsr.raw = static_cast<decltype(s.fp.fpsr.raw)>(from.fpsr);
  std::copy(from.memory.begin(), from.memory.end(), machine.data().begin());
}

Snapshot pattern() {
  Snapshot out;
  for (unsigned i = 0; i < 31; ++i) out.x[i] = u64{0x0101'0101'0101'0101} * i ^ 0xa1b2'c3d4'e5f6'0718;
  for (unsigned i = 0; i < 32; ++i)
    out.v[i] = {u64{0x0101'0101'0101'0101} * i ^ 0x3c5a'6978'8796'a5b4, ~(u64{i} << 32 | i)};
  out.sp = FlatMachine::kData + 0x8000;
  out.pc = FlatMachine::kCode;
  out.memory.resize(FlatMachine::kDataSize);
  for (usize i = 0; i < out.memory.size(); ++i) out.memory[i] = static_cast<u8>(i * 7 + (i >> 8));
  return out;
}

namespace {

/// The digits of a number without separators; false on anything else.
bool parse_hex(std::string_view text, u128& value) {
  value = 0;
  bool any = false;
  for (char c : text) {
    if (c == '_') continue;
    const unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
    if (digit == 16) return false;
    value = value << 4 | digit;
    any = true;
  }
  return any;
}

bool parse_number(std::string_view text, unsigned& number) {
  number = 0;
  if (text.empty()) return false;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number < 32;
}

bool set_memory(Snapshot& s, std::string_view address, std::string_view digits) {
  u128 at, byte;
  if (!parse_hex(address, at) || at < FlatMachine::kData || digits.size() % 2 != 0) return false;
  usize offset = static_cast<u64>(at) - FlatMachine::kData;
  for (; !digits.empty(); digits.remove_prefix(2), ++offset) {
    if (offset >= s.memory.size() || !parse_hex(digits.substr(0, 2), byte)) return false;
    s.memory[offset] = static_cast<u8>(byte);
  }
  return true;
}

bool set_register(Snapshot& s, std::string_view name, u128 value) {
  const u64 low = static_cast<u64>(value);
  u64* const named = name == "sp"     ? &s.sp
                     : name == "pc"   ? &s.pc
                     : name == "fpcr" ? &s.fpcr
                     : name == "fpsr" ? &s.fpsr
                                      : nullptr;
  if (named != nullptr) {
    *named = low;
    return true;
  }
  unsigned n;
  if (name.size() < 2 || !parse_number(name.substr(1), n)) return false;
  switch (name[0]) {
    case 'x': return n < 31 && (s.x[n] = low, true);
    case 'w': return n < 31 && (s.x[n] = static_cast<u32>(low), true);
    case 'v': s.v[n] = {low, static_cast<u64>(value >> 64)}; return true;
    case 'd': s.v[n] = {low, 0}; return true;
    case 's': s.v[n] = {static_cast<u32>(low), 0}; return true;
    case 'h': s.v[n] = {static_cast<u16>(low), 0}; return true;
    case 'b': s.v[n] = {static_cast<u8>(low), 0}; return true;
    default: return false;
  }
}

bool apply_item(Snapshot& s, std::string_view item) {
  if (item == "undef") return s.ending = Ending::Undefined, true;
  if (item == "abort") return s.ending = Ending::Abort, true;
  if (item == "exception") return s.ending = Ending::Other, true;
  const usize equals = item.find('=');
  if (equals == item.npos) return false;
  const std::string_view name = item.substr(0, equals), value = item.substr(equals + 1);
  if (name == "nzcv") {
    s.nzcv = 0;
    for (char c : value) s.nzcv = s.nzcv << 1 | (c == '1');
    return value.size() == 4;
  }
  if (name.starts_with("mem[") && name.ends_with("]")) return set_memory(s, name.substr(4, name.size() - 5), value);
  u128 number;
  return parse_hex(value, number) && set_register(s, name, number);
}

}  // namespace

std::string apply_spec(Snapshot& s, std::string_view spec) {
  while (!spec.empty()) {
    const usize end = std::min(spec.find(' '), spec.size());
    const std::string_view item = spec.substr(0, end);
    if (!item.empty() && !apply_item(s, item)) return std::string(item);
    spec.remove_prefix(std::min(end + 1, spec.size()));
  }
  return {};
}

}  // namespace farside::test

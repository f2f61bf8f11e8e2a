// firmware/boot/bytes.h - little-endian reads from a file's bytes, and how a user's mistake is worded.
#pragma once
#include <cstring>
#include <span>
#include <string>

#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::boot {

/// True when [offset, offset + length) is inside `bytes`.
constexpr bool holds(std::span<const u8> bytes, u64 offset, u64 length) {
  return offset <= bytes.size() && length <= bytes.size() - offset;
}

/// A little-endian integer at `offset`, or 0 where the file has ended: callers check holds() when that matters.
template <class T>
T load_le(std::span<const u8> bytes, u64 offset) {
  T value = 0;
  if (holds(bytes, offset, sizeof(T))) std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

/// True when the bytes at `offset` are those of `magic`.
inline bool matches(std::span<const u8> bytes, u64 offset, std::string_view magic) {
  return holds(bytes, offset, magic.size()) && std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

/// "kernel 'vmlinuz': is truncated; download it again": what, where, what to do.
inline UserError wrong(std::string_view what, const std::string& name, const std::string& problem,
                       std::string_view remedy) {
  return UserError{fmt::format("{} '{}': {}; {}", what, name, problem, remedy)};
}

/// Bytes as a person says them: "12 MiB", "300 KiB", "17 bytes".
inline std::string human_size(u64 bytes) {
  if (bytes >= u64{1} << 20) return fmt::format("{} MiB", (bytes + (u64{1} << 20) - 1) >> 20);
  if (bytes >= u64{1} << 10) return fmt::format("{} KiB", (bytes + 1023) >> 10);
  return fmt::format("{} bytes", bytes);
}

}  // namespace farside::boot

// core/pe/lent_line.h - what the holder of a lent data line may ask of it.
#pragma once
#include <cstddef>

#include "cache/line.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // Line has no virtual functions and no bases

namespace farside::pe {

/// From the data of a line to the address of its bytes at the point of coherency: for translated code.
constexpr usize kMemoryOfLent = offsetof(cache::Line, memory);
static_assert(offsetof(cache::Line, data) == 0);

/// The bytes of memory that a lent line stands for: what names a location, wherever its line is.
inline const u8* memory_behind(const u8* lent) { return reinterpret_cast<const cache::Line*>(lent)->memory; }

}  // namespace farside::pe

#pragma GCC diagnostic pop

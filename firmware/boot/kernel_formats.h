// firmware/boot/kernel_formats.h - the steps of parse_kernel: one file for each format.
#pragma once
#include <optional>

#include "firmware/boot/image.h"

namespace farside::boot {

/// gunzip.cpp: true for a gzip member.
bool is_gzip(std::span<const u8> file);
Result<std::vector<u8>, UserError> gunzip(std::span<const u8> file, const std::string& name);

/// elf.cpp
bool is_elf(std::span<const u8> file);
Result<Kernel, UserError> parse_elf(std::span<const u8> file, const std::string& name);

/// identify.cpp: the error for a file that is known to be something else: what it is and what to give instead.
std::optional<UserError> foreign_kernel(std::span<const u8> file, const std::string& name);
/// The error for a file that nothing is known about.
UserError unknown_kernel(const std::string& name);

}  // namespace farside::boot

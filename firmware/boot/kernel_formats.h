// firmware/boot/kernel_formats.h - the steps of parse_kernel: one file for each format.
#pragma once
#include "firmware/boot/image.h"

namespace farside::boot {

/// gunzip.cpp: true for a gzip member.
bool is_gzip(std::span<const u8> file);
Result<std::vector<u8>, UserError> gunzip(std::span<const u8> file, const std::string& name);

/// elf.cpp
bool is_elf(std::span<const u8> file);
Result<Kernel, UserError> parse_elf(std::span<const u8> file, const std::string& name);

/// identify.cpp: the error for a file that is no kernel of ours: what it seems to be and what to give instead.
UserError foreign_kernel(std::span<const u8> file, const std::string& name);

}  // namespace farside::boot

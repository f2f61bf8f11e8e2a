// frontends/cli/device_options.h - the values of options that describe devices: FILE[,key=value...].
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "frontends/machine/config.h"

namespace farside::cli {

/// One part of "first,key=value,flag"; a part without '=' has an empty key.
struct OptionPart {
  std::string key, value;
};
/// Splits at commas; two commas in a row are one that belongs to the text, as in QEMU.
std::vector<OptionPart> split_parts(std::string_view text);

/// "coherent" or "noncoherent"; `option` is what the user wrote around it.
Result<machine::DmaKind, UserError> parse_dma(std::string_view option, std::string_view value);

/// "FILE[,ro][,format=raw][,dma=KIND]".
Result<machine::DriveConfig, UserError> parse_drive(std::string_view text);
/// QEMU's "file=FILE,if=virtio,format=raw,readonly=on" as the above.
Result<std::string, UserError> drive_from_qemu(std::string_view text);

/// "user[,hostfwd=PROTOCOL:[ADDRESS]:PORT-[ADDRESS]:PORT]...[,dma=KIND]", or "none".
Result<std::optional<machine::NetConfig>, UserError> parse_net(std::string_view text);
/// "FOLDER[,ro]".
Result<machine::SemihostingConfig, UserError> parse_semihosting_folder(std::string_view text);
/// "FOLDER[,ro][,tag=NAME][,dma=KIND]".
Result<machine::ShareConfig, UserError> parse_share(std::string_view text);

}  // namespace farside::cli

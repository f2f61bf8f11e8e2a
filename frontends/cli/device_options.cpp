// frontends/cli/device_options.cpp - reads the values of options that describe devices.
#include "frontends/cli/device_options.h"

#include <fmt/format.h>

#include <algorithm>

namespace farside::cli {
namespace {

std::string escaped(std::string_view path) {
  std::string out;
  for (char c : path) out.append(c == ',' ? 2 : 1, c);
  return out;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::vector<OptionPart> split_parts(std::string_view text) {
  std::vector<OptionPart> parts;
  std::string part;
  auto finish = [&] {
    const usize equals = part.find('=');
    if (equals == std::string::npos) {
      parts.push_back({"", part});
    } else {
      parts.push_back({part.substr(0, equals), part.substr(equals + 1)});
    }
    part.clear();
  };
  for (usize i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      part += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      part += text[i++];
    } else {
      finish();
    }
  }
  finish();
  return parts;
}

Result<machine::DriveConfig, UserError> parse_drive(std::string_view text) {
  machine::DriveConfig drive;
  const auto parts = split_parts(text);
  const OptionPart& file = parts.front();
  drive.path = file.key.empty() || file.key == "file" ? file.value : file.key + "=" + file.value;
  if (drive.path.empty()) return UserError{fmt::format("--drive {}: needs a file name first", text)};
  for (usize i = 1; i < parts.size(); ++i) {
    const auto& [key, value] = parts[i];
    if (key.empty() && value == "ro") {
      drive.read_only = true;
    } else if (key == "format" && value == "raw") {
      drive.raw = true;
    } else if (key == "format") {
      return UserError{
          fmt::format("--drive {}: only raw images can be used; 'qemu-img convert -O raw' makes one", text)};
    } else {
      return UserError{
          fmt::format("--drive {}: knows ro and format=raw, not {}{}{}; a comma in a file name is "
                      "written twice",
                      text, key, key.empty() ? "" : "=", value)};
    }
  }
  return drive;
}

Result<std::string, UserError> drive_from_qemu(std::string_view text) {
  std::string file, rest;
  for (const auto& [key, value] : split_parts(text)) {
    if (key == "file") {
      file = escaped(value);
    } else if (key == "format") {
      rest += ",format=" + value;
    } else if (is_one_of(key, {"readonly", "read-only"}) && is_one_of(value, {"on", "off"})) {
      if (value == "on") rest += ",ro";
    } else if (key == "if" && is_one_of(value, {"virtio", "none"})) {
      if (value == "none") return UserError{fmt::format("-drive {}: say if=virtio; there is no -device", text)};
    } else if (!is_one_of(key, {"id", "media", "index", "cache", "aio", "discard"})) {
      return UserError{fmt::format("-drive {}: knows file, if=virtio, format=raw and readonly, not {}{}{}", text, key,
                                   key.empty() ? "" : "=", value)};
    }
  }
  if (file.empty()) return UserError{fmt::format("-drive {}: needs file=FILE", text)};
  return file + rest;
}

}  // namespace farside::cli

// frontends/cli/device_options.cpp - reads the values of options that describe devices.
#include "frontends/cli/device_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

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

bool parse_port(std::string_view text, u16& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

// "[ADDRESS]:PORT"; without an address the one that is there stays.
bool parse_end(std::string_view text, std::string& address, u16& port) {
  const usize colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  if (colon != 0) address = text.substr(0, colon);
  return parse_port(text.substr(colon + 1), port);
}

Result<machine::ForwardConfig, UserError> parse_forward(const std::string& text) {
  machine::ForwardConfig forward;
  const usize colon = text.find(':'), dash = text.find('-');
  const std::string_view view = text;
  const std::string_view protocol = view.substr(0, std::min(colon, view.size()));
  forward.udp = protocol == "udp";
  if (colon != std::string::npos && dash != std::string::npos && colon < dash &&
      is_one_of(protocol, {"", "tcp", "udp"}) &&
      parse_end(view.substr(colon + 1, dash - colon - 1), forward.host_address, forward.host_port) &&
      parse_end(view.substr(dash + 1), forward.guest_address, forward.guest_port)) {
    return forward;
  }
  return UserError{
      fmt::format("--net: hostfwd={} must look like tcp::2222-:22 or tcp:ADDRESS:PORT-ADDRESS:PORT", text)};
}

}  // namespace

Result<machine::DmaKind, UserError> parse_dma(std::string_view option, std::string_view value) {
  if (value == "coherent") return machine::DmaKind::Coherent;
  if (value == "noncoherent") return machine::DmaKind::NonCoherent;
  return UserError{fmt::format("{}: dma is coherent or noncoherent, not '{}'", option, value)};
}

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
    } else if (key == "dma") {
      drive.dma = TRY(parse_dma(fmt::format("--drive {}", text), value));
    } else if (key == "format" && value == "raw") {
      drive.raw = true;
    } else if (key == "format") {
      return UserError{
          fmt::format("--drive {}: only raw images can be used; 'qemu-img convert -O raw' makes one", text)};
    } else {
      return UserError{
          fmt::format("--drive {}: knows ro, format=raw and dma=KIND, not {}{}{}; a comma in a file name is "
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
    } else if (key == "if" && value == "pflash") {
      return UserError{
          fmt::format("-drive {}: flash is --bios FILE for the first bank, --pflash FILE for the second", text)};
    } else if (!is_one_of(key, {"id", "media", "index", "cache", "aio", "discard"})) {
      return UserError{fmt::format("-drive {}: knows file, if=virtio, format=raw and readonly, not {}{}{}", text, key,
                                   key.empty() ? "" : "=", value)};
    }
  }
  if (file.empty()) return UserError{fmt::format("-drive {}: needs file=FILE", text)};
  return file + rest;
}

Result<std::optional<machine::NetConfig>, UserError> parse_net(std::string_view text) {
  const auto parts = split_parts(text);
  const bool bare = parts.front().key.empty();
  if (bare && parts.front().value == "none" && parts.size() == 1) return std::optional<machine::NetConfig>();
  if (!bare || parts.front().value != "user") {
    return UserError{fmt::format("--net {}: must be none, or user[,hostfwd=tcp::2222-:22]", text)};
  }
  machine::NetConfig net;
  for (usize i = 1; i < parts.size(); ++i) {
    if (parts[i].key == "dma") {
      net.dma = TRY(parse_dma(fmt::format("--net {}", text), parts[i].value));
      continue;
    }
    if (parts[i].key != "hostfwd") {
      return UserError{
          fmt::format("--net {}: knows hostfwd=... and dma=KIND, not {}", text, parts[i].key + parts[i].value)};
    }
    net.forwards.push_back(TRY(parse_forward(parts[i].value)));
  }
  return std::optional(std::move(net));
}

Result<machine::SemihostingConfig, UserError> parse_semihosting_folder(std::string_view text) {
  const auto parts = split_parts(text);
  machine::SemihostingConfig config;
  config.folder = parts.front().key.empty() ? parts.front().value : parts.front().key + "=" + parts.front().value;
  config.read_only = parts.size() == 2 && parts[1].key.empty() && parts[1].value == "ro";
  if (!config.folder.empty() && parts.size() == (config.read_only ? 2u : 1u)) return config;
  return UserError{fmt::format("--semihosting-dir {}: must be FOLDER or FOLDER,ro", text)};
}

Result<machine::ShareConfig, UserError> parse_share(std::string_view text) {
  machine::ShareConfig share;
  const auto parts = split_parts(text);
  share.path = parts.front().key.empty() ? parts.front().value : parts.front().key + "=" + parts.front().value;
  if (share.path.empty()) return UserError{fmt::format("--share {}: needs a folder first", text)};
  for (usize i = 1; i < parts.size(); ++i) {
    const auto& [key, value] = parts[i];
    if (key.empty() && value == "ro") {
      share.read_only = true;
    } else if (key == "dma") {
      share.dma = TRY(parse_dma(fmt::format("--share {}", text), value));
    } else if (key == "tag" && !value.empty() && value.size() <= 255) {
      share.tag = value;
    } else {
      return UserError{
          fmt::format("--share {}: knows ro, tag=NAME and dma=KIND, not {}{}{}; a comma in a name is written twice",
                      text, key, key.empty() ? "" : "=", value)};
    }
  }
  return share;
}

}  // namespace farside::cli

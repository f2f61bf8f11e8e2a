// frontends/guests/cpio.cpp - writes a "newc" cpio archive, the format of a Linux initramfs, in memory.
#include "frontends/guests/cpio.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace farside::guests {
namespace {

constexpr u32 kTypeFolder = 0040000, kTypeFile = 0100000, kTypeLink = 0120000, kTypeCharDevice = 0020000;

}  // namespace

void CpioWriter::add_folder(std::string_view path, u32 permissions) { add(path, {kTypeFolder | permissions}, {}); }

void CpioWriter::add_file(std::string_view path, std::string_view contents, u32 permissions) {
  add(path, {kTypeFile | permissions}, contents);
}

void CpioWriter::add_link(std::string_view path, std::string_view target) { add(path, {kTypeLink | 0777}, target); }

void CpioWriter::add_char_device(std::string_view path, u32 major, u32 minor, u32 permissions) {
  add(path, {kTypeCharDevice | permissions, major, minor}, {});
}

std::string CpioWriter::finish() {
  add("TRAILER!!!", {}, {});
  next_inode_ = 1;
  return std::exchange(archive_, {});
}

// The header is 13 hexadecimal fields of eight digits; name and contents start on multiples of four bytes.
void CpioWriter::add(std::string_view path, Node node, std::string_view contents) {
  constexpr u32 uid = 0, gid = 0, mtime = 0, links = 1, major = 0, minor = 0, checksum = 0;
  const u32 fields[] = {next_inode_++,
                        node.mode,
                        uid,
                        gid,
                        links,
                        mtime,
                        static_cast<u32>(contents.size()),
                        major,
                        minor,
                        node.device_major,
                        node.device_minor,
                        static_cast<u32>(path.size() + 1),
                        checksum};
  archive_ += "070701";
  for (u32 field : fields) fmt::format_to(std::back_inserter(archive_), "{:08x}", field);
  archive_ += path;
  archive_ += '\0';
  pad();
  archive_ += contents;
  pad();
}

void CpioWriter::pad() { archive_.resize((archive_.size() + 3) & ~usize{3}, '\0'); }

}  // namespace farside::guests

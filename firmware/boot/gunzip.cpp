// firmware/boot/gunzip.cpp - unpacks a gzip'd kernel.
#include <zlib.h>

#include <algorithm>

#include "firmware/boot/bytes.h"
#include "firmware/boot/kernel_formats.h"

namespace farside::boot {
namespace {

/// No kernel is larger; a bomb is.
constexpr usize kLimit = usize{1} << 30;
constexpr usize kStep = usize{4} << 20;

}  // namespace

bool is_gzip(std::span<const u8> file) { return matches(file, 0, "\x1f\x8b\x08"); }

Result<std::vector<u8>, UserError> gunzip(std::span<const u8> file, const std::string& name) {
  z_stream stream{};
  CHECK(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK, "zlib does not start");
  std::vector<u8> out;
  usize taken = 0;
  int status = Z_OK;
  while (status == Z_OK && out.size() < kLimit) {
    const usize before = out.size();
    out.resize(before + kStep);
    if (stream.avail_in == 0) {
      const usize piece = std::min<usize>(file.size() - taken, usize{1} << 30);
      stream.next_in = const_cast<u8*>(file.data()) + taken;
      stream.avail_in = static_cast<uInt>(piece);
      taken += piece;
    }
    stream.next_out = out.data() + before;
    stream.avail_out = static_cast<uInt>(kStep);
    status = inflate(&stream, Z_NO_FLUSH);
    out.resize(before + (kStep - stream.avail_out));
    if (status == Z_OK && stream.avail_in == 0 && taken == file.size() && stream.avail_out != 0) break;
  }
  inflateEnd(&stream);
  if (status == Z_STREAM_END) return out;
  if (out.size() >= kLimit) return wrong("kernel", name, "unpacks to more than 1 GiB", "give a kernel Image");
  if (status == Z_OK || status == Z_BUF_ERROR) {
    return wrong("kernel", name, "the gzip data end too early (truncated file)", "copy or download it again");
  }
  return wrong("kernel", name, "the gzip data are damaged", "copy or download it again");
}

}  // namespace farside::boot

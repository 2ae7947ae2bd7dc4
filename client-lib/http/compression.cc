// SPDX-License-Identifier: Apache-2.0
// libdeflate, and only here; what goes out is in compressor.cc.
#include "client-lib/http/compression.h"

#include <libdeflate.h>

#include <algorithm>
#include <limits>

#include "client-lib/base/strings.h"

namespace vigil::http {
namespace {

constexpr int kDeflated = 8;  // the method in the head of the zlib format
constexpr size_t kStep = 16 * 1024;
// What a sender's word is believed for: metrics pages decode to 10 to 40 times their size.
constexpr size_t kBelievedRatio = 64;

// What a gzip file says it decodes to, in its last four bytes: a hint that may lie.
size_t SizeHint(Inflater::Format format, std::string_view bytes) {
  if (format != Inflater::Format::kGzip || bytes.size() < 4) return bytes.size() * 4;
  size_t size = 0;
  for (size_t i = 0; i < 4; ++i) {
    size |= static_cast<size_t>(static_cast<uint8_t>(bytes[bytes.size() - 4 + i])) << (8 * i);
  }
  return std::min(size, bytes.size() * kBelievedRatio);
}

libdeflate_result Decompress(libdeflate_decompressor* engine, Inflater::Format format,
                             std::string_view in, char* out, size_t room, size_t* used,
                             size_t* made) {
  if (format == Inflater::Format::kGzip) {
    return libdeflate_gzip_decompress_ex(engine, in.data(), in.size(), out, room, used, made);
  }
  const bool wrapped = !in.empty() && (in[0] & 0x0f) == kDeflated;
  const auto run = wrapped ? libdeflate_zlib_decompress_ex : libdeflate_deflate_decompress_ex;
  return run(engine, in.data(), in.size(), out, room, used, made);
}

}  // namespace

struct Inflater::Engine {
  libdeflate_decompressor* decompressor = libdeflate_alloc_decompressor();
  ~Engine() { libdeflate_free_decompressor(decompressor); }
};

Inflater::Inflater() : engine_(std::make_unique<Engine>()) {
  CHECK(engine_->decompressor != nullptr);
}

Inflater::~Inflater() = default;

Result<void> Inflater::Inflate(Format format, std::string_view bytes, size_t max_bytes,
                               std::string* out) {
  over_limit_ = false;
  const size_t before = out->size();
  const size_t limit =
      max_bytes > std::numeric_limits<size_t>::max() - before - 1 ? max_bytes : before + max_bytes;
  size_t at = before;
  do {
    Result<void> decoded = Member(format, &bytes, limit, &at, out);
    // gzip data may be several members one after the other; deflate is one.
    if (decoded && !bytes.empty() && format != Format::kGzip) {
      decoded = BadData("data after the end of the compressed body");
    }
    if (!decoded) {
      out->resize(before);
      if (!over_limit_) return decoded;
      return BadData("the decompressed body is larger than the limit of " +
                     std::to_string(max_bytes) + " bytes");
    }
  } while (!bytes.empty());
  out->resize(at);
  return Ok();
}

Result<void> Inflater::Member(Format format, std::string_view* bytes, size_t limit, size_t* at,
                              std::string* out) {
  // One byte more than the limit tells that there is more.
  const size_t most = limit == std::numeric_limits<size_t>::max() ? limit : limit + 1;
  size_t room = std::max(kStep, SizeHint(format, *bytes) + 1);
  for (;;) {
    const size_t end = room > most - *at ? most : *at + room;
    if (out->size() < end) out->resize(end);
    size_t used = 0;
    size_t made = 0;
    const libdeflate_result result = Decompress(engine_->decompressor, format, *bytes,
                                                out->data() + *at, end - *at, &used, &made);
    if (result == LIBDEFLATE_BAD_DATA) return BadData("the compressed body is broken or cut off");
    over_limit_ = result == LIBDEFLATE_INSUFFICIENT_SPACE ? end == most : *at + made > limit;
    if (over_limit_) return BadData("");  // the sentence is Inflate()'s
    if (result == LIBDEFLATE_SUCCESS) {
      bytes->remove_prefix(used);
      *at += made;
      return Ok();
    }
    room *= 2;
  }
}

}  // namespace vigil::http

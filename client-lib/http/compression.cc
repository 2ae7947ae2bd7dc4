// SPDX-License-Identifier: Apache-2.0
// zlib, and only here.
#include "client-lib/http/compression.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "client-lib/base/strings.h"

namespace vigil::http {
namespace {

constexpr int kGzipBits = 15 + 16;  // zlib's way of saying "gzip wrapper"
constexpr int kZlibBits = 15;
constexpr int kRawBits = -15;
constexpr size_t kStep = 16 * 1024;

Bytef* AsInput(std::string_view bytes) {
  // zlib never writes through next_in; its type predates const.
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

uInt Clamp(size_t n) {
  return static_cast<uInt>(std::min<size_t>(n, std::numeric_limits<uInt>::max()));
}

// Room behind the end of *out, using capacity that is there anyway.
size_t Grow(std::string* out, size_t at_least) {
  const size_t old = out->size();
  const size_t target = std::max(old + at_least, std::min(out->capacity(), old + 4 * kStep));
  out->resize(target);
  return target - old;
}

}  // namespace

struct Inflater::Stream {
  z_stream z{};
  bool ready = false;
};

Inflater::Inflater() : stream_(std::make_unique<Stream>()) {}

Inflater::~Inflater() {
  if (stream_->ready) inflateEnd(&stream_->z);
}

bool Inflater::Reset(int window_bits) {
  if (stream_->ready) return inflateReset2(&stream_->z, window_bits) == Z_OK;
  stream_->ready = inflateInit2(&stream_->z, window_bits) == Z_OK;
  return stream_->ready;
}

void Inflater::Start(Format format, size_t max_bytes) {
  format_ = format;
  max_bytes_ = max_bytes;
  produced_ = 0;
  started_ = ended_ = over_limit_ = false;
  CHECK(Reset(format == Format::kGzip ? kGzipBits : kZlibBits));
}

Result<void> Inflater::Add(std::string_view bytes, std::string* out) {
  bool more = true;  // inflate may hold output although its input is used up
  while (!bytes.empty() || (more && started_ && !ended_)) {
    if (ended_) {
      // gzip data may be several members one after the other; deflate is one.
      if (format_ != Format::kGzip) return BadData("data after the end of the compressed body");
      CHECK(Reset(kGzipBits));
      ended_ = false;
    } else if (!started_ && format_ == Format::kDeflate && (bytes[0] & 0x0f) != Z_DEFLATED) {
      CHECK(Reset(kRawBits));  // no zlib header: raw deflate
    }
    started_ = true;
    more = TRY(Step(&bytes, out));
  }
  return Ok();
}

Result<bool> Inflater::Step(std::string_view* bytes, std::string* out) {
  z_stream& z = stream_->z;
  const size_t before = out->size();
  const uInt room = Clamp(Grow(out, kStep));
  const uInt given = Clamp(bytes->size());
  z.next_in = AsInput(*bytes);
  z.avail_in = given;
  z.next_out = reinterpret_cast<Bytef*>(out->data() + before);
  z.avail_out = room;
  const int code = inflate(&z, Z_NO_FLUSH);
  const size_t made = room - z.avail_out;
  out->resize(before + made);
  bytes->remove_prefix(given - z.avail_in);
  produced_ += made;
  if (produced_ > max_bytes_) {
    over_limit_ = true;
    return BadData("the decompressed body is larger than the limit of " +
                   std::to_string(max_bytes_) + " bytes");
  }
  ended_ = code == Z_STREAM_END;
  const bool stuck = code == Z_BUF_ERROR && given > 0 && made == 0 && z.avail_in == given;
  if (stuck || (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)) {
    return BadData("the compressed body is broken: " +
                   std::string(z.msg == nullptr ? "unexpected data" : z.msg));
  }
  return z.avail_out == 0;
}

Result<void> Inflater::Finish() const {
  if (started_ && ended_) return Ok();
  return BadData("the compressed body ends too early");
}

struct Deflater::Stream {
  z_stream z{};
};

Deflater::Deflater() : stream_(std::make_unique<Stream>()) {
  CHECK(deflateInit2(&stream_->z, Z_BEST_SPEED, Z_DEFLATED, kGzipBits, 8, Z_DEFAULT_STRATEGY) ==
        Z_OK);
}

Deflater::~Deflater() { deflateEnd(&stream_->z); }

void Deflater::Start() { CHECK(deflateReset(&stream_->z) == Z_OK); }

void Deflater::Add(std::string_view bytes, bool last, std::string* out) {
  z_stream& z = stream_->z;
  for (;;) {
    const uInt given = Clamp(bytes.size());
    const size_t before = out->size();
    const uInt room = Clamp(Grow(out, kStep));
    z.next_in = AsInput(bytes);
    z.avail_in = given;
    z.next_out = reinterpret_cast<Bytef*>(out->data() + before);
    z.avail_out = room;
    const bool finish = last && given == bytes.size();
    const int code = deflate(&z, finish ? Z_FINISH : Z_NO_FLUSH);
    out->resize(before + room - z.avail_out);
    bytes.remove_prefix(given - z.avail_in);
    if (finish ? code == Z_STREAM_END : (bytes.empty() && z.avail_out > 0)) return;
  }
}

bool AcceptsGzip(std::string_view accept_encoding) {
  for (const std::string_view part : Split(accept_encoding, ',')) {
    const size_t semicolon = part.find(';');
    const std::string_view name = TrimSpace(part.substr(0, semicolon));
    if (!EqualsIgnoreCase(name, "gzip") && name != "*") continue;
    if (semicolon == std::string_view::npos) return true;
    const size_t q = part.find("q=", semicolon);
    if (q == std::string_view::npos) return true;
    // "0", "0.0", "0.000" mean: not this one.
    return part.substr(q + 2).find_first_of("123456789") != std::string_view::npos;
  }
  return false;
}

}  // namespace vigil::http

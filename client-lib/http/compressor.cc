// SPDX-License-Identifier: Apache-2.0
// Compression of answers: zlib and zstd, and only here.
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

#include "client-lib/base/strings.h"
#include "client-lib/http/compression.h"

namespace vigil::http {
namespace {

constexpr int kZlibBits = 15;
constexpr int kGzipBits = kZlibBits + 16;  // zlib's way of saying "gzip wrapper"
constexpr int kZstdLevel = 1;
constexpr size_t kOutputStep = 16 * 1024;

Bytef* AsInput(std::string_view bytes) {
  // zlib never writes through next_in; its type predates const.
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

uInt Clamp(size_t n) {
  return static_cast<uInt>(std::min<size_t>(n, std::numeric_limits<uInt>::max()));
}

// Room behind the end of *out, using capacity that is there anyway.
size_t Grow(std::string* out) {
  const size_t old = out->size();
  const size_t target =
      std::max(old + kOutputStep, std::min(out->capacity(), old + 4 * kOutputStep));
  out->resize(target);
  return target - old;
}

// The weight of one element of Accept-Encoding: 1 without a parameter, 0 for what is not a number.
double Quality(std::string_view parameters) {
  for (const std::string_view part : Split(parameters, ';')) {
    const size_t equal = part.find('=');
    if (equal == std::string_view::npos) continue;
    if (!EqualsIgnoreCase(TrimSpace(part.substr(0, equal)), "q")) continue;
    // A digit, a point and up to three digits.
    const std::string_view text = TrimSpace(part.substr(equal + 1));
    double value = 0;
    double unit = 1;
    for (size_t i = 0; i < text.size(); ++i) {
      if (i == 1 && text[i] == '.') continue;
      if (text[i] < '0' || text[i] > '9' || (i > 0 && text[1] != '.')) return 0;
      value += unit * (text[i] - '0');
      unit /= 10;
    }
    return std::min(value, 1.0);
  }
  return 1;
}

}  // namespace

std::string_view CodingName(Coding coding) {
  switch (coding) {
    case Coding::kIdentity:
      return "identity";
    case Coding::kGzip:
      return "gzip";
    case Coding::kDeflate:
      return "deflate";
    case Coding::kZstd:
      return "zstd";
  }
  return "";
}

Coding ChooseCoding(std::string_view accept_encoding) {
  constexpr Coding kPreferred[] = {Coding::kZstd, Coding::kGzip, Coding::kDeflate};
  // Weights by Coding; less than 0: not named.
  std::array<double, 4> weights{-1, -1, -1, -1};
  double any = -1;
  for (const std::string_view element : Split(accept_encoding, ',')) {
    const size_t semicolon = std::min(element.find(';'), element.size());
    const std::string_view name = TrimSpace(element.substr(0, semicolon));
    const double quality = Quality(element.substr(semicolon));
    if (name == "*") any = quality;
    for (size_t i = 0; i < weights.size(); ++i) {
      if (EqualsIgnoreCase(name, CodingName(static_cast<Coding>(i)))) weights[i] = quality;
    }
    if (EqualsIgnoreCase(name, "x-gzip")) weights[static_cast<size_t>(Coding::kGzip)] = quality;
  }
  const double identity = weights[static_cast<size_t>(Coding::kIdentity)];
  Coding best = Coding::kIdentity;
  double best_weight = 0;
  for (const Coding coding : kPreferred) {
    double weight = weights[static_cast<size_t>(coding)];
    // "*" is for clients that take everything; gzip is what they know for sure.
    if (weight < 0 && coding == Coding::kGzip) weight = any;
    if (weight > best_weight && weight >= identity) {
      best = coding;
      best_weight = weight;
    }
  }
  return best;
}

class Compressor::Stream {
 public:
  virtual ~Stream() = default;
  virtual void Start() = 0;
  virtual void Add(std::string_view bytes, bool last, std::string* out) = 0;
};

class Compressor::ZlibStream : public Stream {
 public:
  explicit ZlibStream(int window_bits) {
    CHECK(deflateInit2(&z_, Z_BEST_SPEED, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~ZlibStream() override { deflateEnd(&z_); }
  ZlibStream(const ZlibStream&) = delete;
  ZlibStream& operator=(const ZlibStream&) = delete;

  void Start() override { CHECK(deflateReset(&z_) == Z_OK); }

  void Add(std::string_view bytes, bool last, std::string* out) override {
    for (;;) {
      const uInt given = Clamp(bytes.size());
      const size_t before = out->size();
      const uInt room = Clamp(Grow(out));
      z_.next_in = AsInput(bytes);
      z_.avail_in = given;
      z_.next_out = reinterpret_cast<Bytef*>(out->data() + before);
      z_.avail_out = room;
      const bool finish = last && given == bytes.size();
      const int code = deflate(&z_, finish ? Z_FINISH : Z_NO_FLUSH);
      out->resize(before + room - z_.avail_out);
      bytes.remove_prefix(given - z_.avail_in);
      if (finish ? code == Z_STREAM_END : (bytes.empty() && z_.avail_out > 0)) return;
    }
  }

 private:
  z_stream z_{};
};

class Compressor::ZstdStream : public Stream {
 public:
  ZstdStream() : context_(ZSTD_createCCtx()) {
    CHECK(context_ != nullptr);
    CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kZstdLevel)));
  }
  ~ZstdStream() override { ZSTD_freeCCtx(context_); }
  ZstdStream(const ZstdStream&) = delete;
  ZstdStream& operator=(const ZstdStream&) = delete;

  void Start() override { ZSTD_CCtx_reset(context_, ZSTD_reset_session_only); }

  void Add(std::string_view bytes, bool last, std::string* out) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      const size_t before = out->size();
      ZSTD_outBuffer made{out->data(), 0, 0};
      made.size = Grow(out);
      made.dst = out->data() + before;
      const size_t left =
          ZSTD_compressStream2(context_, &made, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      CHECK(!ZSTD_isError(left));
      out->resize(before + made.pos);
      if (last ? left == 0 : in.pos == in.size) return;
    }
  }

 private:
  ZSTD_CCtx* context_;
};

Compressor::Compressor() = default;
Compressor::~Compressor() = default;

void Compressor::Start(Coding coding) {
  CHECK(coding != Coding::kIdentity);
  std::unique_ptr<Stream>& stream = streams_[static_cast<size_t>(coding)];
  if (stream == nullptr && coding == Coding::kZstd) stream = std::make_unique<ZstdStream>();
  if (stream == nullptr) {
    stream = std::make_unique<ZlibStream>(coding == Coding::kGzip ? kGzipBits : kZlibBits);
  }
  current_ = stream.get();
  current_->Start();
}

void Compressor::Add(std::string_view bytes, bool last, std::string* out) {
  current_->Add(bytes, last, out);
}

}  // namespace vigil::http

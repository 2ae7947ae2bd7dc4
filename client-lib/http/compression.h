// SPDX-License-Identifier: Apache-2.0
// gzip and deflate as streams with limits (zlib behind it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::http {

// Decompresses piece by piece; reusable without allocating again.
// Threads: owner thread only.
class Inflater {
 public:
  // kDeflate takes zlib-wrapped and raw data: senders disagree on what the word means.
  enum class Format { kGzip, kDeflate };

  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // max_bytes of output in all.
  void Start(Format format, size_t max_bytes);
  // Appends to *out. bad_data on broken data, and when the output passes the limit (then
  // over_limit() is true).
  Result<void> Add(std::string_view bytes, std::string* out);
  // bad_data when the stream is not complete.
  [[nodiscard]] Result<void> Finish() const;
  [[nodiscard]] bool over_limit() const { return over_limit_; }

 private:
  struct Stream;
  bool Reset(int window_bits);
  // One call of zlib; true when it may have more without new input.
  Result<bool> Step(std::string_view* bytes, std::string* out);

  std::unique_ptr<Stream> stream_;
  Format format_ = Format::kGzip;
  size_t max_bytes_ = 0;
  size_t produced_ = 0;
  bool started_ = false;
  bool ended_ = false;
  bool over_limit_ = false;
};

// Compresses to gzip at level 1: scrapes and answers are fresh each time, so speed wins.
// Threads: owner thread only.
class Deflater {
 public:
  Deflater();
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // Forgets what was there.
  void Start();
  // Appends what is ready to *out; with last, all of it.
  void Add(std::string_view bytes, bool last, std::string* out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

// True when an Accept-Encoding header value allows gzip.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace vigil::http

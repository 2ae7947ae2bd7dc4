// SPDX-License-Identifier: Apache-2.0
// gzip and deflate with limits: whole bodies in (libdeflate behind it, more than twice as fast as
// zlib), a stream out (zlib).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::http {

// Decompresses whole bodies; reusable without allocating again.
// Threads: owner thread only.
class Inflater {
 public:
  // kDeflate takes zlib-wrapped and raw data: senders disagree on what the word means.
  enum class Format { kGzip, kDeflate };

  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends to *out, at most max_bytes. bad_data on broken or incomplete data, and when the output
  // passes the limit (then over_limit() is true); *out is then as before. Takes no more memory
  // than twice what the body decodes to, or 64 times the body.
  Result<void> Inflate(Format format, std::string_view bytes, size_t max_bytes, std::string* out);
  [[nodiscard]] bool over_limit() const { return over_limit_; }

 private:
  struct Engine;
  // What one member of the data decodes to, at out[at...]; grows *out.
  Result<void> Member(Format format, std::string_view* bytes, size_t limit, size_t* at,
                      std::string* out);

  std::unique_ptr<Engine> engine_;
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

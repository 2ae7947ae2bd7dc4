// SPDX-License-Identifier: Apache-2.0
// gzip, deflate and zstd: whole bodies in with limits (libdeflate behind it, more than twice as
// fast as zlib), streams out (zlib, zstd).
#pragma once

#include <array>
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

// How the body of an answer is packed; the words of Content-Encoding.
enum class Coding : uint8_t { kIdentity, kGzip, kDeflate, kZstd };
std::string_view CodingName(Coding coding);

// The coding with the highest quality in an Accept-Encoding header; among equals zstd, gzip,
// deflate in this order. Nothing acceptable or a blank header: identity.
Coding ChooseCoding(std::string_view accept_encoding);

// Compresses at the fastest level: scrapes and answers are fresh each time, so speed wins. Keeps
// the state of each coding it was used for.
// Threads: owner thread only.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Forgets what was there. REQUIRES: coding is not kIdentity.
  void Start(Coding coding);
  // Appends what is ready to *out; with last, all of it.
  void Add(std::string_view bytes, bool last, std::string* out);

 private:
  class Stream;
  class ZlibStream;
  class ZstdStream;
  std::array<std::unique_ptr<Stream>, 4> streams_;  // by Coding
  Stream* current_ = nullptr;
};

}  // namespace vigil::http

// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's binary formats: statement parameters, rows of COPY IN, rows of COPY OUT.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::postgres {

// Network byte order, as every integer of PostgreSQL's formats.
void AppendInt16(int16_t value, std::string* out);
void AppendInt32(int32_t value, std::string* out);
void AppendInt64(int64_t value, std::string* out);
// REQUIRES: bytes has 1 to 8 bytes. Two's complement, big endian.
int64_t ReadInt(std::string_view bytes);

// The parameters of one statement, in binary format, with their types.
class Parameters {
 public:
  Parameters& Int4(int32_t value);
  Parameters& Int8(int64_t value);
  // REQUIRES: valid UTF-8 without NUL (MendText).
  Parameters& Text(std::string_view value);
  Parameters& Int8Array(std::span<const int64_t> values);
  // REQUIRES: each valid UTF-8 without NUL.
  Parameters& TextArray(std::span<const std::string> values);
  Parameters& ByteaArray(std::span<const std::string_view> values);

  // The form libpq wants; pointers live until the next change of this object.
  struct Raw {
    std::vector<uint32_t> types;
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
  };
  [[nodiscard]] Raw raw() const;

 private:
  void Begin(uint32_t type);

  std::string bytes_;
  std::vector<size_t> starts_;
  std::vector<uint32_t> types_;
};

// What COPY … (FORMAT binary) starts and ends with.
void AppendCopyHeader(std::string* out);
void AppendCopyTrailer(std::string* out);

// Splits what COPY … TO STDOUT (FORMAT binary) sends into rows. PostgreSQL puts whole rows into
// each piece; anything else is an error.
class CopyOutParser {
 public:
  using Fields = std::vector<std::string_view>;  // NULL is a view without data()

  // Calls each(fields) -> Result<void> per row of the piece.
  template <typename F>
  Result<void> Feed(std::string_view piece, F&& each) {
    TRY(SkipHeader(&piece));
    while (!piece.empty() && !ended_) {
      if (!TRY(NextRow(&piece))) break;
      TRY(each(static_cast<const Fields&>(fields_)));
    }
    return Ok();
  }

 private:
  Result<void> SkipHeader(std::string_view* piece);
  // False at the trailer.
  Result<bool> NextRow(std::string_view* piece);

  Fields fields_;
  bool header_seen_ = false;
  bool ended_ = false;
};

// The elements of a one-dimensional text[] in binary format. internal when it is something else.
Result<void> ReadTextArray(std::string_view bytes, std::vector<std::string_view>* elements);

// '{"a","b\"c"}': an array literal for a cast to text[].
void AppendArrayElement(std::string_view element, bool first, std::string* out);

// PostgreSQL's text holds neither NUL nor broken UTF-8: each such byte becomes U+FFFD in *mended.
// False when the text is fine as it is (*mended is then untouched).
bool MendText(std::string_view text, std::string* mended);

}  // namespace vigil::postgres

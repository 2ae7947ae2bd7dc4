// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/binary.h"

#include <array>

#include "client-lib/base/strings.h"

namespace vigil::postgres {
namespace {

// Types by their fixed oid (pg_type.dat).
constexpr uint32_t kInt8Oid = 20;
constexpr uint32_t kInt4Oid = 23;
constexpr uint32_t kTextOid = 25;
constexpr uint32_t kByteaOid = 17;
constexpr uint32_t kByteaArrayOid = 1001;
constexpr uint32_t kTextArrayOid = 1009;
constexpr uint32_t kInt8ArrayOid = 1016;

constexpr std::string_view kCopySignature{"PGCOPY\n\377\r\n\0", 11};
constexpr size_t kCopyHeaderBytes = 19;  // signature, flags, length of the extension

template <typename U>
void AppendBigEndian(U value, std::string* out) {
  std::array<char, sizeof(U)> bytes;
  for (size_t i = 0; i < sizeof(U); ++i) {
    bytes[i] = static_cast<char>(value >> (8 * (sizeof(U) - 1 - i)) & 0xff);
  }
  out->append(bytes.data(), bytes.size());
}

void AppendArrayHeader(size_t size, uint32_t element_type, std::string* out) {
  AppendInt32(size == 0 ? 0 : 1, out);  // dimensions
  AppendInt32(0, out);                  // no nulls
  AppendInt32(static_cast<int32_t>(element_type), out);
  if (size == 0) return;
  AppendInt32(static_cast<int32_t>(size), out);
  AppendInt32(1, out);  // lower bound
}

// Length of the valid UTF-8 sequence at the start of text, 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (length > text.size() || !IsValidUtf8(text.substr(0, length))) return 0;
  return length;
}

}  // namespace

void AppendInt16(int16_t value, std::string* out) {
  AppendBigEndian(static_cast<uint16_t>(value), out);
}
void AppendInt32(int32_t value, std::string* out) {
  AppendBigEndian(static_cast<uint32_t>(value), out);
}
void AppendInt64(int64_t value, std::string* out) {
  AppendBigEndian(static_cast<uint64_t>(value), out);
}

int64_t ReadInt(std::string_view bytes) {
  CHECK(!bytes.empty() && bytes.size() <= 8);
  uint64_t value = (bytes[0] & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return static_cast<int64_t>(value);
}

void Parameters::Begin(uint32_t type) {
  starts_.push_back(bytes_.size());
  types_.push_back(type);
}

Parameters& Parameters::Int4(int32_t value) {
  Begin(kInt4Oid);
  AppendInt32(value, &bytes_);
  return *this;
}

Parameters& Parameters::Int8(int64_t value) {
  Begin(kInt8Oid);
  AppendInt64(value, &bytes_);
  return *this;
}

Parameters& Parameters::Text(std::string_view value) {
  Begin(kTextOid);
  bytes_.append(value);
  return *this;
}

Parameters& Parameters::Int8Array(std::span<const int64_t> values) {
  Begin(kInt8ArrayOid);
  bytes_.reserve(bytes_.size() + 20 + values.size() * 12);
  AppendArrayHeader(values.size(), kInt8Oid, &bytes_);
  for (const int64_t value : values) {
    AppendInt32(8, &bytes_);
    AppendInt64(value, &bytes_);
  }
  return *this;
}

Parameters& Parameters::TextArray(std::span<const std::string> values) {
  Begin(kTextArrayOid);
  AppendArrayHeader(values.size(), kTextOid, &bytes_);
  for (const std::string& value : values) {
    AppendInt32(static_cast<int32_t>(value.size()), &bytes_);
    bytes_.append(value);
  }
  return *this;
}

Parameters& Parameters::ByteaArray(std::span<const std::string_view> values) {
  Begin(kByteaArrayOid);
  AppendArrayHeader(values.size(), kByteaOid, &bytes_);
  for (const std::string_view value : values) {
    AppendInt32(static_cast<int32_t>(value.size()), &bytes_);
    bytes_.append(value);
  }
  return *this;
}

Parameters::Raw Parameters::raw() const {
  Raw raw;
  raw.types = types_;
  for (size_t i = 0; i < starts_.size(); ++i) {
    const size_t end = i + 1 < starts_.size() ? starts_[i + 1] : bytes_.size();
    raw.values.push_back(bytes_.data() + starts_[i]);
    raw.lengths.push_back(static_cast<int>(end - starts_[i]));
    raw.formats.push_back(1);
  }
  return raw;
}

void AppendCopyHeader(std::string* out) {
  out->append(kCopySignature);
  AppendInt32(0, out);
  AppendInt32(0, out);
}

void AppendCopyTrailer(std::string* out) { AppendInt16(-1, out); }

Result<void> CopyOutParser::SkipHeader(std::string_view* piece) {
  if (header_seen_) return Ok();
  if (piece->size() < kCopyHeaderBytes || !piece->starts_with(kCopySignature)) {
    return Internal("the database's COPY output has no binary header");
  }
  header_seen_ = true;
  piece->remove_prefix(kCopyHeaderBytes);
  return Ok();
}

Result<bool> CopyOutParser::NextRow(std::string_view* piece) {
  const Error torn = Internal("the database's COPY output is torn");
  if (piece->size() < 2) return torn;
  const int64_t count = ReadInt(piece->substr(0, 2));
  piece->remove_prefix(2);
  if (count < 0) {
    ended_ = true;
    return false;
  }
  fields_.clear();
  for (int64_t i = 0; i < count; ++i) {
    if (piece->size() < 4) return torn;
    const int64_t length = ReadInt(piece->substr(0, 4));
    piece->remove_prefix(4);
    if (length < 0) {
      fields_.emplace_back();
      continue;
    }
    if (piece->size() < static_cast<size_t>(length)) return torn;
    fields_.push_back(piece->substr(0, static_cast<size_t>(length)));
    piece->remove_prefix(static_cast<size_t>(length));
  }
  return true;
}

Result<void> ReadTextArray(std::string_view bytes, std::vector<std::string_view>* elements) {
  const Error broken = Internal("the database sent something else than a text array");
  elements->clear();
  if (bytes.size() < 12) return broken;
  const int64_t dimensions = ReadInt(bytes.substr(0, 4));
  if (dimensions == 0) return Ok();
  if (dimensions != 1 || bytes.size() < 20) return broken;
  const int64_t size = ReadInt(bytes.substr(12, 4));
  bytes.remove_prefix(20);
  for (int64_t i = 0; i < size; ++i) {
    if (bytes.size() < 4) return broken;
    const int64_t length = ReadInt(bytes.substr(0, 4));
    bytes.remove_prefix(4);
    if (length < 0 || bytes.size() < static_cast<size_t>(length)) return broken;
    elements->push_back(bytes.substr(0, static_cast<size_t>(length)));
    bytes.remove_prefix(static_cast<size_t>(length));
  }
  return Ok();
}

void AppendArrayElement(std::string_view element, bool first, std::string* out) {
  out->append(first ? "\"" : ",\"");
  size_t plain = 0;
  for (size_t i = 0; i < element.size(); ++i) {
    if (element[i] != '"' && element[i] != '\\') continue;
    out->append(element, plain, i - plain);
    out->push_back('\\');
    plain = i;
  }
  out->append(element, plain);
  out->push_back('"');
}

bool MendText(std::string_view text, std::string* mended) {
  if (text.find('\0') == std::string_view::npos && IsValidUtf8(text)) return false;
  mended->clear();
  while (!text.empty()) {
    const size_t length = text[0] == '\0' ? 0 : SequenceLength(text);
    if (length == 0) {
      mended->append("\xEF\xBF\xBD");
      text.remove_prefix(1);
    } else {
      mended->append(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  return true;
}

}  // namespace vigil::postgres

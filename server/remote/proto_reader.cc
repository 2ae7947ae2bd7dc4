// SPDX-License-Identifier: Apache-2.0
// See proto_reader.h.
#include "server/remote/proto_reader.h"

namespace vigil::remote {

bool ProtoReader::ReadVarint(uint64_t* value) {
  uint64_t result = 0;
  for (size_t i = 0; i < rest_.size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>(rest_[i]);
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      // The tenth byte holds the last bit only.
      if (i == 9 && byte > 1) return false;
      rest_.remove_prefix(i + 1);
      *value = result;
      return true;
    }
  }
  return false;
}

bool ProtoReader::ReadFixed(size_t width, uint64_t* value) {
  if (rest_.size() < width) return false;
  uint64_t result = 0;
  for (size_t i = 0; i < width; ++i) {
    result |= static_cast<uint64_t>(static_cast<uint8_t>(rest_[i])) << (8 * i);
  }
  rest_.remove_prefix(width);
  *value = result;
  return true;
}

std::optional<ProtoField> ProtoReader::Next() {
  if (rest_.empty() || !ok_) return std::nullopt;
  uint64_t key = 0;
  ProtoField field;
  ok_ = ReadVarint(&key) && key >> 3 != 0 && key >> 3 < (1u << 29);
  if (!ok_) return std::nullopt;
  field.number = static_cast<uint32_t>(key >> 3);
  field.type = static_cast<WireType>(key & 7);
  switch (field.type) {
    case WireType::kVarint:
      ok_ = ReadVarint(&field.varint);
      break;
    case WireType::kFixed64:
      ok_ = ReadFixed(8, &field.varint);
      break;
    case WireType::kFixed32:
      ok_ = ReadFixed(4, &field.varint);
      break;
    case WireType::kLength: {
      uint64_t length = 0;
      ok_ = ReadVarint(&length) && length <= rest_.size();
      if (ok_) {
        field.bytes = rest_.substr(0, length);
        rest_.remove_prefix(length);
      }
      break;
    }
    default:  // groups (3, 4) and unknown types have no place in these messages
      ok_ = false;
  }
  if (!ok_) return std::nullopt;
  return field;
}

}  // namespace vigil::remote

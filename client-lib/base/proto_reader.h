// SPDX-License-Identifier: Apache-2.0
// A reader of the protobuf wire format that copies nothing: messages are decoded straight from
// their bytes, without an object for each.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace vigil {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

// One field of a message. `bytes` (kLength) points into the message.
struct ProtoField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t varint = 0;  // kVarint, and the raw bits of kFixed64 and kFixed32
  std::string_view bytes;
};

// Takes a varint from the front of *rest. False when there is none.
bool TakeLongVarint(std::string_view* rest, uint64_t* value);
inline bool TakeVarint(std::string_view* rest, uint64_t* value) {
  // Most are keys and lengths of one byte.
  if (!rest->empty() && static_cast<uint8_t>(rest->front()) < 0x80) {
    *value = static_cast<uint8_t>(rest->front());
    rest->remove_prefix(1);
    return true;
  }
  return TakeLongVarint(rest, value);
}

// Walks the fields of one message. Wire format: protobuf.dev/programming-guides/encoding.
// Threads: owner thread only. The message must outlive the reader.
class ProtoReader {
 public:
  explicit ProtoReader(std::string_view message) : rest_(message) {}

  // The next field; nothing at the end or when the bytes are broken, see ok().
  std::optional<ProtoField> Next();
  // False once a field was cut off or malformed.
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  bool ReadVarint(uint64_t* value) { return TakeVarint(&rest_, value); }
  template <typename U>
  bool ReadFixed(uint64_t* value) {
    static_assert(std::endian::native == std::endian::little);
    if (rest_.size() < sizeof(U)) return false;
    U bits;
    std::memcpy(&bits, rest_.data(), sizeof(U));
    rest_.remove_prefix(sizeof(U));
    *value = bits;
    return true;
  }

  std::string_view rest_;
  bool ok_ = true;
};

inline std::optional<ProtoField> ProtoReader::Next() {
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
      ok_ = ReadFixed<uint64_t>(&field.varint);
      break;
    case WireType::kFixed32:
      ok_ = ReadFixed<uint32_t>(&field.varint);
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

}  // namespace vigil

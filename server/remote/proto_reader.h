// SPDX-License-Identifier: Apache-2.0
// A reader of the protobuf wire format that copies nothing: remote write is decoded straight from
// the request's bytes, without a message object per series and sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vigil::remote {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

// One field of a message. `bytes` (kLength) points into the message.
struct ProtoField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t varint = 0;  // kVarint, and the raw bits of kFixed64 and kFixed32
  std::string_view bytes;
};

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
  bool ReadVarint(uint64_t* value);
  bool ReadFixed(size_t width, uint64_t* value);

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace vigil::remote

// SPDX-License-Identifier: Apache-2.0
// Appends fields of the protobuf wire format to a string: messages of remote write and read are
// written straight into their bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client-lib/model/sample.h"
#include "server/remote/proto_reader.h"

namespace vigil::remote {

inline void AppendVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

inline uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

inline void AppendFixed64(uint64_t bits, std::string* out) {
  for (unsigned i = 0; i < 8; ++i) out->push_back(static_cast<char>(bits >> (8 * i)));
}

// Writes the fields of one message; numbers of 0 are written, too.
// Threads: owner thread only.
class ProtoWriter {
 public:
  explicit ProtoWriter(std::string* out) : out_(out) {}

  void Varint(uint32_t number, uint64_t value) {
    Key(number, WireType::kVarint);
    AppendVarint(value, out_);
  }
  void SignedVarint(uint32_t number, int64_t value) { Varint(number, ZigZag(value)); }
  void Fixed64(uint32_t number, uint64_t bits) {
    Key(number, WireType::kFixed64);
    AppendFixed64(bits, out_);
  }
  void Double(uint32_t number, double value) { Fixed64(number, std::bit_cast<uint64_t>(value)); }
  // A string, bytes or a message that is written already.
  void Bytes(uint32_t number, std::string_view bytes) {
    Key(number, WireType::kLength);
    AppendVarint(bytes.size(), out_);
    out_->append(bytes);
  }
  // A message Sample: value = 1, timestamp = 2.
  void Sample(uint32_t number, TimestampMs time, double value) {
    const auto unsigned_time = static_cast<uint64_t>(time);
    const auto time_bytes = (static_cast<size_t>(std::bit_width(unsigned_time | 1)) + 6) / 7;
    Key(number, WireType::kLength);
    AppendVarint(1 + sizeof(uint64_t) + 1 + time_bytes, out_);
    Double(1, value);
    Varint(2, unsigned_time);
  }

 private:
  void Key(uint32_t number, WireType type) {
    AppendVarint(uint64_t{number} << 3 | static_cast<uint64_t>(type), out_);
  }

  std::string* out_;
};

}  // namespace vigil::remote

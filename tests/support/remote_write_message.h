// SPDX-License-Identifier: Apache-2.0
// Builds protobuf messages of remote write for tests, independently of the reader under test.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace vigil::test {

inline std::string Varint(uint64_t value) {
  std::string out;
  do {
    const auto low = static_cast<uint8_t>(value & 0x7f);
    value >>= 7;
    out.push_back(static_cast<char>(value != 0 ? low | 0x80 : low));
  } while (value != 0);
  return out;
}

// A length-delimited field.
inline std::string Message(uint32_t field, std::string_view bytes) {
  return Varint(field << 3 | 2) + Varint(bytes.size()) + std::string(bytes);
}

inline std::string LabelField(std::string_view name, std::string_view value) {
  return Message(1, Message(1, name) + Message(2, value));
}

inline std::string SampleField(double value, int64_t timestamp_ms) {
  std::string body = Varint(1 << 3 | 1);
  const auto bits = std::bit_cast<uint64_t>(value);
  for (int i = 0; i < 8; ++i) body.push_back(static_cast<char>(bits >> (8 * i)));
  body += Varint(2 << 3 | 0) + Varint(static_cast<uint64_t>(timestamp_ms));
  return Message(2, body);
}

inline std::string SeriesField(std::string_view fields) { return Message(1, fields); }

}  // namespace vigil::test

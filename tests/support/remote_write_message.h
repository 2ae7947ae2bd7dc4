// SPDX-License-Identifier: Apache-2.0
// Builds protobuf messages of remote write for tests, independently of the reader under test.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

inline std::string Varint(uint32_t field, uint64_t value) {
  return Varint(field << 3) + Varint(value);
}

inline uint64_t ZigZag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}

inline std::string Double(uint32_t field, double value) {
  std::string out = Varint(field << 3 | 1);
  const auto bits = std::bit_cast<uint64_t>(value);
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(bits >> (8 * i)));
  return out;
}

// Packed numbers, as senders write them.
inline std::string PackedZigZag(uint32_t field, const std::vector<int64_t>& values) {
  std::string body;
  for (const int64_t value : values) body += Varint(ZigZag(value));
  return Message(field, body);
}

inline std::string PackedDoubles(uint32_t field, const std::vector<double>& values) {
  std::string body;
  for (const double value : values) body += Double(1, value).substr(1);
  return Message(field, body);
}

inline std::string SpanField(uint32_t field, int32_t offset, uint32_t length) {
  return Message(field, Varint(1, ZigZag(offset)) + Varint(2, length));
}

// The body of a histogram with integer counts: 1 in the zero bucket, 2 and 5 above, 3 below.
inline std::string IntegerHistogram(int64_t timestamp_ms, double sum = 18.5) {
  return Varint(1, 11) + Double(3, sum) + Varint(4, ZigZag(1)) + Double(5, 0.001) + Varint(6, 1) +
         SpanField(8, 0, 1) + PackedZigZag(9, {3}) + SpanField(11, -2, 1) + SpanField(11, 3, 1) +
         PackedZigZag(12, {2, 3}) + Varint(14, 2) + Varint(15, static_cast<uint64_t>(timestamp_ms));
}

inline std::string SeriesField(std::string_view fields) { return Message(1, fields); }

}  // namespace vigil::test

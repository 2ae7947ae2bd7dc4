// SPDX-License-Identifier: Apache-2.0
// See write_encoder.h.
#include "server/remote/write_encoder.h"

#include <snappy.h>

#include <bit>
#include <cstdint>

namespace vigil::remote {
namespace {

// Field number and wire type.
constexpr char kLengthDelimited1 = 1 << 3 | 2;
constexpr char kLengthDelimited2 = 2 << 3 | 2;
constexpr char kFixed64Field1 = 1 << 3 | 1;
constexpr char kVarintField2 = 2 << 3 | 0;

void AppendVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

void AppendField(char key, std::string_view bytes, std::string* out) {
  out->push_back(key);
  AppendVarint(bytes.size(), out);
  out->append(bytes);
}

void AppendSample(TimestampMs time, double value, std::string* out) {
  const auto bits = std::bit_cast<uint64_t>(value);
  const auto unsigned_time = static_cast<uint64_t>(time);
  const auto time_bytes = (static_cast<size_t>(std::bit_width(unsigned_time | 1)) + 6) / 7;
  out->push_back(kLengthDelimited2);
  AppendVarint(1 + sizeof(bits) + 1 + time_bytes, out);
  out->push_back(kFixed64Field1);
  for (unsigned i = 0; i < 8; ++i) out->push_back(static_cast<char>(bits >> (8 * i)));
  out->push_back(kVarintField2);
  AppendVarint(unsigned_time, out);
}

}  // namespace

std::string EncodeLabels(const Labels& labels) {
  std::string out;
  std::string pair;
  for (const LabelView label : labels) {
    pair.clear();
    AppendField(kLengthDelimited1, label.name, &pair);
    AppendField(kLengthDelimited2, label.value, &pair);
    AppendField(kLengthDelimited1, pair, &out);
  }
  return out;
}

void WriteEncoder::Add(std::string_view labels, std::span<const TimestampMs> times,
                       std::span<const double> values) {
  series_.assign(labels);
  for (size_t i = 0; i < times.size(); ++i) AppendSample(times[i], values[i], &series_);
  AppendField(kLengthDelimited1, series_, &message_);
}

std::string WriteEncoder::Take() {
  std::string compressed;
  snappy::Compress(message_.data(), message_.size(), &compressed);
  message_.clear();
  return compressed;
}

}  // namespace vigil::remote

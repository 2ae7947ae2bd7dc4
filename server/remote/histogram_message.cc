// SPDX-License-Identifier: Apache-2.0
#include "server/remote/histogram_message.h"

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "client-lib/model/histogram_text.h"
#include "client-lib/model/sample.h"
#include "server/remote/proto_reader.h"

namespace vigil::remote {
namespace {

// Fields of Histogram.
enum Field : uint32_t {
  kCountInt = 1,
  kCountFloat = 2,
  kSum = 3,
  kSchema = 4,
  kZeroThreshold = 5,
  kZeroCountInt = 6,
  kZeroCountFloat = 7,
  kNegativeSpans = 8,
  kNegativeDeltas = 9,
  kNegativeCounts = 10,
  kPositiveSpans = 11,
  kPositiveDeltas = 12,
  kPositiveCounts = 13,
  kResetHint = 14,
  kTimestamp = 15,
  kCustomValues = 16,
};
constexpr uint32_t kSpanOffset = 1;
constexpr uint32_t kSpanLength = 2;

int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

double AsDouble(const ProtoField& field) { return std::bit_cast<double>(field.varint); }

// Repeated numbers are one packed field, or a field each.
bool ReadDoubles(const ProtoField& field, std::vector<double>* out) {
  if (field.type == WireType::kFixed64) {
    out->push_back(AsDouble(field));
    return true;
  }
  if (field.type != WireType::kLength || field.bytes.size() % 8 != 0) return false;
  for (size_t at = 0; at < field.bytes.size(); at += 8) {
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; ++i) {
      bits |= static_cast<uint64_t>(static_cast<uint8_t>(field.bytes[at + i])) << (8 * i);
    }
    out->push_back(std::bit_cast<double>(bits));
  }
  return true;
}

bool ReadDeltas(const ProtoField& field, std::vector<int64_t>* out) {
  if (field.type == WireType::kVarint) {
    out->push_back(UnZigZag(field.varint));
    return true;
  }
  if (field.type != WireType::kLength) return false;
  std::string_view rest = field.bytes;
  while (!rest.empty()) {
    uint64_t value = 0;
    if (!TakeVarint(&rest, &value)) return false;
    out->push_back(UnZigZag(value));
  }
  return true;
}

bool ReadSpan(const ProtoField& field, std::vector<BucketSpan>* out) {
  if (field.type != WireType::kLength) return false;
  BucketSpan span;
  ProtoReader reader(field.bytes);
  while (auto part = reader.Next()) {
    if (part->type != WireType::kVarint) continue;
    if (part->number == kSpanOffset) span.offset = static_cast<int32_t>(UnZigZag(part->varint));
    if (part->number == kSpanLength) span.length = static_cast<uint32_t>(part->varint);
  }
  out->push_back(span);
  return reader.ok();
}

// The message as it stands.
struct Parts {
  Histogram histogram;
  TimestampMs timestamp = 0;
  bool floats = false;
  std::vector<int64_t> positive_deltas;
  std::vector<int64_t> negative_deltas;
};

bool ReadNumber(const ProtoField& field, Parts* parts) {
  Histogram& h = parts->histogram;
  if (field.type == WireType::kFixed64) {
    const double value = AsDouble(field);
    if (field.number == kCountFloat) {
      h.count = value;
      parts->floats = true;
    }
    if (field.number == kSum) h.sum = value;
    if (field.number == kZeroThreshold) h.zero_threshold = value;
    if (field.number == kZeroCountFloat) h.zero_count = value;
    return true;
  }
  if (field.type != WireType::kVarint) return false;
  if (field.number == kCountInt) h.count = static_cast<double>(field.varint);
  if (field.number == kZeroCountInt) h.zero_count = static_cast<double>(field.varint);
  if (field.number == kSchema) h.schema = static_cast<int32_t>(UnZigZag(field.varint));
  if (field.number == kTimestamp) parts->timestamp = static_cast<TimestampMs>(field.varint);
  if (field.number == kResetHint) {
    if (field.varint > 3) return false;
    h.reset_hint = static_cast<CounterResetHint>(field.varint);
  }
  return true;
}

bool ReadField(const ProtoField& field, Parts* parts) {
  Histogram& h = parts->histogram;
  switch (field.number) {
    case kNegativeSpans:
      return ReadSpan(field, &h.negative_spans);
    case kPositiveSpans:
      return ReadSpan(field, &h.positive_spans);
    case kNegativeDeltas:
      return ReadDeltas(field, &parts->negative_deltas);
    case kPositiveDeltas:
      return ReadDeltas(field, &parts->positive_deltas);
    case kNegativeCounts:
      return ReadDoubles(field, &h.negative_buckets);
    case kPositiveCounts:
      return ReadDoubles(field, &h.positive_buckets);
    case kCustomValues:
      return ReadDoubles(field, &h.custom_values);
    default:
      return field.number > kCustomValues || ReadNumber(field, parts);
  }
}

// Each delta is the change from the bucket before.
void AddUp(const std::vector<int64_t>& deltas, std::vector<double>* buckets) {
  uint64_t count = 0;
  for (const int64_t delta : deltas) {
    count += static_cast<uint64_t>(delta);
    buckets->push_back(static_cast<double>(static_cast<int64_t>(count)));
  }
}

}  // namespace

Result<std::optional<HistogramSample>> DecodeHistogram(std::string_view message) {
  Parts parts;
  ProtoReader reader(message);
  while (auto field = reader.Next()) {
    if (!ReadField(*field, &parts)) return std::optional<HistogramSample>();
  }
  if (!reader.ok()) return std::optional<HistogramSample>();
  Histogram& h = parts.histogram;
  h.integer = !parts.floats;
  if (h.integer) {
    h.positive_buckets.clear();
    h.negative_buckets.clear();
    AddUp(parts.positive_deltas, &h.positive_buckets);
    AddUp(parts.negative_deltas, &h.negative_buckets);
  }
  if (!IsStaleNaN(h.sum)) TRY(AdmitHistogram(&h));
  return std::optional(
      HistogramSample{parts.timestamp, std::make_shared<const Histogram>(std::move(h))});
}

}  // namespace vigil::remote

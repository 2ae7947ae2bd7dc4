// SPDX-License-Identifier: Apache-2.0
#include "client-lib/exposition/proto_histogram.h"

#include <bit>
#include <cstring>
#include <memory>
#include <vector>

#include "client-lib/base/proto_reader.h"

namespace vigil::exposition {
namespace {

// Field numbers of io.prometheus.client.Histogram.
enum HistogramField : uint32_t {
  kSampleCount = 1,
  kSampleSum = 2,
  kBucket = 3,
  kSampleCountFloat = 4,
  kSchema = 5,
  kZeroThreshold = 6,
  kZeroCount = 7,
  kZeroCountFloat = 8,
  kNegativeSpan = 9,
  kNegativeDelta = 10,
  kNegativeCount = 11,
  kPositiveSpan = 12,
  kPositiveDelta = 13,
  kPositiveCount = 14,
  kCreated = 15,
};

double AsDouble(const ProtoField& field) { return std::bit_cast<double>(field.varint); }

int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

Error CutOff() { return BadData("a histogram of the protobuf page is cut off"); }

// One bucket after the other: integers are deltas, floats are counts.
class BucketColumn {
 public:
  explicit BucketColumn(std::vector<double>* counts) : counts_(*counts) {}

  // Packed or not, as repeated numbers may come either way.
  bool AddDeltas(const ProtoField& field) {
    if (field.type != WireType::kLength) {
      AddDelta(field.varint);
      return true;
    }
    std::string_view rest = field.bytes;
    while (!rest.empty()) {
      uint64_t value = 0;
      if (!TakeVarint(&rest, &value)) return false;
      AddDelta(value);
    }
    return true;
  }
  bool AddCounts(const ProtoField& field) {
    if (field.type != WireType::kLength) {
      counts_.push_back(AsDouble(field));
      return true;
    }
    if (field.bytes.size() % 8 != 0) return false;
    for (size_t at = 0; at < field.bytes.size(); at += 8) {
      double value = 0;
      std::memcpy(&value, field.bytes.data() + at, 8);
      counts_.push_back(value);
    }
    return true;
  }

 private:
  void AddDelta(uint64_t zigzag) {
    count_ += static_cast<uint64_t>(UnZigZag(zigzag));
    counts_.push_back(static_cast<double>(static_cast<int64_t>(count_)));
  }

  std::vector<double>& counts_;
  uint64_t count_ = 0;
};

bool ReadSpan(std::string_view message, std::vector<BucketSpan>* spans) {
  BucketSpan& span = spans->emplace_back();
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == 1) span.offset = static_cast<int32_t>(UnZigZag(field->varint));
    if (field->number == 2) span.length = static_cast<uint32_t>(field->varint);
  }
  return reader.ok();
}

// False when the field is broken.
bool ReadField(const ProtoField& field, Histogram* h, BucketColumn* negative,
               BucketColumn* positive) {
  switch (field.number) {
    case kSchema:
      h->schema = static_cast<int32_t>(UnZigZag(field.varint));
      return true;
    case kZeroThreshold:
      h->zero_threshold = AsDouble(field);
      return true;
    case kZeroCount:
      if (h->integer) h->zero_count = static_cast<double>(field.varint);
      return true;
    case kZeroCountFloat:
      if (!h->integer) h->zero_count = AsDouble(field);
      return true;
    case kNegativeSpan:
      return ReadSpan(field.bytes, &h->negative_spans);
    case kPositiveSpan:
      return ReadSpan(field.bytes, &h->positive_spans);
    case kNegativeDelta:
      return !h->integer || negative->AddDeltas(field);
    case kPositiveDelta:
      return !h->integer || positive->AddDeltas(field);
    case kNegativeCount:
      return h->integer || negative->AddCounts(field);
    case kPositiveCount:
      return h->integer || positive->AddCounts(field);
    default:
      return true;
  }
}

}  // namespace

Result<ProtoHistogram> ReadProtoHistogram(std::string_view message) {
  ProtoHistogram histogram;
  histogram.message = message;
  double count_float = 0;
  bool zero_float = false;
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    switch (field->number) {
      case kSampleCount:
        histogram.count = static_cast<double>(field->varint);
        break;
      case kSampleCountFloat:
        count_float = AsDouble(*field);
        break;
      case kSampleSum:
        histogram.sum = AsDouble(*field);
        break;
      case kBucket:
        histogram.has_buckets = true;
        break;
      case kZeroThreshold:
        histogram.is_native = histogram.is_native || AsDouble(*field) > 0;
        break;
      case kZeroCount:
        histogram.is_native = histogram.is_native || field->varint > 0;
        break;
      case kZeroCountFloat:
        zero_float = AsDouble(*field) > 0;
        break;
      case kNegativeSpan:
      case kPositiveSpan:
        histogram.is_native = true;
        break;
      case kCreated:
        histogram.created = field->bytes;
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) return CutOff();
  histogram.is_native = histogram.is_native || zero_float;
  histogram.floats = count_float > 0 || zero_float;
  if (histogram.count == 0) histogram.count = count_float;
  return histogram;
}

Result<HistogramPtr> MakeNativeHistogram(const ProtoHistogram& histogram, bool gauge) {
  auto h = std::make_shared<Histogram>();
  h->integer = !histogram.floats;
  h->count = histogram.count;
  h->sum = histogram.sum;
  if (gauge) h->reset_hint = CounterResetHint::kGauge;
  BucketColumn negative(&h->negative_buckets);
  BucketColumn positive(&h->positive_buckets);
  ProtoReader reader(histogram.message);
  while (const auto field = reader.Next()) {
    if (!ReadField(*field, h.get(), &negative, &positive)) return CutOff();
  }
  if (!reader.ok()) return CutOff();
  return HistogramPtr(std::move(h));
}

}  // namespace vigil::exposition

// SPDX-License-Identifier: Apache-2.0
#include "server/remote/otlp_points.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <string>

#include "client-lib/model/histogram_text.h"
#include "server/remote/proto_reader.h"

namespace vigil::remote {
namespace {

constexpr uint32_t kTime = 3;
constexpr uint64_t kNoRecordedValue = 1;
constexpr double kDefaultZeroThreshold = 1e-128;
// Upstream's limit for the labels of an exemplar, in characters.
constexpr size_t kMaxExemplarRunes = 128;

// Where the fields stand that points of all types have; 0: nowhere.
struct Common {
  uint32_t attributes;
  uint32_t exemplars;
  uint32_t flags;
};

Common CommonOf(OtlpType type) {
  switch (type) {
    case OtlpType::kHistogram:
      return {9, 8, 10};
    case OtlpType::kExponential:
      return {1, 11, 10};
    case OtlpType::kSummary:
      return {7, 0, 8};
    default:
      return {7, 5, 8};
  }
}

TimestampMs MillisecondsOf(uint64_t ns) { return static_cast<TimestampMs>(ns / 1'000'000); }
double DoubleOf(const ProtoField& field) { return std::bit_cast<double>(field.varint); }
double IntegerOf(const ProtoField& field) {
  return static_cast<double>(static_cast<int64_t>(field.varint));
}
int32_t Int32Of(uint64_t value) {
  return static_cast<int32_t>(static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1));
}

// Numbers of eight bytes, packed or one by one.
template <typename T>
bool AddFixed(const ProtoField& field, std::vector<T>* out) {
  if (field.type == WireType::kFixed64) {
    out->push_back(std::bit_cast<T>(field.varint));
    return true;
  }
  if (field.type != WireType::kLength || field.bytes.size() % sizeof(T) != 0) return false;
  const size_t first = out->size();
  out->resize(first + field.bytes.size() / sizeof(T));
  if (!field.bytes.empty()) std::memcpy(&(*out)[first], field.bytes.data(), field.bytes.size());
  return true;
}

bool AddVarints(const ProtoField& field, std::vector<uint64_t>* out) {
  if (field.type == WireType::kVarint) {
    out->push_back(field.varint);
    return true;
  }
  if (field.type != WireType::kLength) return false;
  std::string_view rest = field.bytes;
  while (!rest.empty()) {
    if (!TakeVarint(&rest, &out->emplace_back())) return false;
  }
  return true;
}

bool ReadBuckets(std::string_view message, OtlpBuckets* out) {
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == 1) out->offset = Int32Of(field->varint);
    if (field->number == 2 && !AddVarints(*field, &out->counts)) return false;
  }
  return reader.ok();
}

bool ReadQuantile(std::string_view message, OtlpPoint* out) {
  auto& [quantile, value] = out->quantiles.emplace_back();
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == 1) quantile = DoubleOf(*field);
    if (field->number == 2) value = DoubleOf(*field);
  }
  return reader.ok();
}

bool ReadNumberField(const ProtoField& field, OtlpPoint* out) {
  if (field.number == 4) out->value = DoubleOf(field);
  if (field.number == 6) out->value = IntegerOf(field);
  return true;
}

bool ReadHistogramField(const ProtoField& field, OtlpPoint* out) {
  if (field.number == 4) out->count = field.varint;
  if (field.number == 5) out->sum = DoubleOf(field);
  if (field.number == 6) return AddFixed(field, &out->bucket_counts);
  if (field.number == 7) return AddFixed(field, &out->bounds);
  return true;
}

bool ReadExponentialField(const ProtoField& field, OtlpPoint* out) {
  if (field.number == 4) out->count = field.varint;
  if (field.number == 5) out->sum = DoubleOf(field);
  if (field.number == 6) out->scale = Int32Of(field.varint);
  if (field.number == 7) out->zero_count = field.varint;
  if (field.number == 8) return ReadBuckets(field.bytes, &out->positive);
  if (field.number == 9) return ReadBuckets(field.bytes, &out->negative);
  if (field.number == 14) out->zero_threshold = DoubleOf(field);
  return true;
}

bool ReadSummaryField(const ProtoField& field, OtlpPoint* out) {
  if (field.number == 4) out->count = field.varint;
  if (field.number == 5) out->sum = DoubleOf(field);
  if (field.number == 6) return ReadQuantile(field.bytes, out);
  return true;
}

bool ReadOwnField(OtlpType type, const ProtoField& field, OtlpPoint* out) {
  switch (type) {
    case OtlpType::kHistogram:
      return ReadHistogramField(field, out);
    case OtlpType::kExponential:
      return ReadExponentialField(field, out);
    case OtlpType::kSummary:
      return ReadSummaryField(field, out);
    default:
      return ReadNumberField(field, out);
  }
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[c & 15];
  }
  return text;
}

size_t Runes(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// A bucket of an exponential histogram of OTLP begins where one of ours ends: its index is one
// less, which `shift` makes good.
bool Lay(const OtlpBuckets& buckets, int32_t scale_down, int32_t shift,
         std::vector<BucketSpan>* spans, std::vector<double>* out) {
  // Gaps this short are cheaper as empty buckets, as upstream has it.
  constexpr int64_t kShortGap = 2;
  int64_t last = 0;  // index of the last bucket in *out
  for (size_t i = 0; i < buckets.counts.size(); ++i) {
    if (buckets.counts[i] == 0) continue;
    const int64_t index =
        ((int64_t{buckets.offset} + static_cast<int64_t>(i)) >> scale_down) + shift;
    if (index < std::numeric_limits<int32_t>::min() ||
        index > std::numeric_limits<int32_t>::max()) {
      return false;
    }
    const auto count = static_cast<double>(buckets.counts[i]);
    if (!out->empty() && index == last) {
      out->back() += count;
      continue;
    }
    const int64_t gap = out->empty() ? index : index - last - 1;
    if (out->empty() || gap > kShortGap) {
      if (gap > std::numeric_limits<int32_t>::max()) return false;
      spans->push_back({static_cast<int32_t>(gap), 0});
    } else {
      out->insert(out->end(), static_cast<size_t>(gap), 0.0);
      spans->back().length += static_cast<uint32_t>(gap);
    }
    out->push_back(count);
    ++spans->back().length;
    last = index;
  }
  return true;
}

}  // namespace

bool ReadOtlpPoint(OtlpType type, std::string_view message, OtlpPoint* out) {
  const Common common = CommonOf(type);
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    const bool length = field->type == WireType::kLength;
    if (field->number == common.attributes) {
      if (!length || !ReadOtlpAttribute(field->bytes, &out->attributes)) return false;
    } else if (field->number == common.exemplars) {
      if (!length) return false;
      out->exemplars.push_back(field->bytes);
    } else if (field->number == common.flags) {
      out->no_value = (field->varint & kNoRecordedValue) != 0;
    } else if (field->number == kTime) {
      out->time = MillisecondsOf(field->varint);
    } else if (!ReadOwnField(type, *field, out)) {
      return false;
    }
  }
  return reader.ok();
}

bool ReadOtlpExemplar(std::string_view message, OtlpExemplar* out) {
  std::vector<OtlpAttribute> ids;
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    const bool length = field->type == WireType::kLength;
    if (field->number == 2) out->time = MillisecondsOf(field->varint);
    if (field->number == 3) out->value = DoubleOf(*field);
    if (field->number == 6) out->value = IntegerOf(*field);
    if (field->number == 4 && length && !field->bytes.empty()) {
      ids.push_back({"span_id", Hex(field->bytes)});
    }
    if (field->number == 5 && length && !field->bytes.empty()) {
      ids.push_back({"trace_id", Hex(field->bytes)});
    }
    if (field->number == 7 && (!length || !ReadOtlpAttribute(field->bytes, &out->attributes))) {
      return false;
    }
  }
  size_t runes = 0;
  for (const auto* part : {&ids, &out->attributes}) {
    for (const OtlpAttribute& one : *part) runes += Runes(one.key) + Runes(one.value);
  }
  if (runes > kMaxExemplarRunes) out->attributes.clear();
  out->attributes.insert(out->attributes.end(), ids.begin(), ids.end());
  return reader.ok();
}

Result<HistogramPtr> NativeHistogramOf(const OtlpPoint& point) {
  if (point.scale < kMinExponentialSchema) {
    return BadData("cannot convert exponential to native histogram. Scale must be >= -4, was " +
                   std::to_string(point.scale));
  }
  auto histogram = std::make_shared<Histogram>();
  histogram->integer = true;
  histogram->schema = std::min(point.scale, kMaxExponentialSchema);
  const int32_t scale_down = std::min(point.scale - histogram->schema, 31);
  histogram->zero_threshold =
      point.zero_threshold == 0 ? kDefaultZeroThreshold : point.zero_threshold;
  histogram->zero_count = static_cast<double>(point.zero_count);
  histogram->count = static_cast<double>(point.count);
  histogram->sum = point.sum.value_or(0);
  if (!Lay(point.positive, scale_down, 1, &histogram->positive_spans,
           &histogram->positive_buckets) ||
      !Lay(point.negative, scale_down, 1, &histogram->negative_spans,
           &histogram->negative_buckets)) {
    return BadData("cannot convert exponential to native histogram: a bucket is out of range");
  }
  TRY_CONTEXT(ValidateHistogram(*histogram), "cannot convert exponential to native histogram");
  return HistogramPtr(std::move(histogram));
}

Result<HistogramPtr> CustomHistogramOf(const OtlpPoint& point) {
  auto histogram = std::make_shared<Histogram>();
  histogram->integer = true;
  histogram->schema = kCustomBucketsSchema;
  histogram->custom_values = point.bounds;
  histogram->count = static_cast<double>(point.count);
  histogram->sum = point.sum.value_or(0);
  if (!Lay({0, point.bucket_counts}, 0, 0, &histogram->positive_spans,
           &histogram->positive_buckets)) {
    return BadData("cannot convert histogram to native histogram: a bucket is out of range");
  }
  TRY_CONTEXT(ValidateHistogram(*histogram), "cannot convert histogram to native histogram");
  return HistogramPtr(std::move(histogram));
}

}  // namespace vigil::remote

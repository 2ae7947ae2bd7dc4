// SPDX-License-Identifier: Apache-2.0
// Native histograms: one sample that is a whole distribution, with buckets laid out by a schema.
// Shapes and names are those of the Prometheus data model; see "Native Histograms" there.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "client-lib/base/clock.h"

namespace vigil {

// What the writer says about a counter reset between the sample before and this one.
enum class CounterResetHint : uint8_t { kUnknown = 0, kReset = 1, kNotReset = 2, kGauge = 3 };

// The buckets are given by custom_values (upper bounds, the last bucket ends at +Inf).
inline constexpr int32_t kCustomBucketsSchema = -53;
// Exponential schemas: bucket i covers (base^(i-1), base^i] with base = 2^(2^-schema).
inline constexpr int32_t kMinExponentialSchema = -4;
inline constexpr int32_t kMaxExponentialSchema = 8;
// Finer schemas up to this one are reserved: who sends them has them made coarser.
inline constexpr int32_t kMaxReservedSchema = 52;

// A schema that histograms in the store and in queries have.
constexpr bool IsKnownSchema(int64_t schema) {
  return schema == kCustomBucketsSchema ||
         (schema >= kMinExponentialSchema && schema <= kMaxExponentialSchema);
}

// A run of consecutive buckets: `offset` buckets are left out since the end of the run before
// (for the first one: the index of its first bucket), then `length` follow.
struct BucketSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const BucketSpan&, const BucketSpan&) = default;
};

// Integer and float histograms alike: counts are float64 (exact up to 2^53), `integer` remembers
// that the writer sent integers, so that they can be given on as such. Bucket counts are absolute,
// neither deltas nor cumulative.
struct Histogram {
  CounterResetHint reset_hint = CounterResetHint::kUnknown;
  bool integer = false;
  int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<BucketSpan> positive_spans;
  std::vector<BucketSpan> negative_spans;
  std::vector<double> positive_buckets;  // as many as the lengths of positive_spans add up to
  std::vector<double> negative_buckets;
  std::vector<double> custom_values;  // of schema kCustomBucketsSchema only
};

// Samples are immutable and shared between store, engine and results.
using HistogramPtr = std::shared_ptr<const Histogram>;

// A series' end is always marked by a float staleness marker, also when the series has histograms.
struct HistogramSample {
  TimestampMs timestamp = 0;
  HistogramPtr histogram;
  TimestampMs start_timestamp = 0;  // since when it has counted; 0: not known
};

}  // namespace vigil

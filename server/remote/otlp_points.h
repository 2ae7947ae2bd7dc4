// SPDX-License-Identifier: Apache-2.0
// Data points of OTLP as values (otlp_metrics.proto).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/histogram.h"
#include "client-lib/model/sample.h"
#include "server/remote/otlp_attributes.h"

namespace vigil::remote {

enum class OtlpType { kNone, kGauge, kSum, kHistogram, kExponential, kSummary };

struct OtlpBuckets {
  int32_t offset = 0;
  std::vector<uint64_t> counts;
};

// Of any type; what a type does not have stays as it is.
struct OtlpPoint {
  std::vector<OtlpAttribute> attributes;
  TimestampMs time = 0;
  bool no_value = false;  // the series has ended
  double value = 0;
  uint64_t count = 0;
  std::optional<double> sum;
  std::vector<uint64_t> bucket_counts;
  std::vector<double> bounds;
  int32_t scale = 0;
  uint64_t zero_count = 0;
  double zero_threshold = 0;
  OtlpBuckets positive;
  OtlpBuckets negative;
  std::vector<std::pair<double, double>> quantiles;
  std::vector<std::string_view> exemplars;  // messages
};

struct OtlpExemplar {
  std::vector<OtlpAttribute> attributes;
  TimestampMs time = 0;
  double value = 0;
};

// False when the message is broken.
bool ReadOtlpPoint(OtlpType type, std::string_view message, OtlpPoint* out);
// trace_id and span_id are attributes, too; the others are left out when all together are too long
// for an exemplar.
bool ReadOtlpExemplar(std::string_view message, OtlpExemplar* out);

// bad_data when the point is none that a native histogram can be.
Result<HistogramPtr> NativeHistogramOf(const OtlpPoint& point);
// The same for a histogram with bounds: they become custom buckets.
Result<HistogramPtr> CustomHistogramOf(const OtlpPoint& point);

}  // namespace vigil::remote

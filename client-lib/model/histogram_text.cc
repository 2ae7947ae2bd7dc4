// SPDX-License-Identifier: Apache-2.0
#include "client-lib/model/histogram_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/histogram_math.h"

namespace vigil {
namespace {

// %g of Go's fmt.
std::string Number(double v) {
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  return std::isnan(v) ? "NaN" : FormatFloatG(v);
}

std::string BucketText(const HistogramBucket& b) {
  return fmt::format(", {}{},{}{}:{}", b.lower_inclusive ? '[' : '(', Number(b.lower),
                     Number(b.upper), b.upper_inclusive ? ']' : ')', Number(b.count));
}

std::string NumberList(const std::vector<double>& values) {
  std::string text;
  for (const double v : values) {
    if (!text.empty()) text += ' ';
    text += Number(v);
  }
  return "[" + text + "]";
}

void AppendSide(std::string_view prefix, const std::vector<BucketSpan>& spans,
                const std::vector<double>& buckets, std::vector<std::string>* parts) {
  if (!spans.empty() && spans[0].offset != 0) {
    parts->push_back(fmt::format("{}offset:{}", prefix, spans[0].offset));
  }
  if (!buckets.empty()) parts->push_back(fmt::format("{}buckets:{}", prefix, NumberList(buckets)));
}

Result<void> CheckSide(std::string_view side, const std::vector<BucketSpan>& spans,
                       const std::vector<double>& buckets) {
  uint64_t covered = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i > 0 && spans[i].offset < 0) {
      return BadData(
          fmt::format("{} side: span number {} with offset {}: histogram has a span "
                      "whose offset is negative",
                      side, i + 1, spans[i].offset));
    }
    covered += spans[i].length;
  }
  if (covered != buckets.size()) {
    return BadData(
        fmt::format("{} side: spans need {} buckets, have {} buckets: histogram spans "
                    "specify different number of buckets than provided",
                    side, covered, buckets.size()));
  }
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i] < 0) {
      return BadData(
          fmt::format("{} side: bucket number {} has observation count of {}: histogram "
                      "has a bucket whose observation count is negative",
                      side, i + 1, Number(buckets[i])));
    }
  }
  return Ok();
}

Error InvalidSchema(int32_t schema) {
  return BadData(
      fmt::format("histogram has an invalid schema, which must be between -4 and 8 for "
                  "exponential buckets, or -53 for custom buckets, got schema {}",
                  schema));
}

Result<void> CheckCustom(const Histogram& h) {
  double previous = -std::numeric_limits<double>::infinity();
  for (const double bound : h.custom_values) {
    if (!(bound > previous) || std::isinf(bound)) {
      return BadData(
          fmt::format("custom buckets: previous bound is {} and current is {}: histogram "
                      "custom bounds must be in strictly increasing order",
                      Number(previous), Number(bound)));
    }
    previous = bound;
  }
  int64_t end = 0;
  for (const BucketSpan& span : h.positive_spans) {
    if (span.offset < 0) {
      return BadData("custom buckets: histogram has a span whose offset is negative");
    }
    end += int64_t{span.offset} + span.length;
  }
  if (end > static_cast<int64_t>(h.custom_values.size()) + 1) {
    return BadData(
        fmt::format("custom buckets: only {} custom bounds defined which is insufficient "
                    "to cover total span length of {}: histogram custom bounds are too "
                    "few",
                    h.custom_values.size(), end));
  }
  if (h.zero_count != 0) return BadData("custom buckets: must have zero count of 0");
  if (h.zero_threshold != 0) return BadData("custom buckets: must have zero threshold of 0");
  if (!h.negative_spans.empty()) return BadData("custom buckets: must not have negative spans");
  if (!h.negative_buckets.empty()) {
    return BadData("custom buckets: must not have negative buckets");
  }
  return Ok();
}

}  // namespace

std::string HistogramText(const Histogram& h) {
  std::string text = fmt::format("{{count:{}, sum:{}", Number(h.count), Number(h.sum));
  std::vector<HistogramBucket> negative;
  BucketCursor down(h, HistogramSide::kNegative);
  while (down.Next()) {
    if (down.count() != 0) negative.push_back(down.At());
  }
  for (auto it = negative.rbegin(); it != negative.rend(); ++it) text += BucketText(*it);
  if (h.zero_count != 0) text += BucketText(ZeroBucket(h));
  BucketCursor up(h, HistogramSide::kPositive);
  while (up.Next()) {
    if (up.count() != 0) text += BucketText(up.At());
  }
  return text + "}";
}

std::string HistogramTestText(const Histogram& h) {
  Histogram compact = h;
  CompactHistogram(&compact, std::numeric_limits<size_t>::max());
  std::vector<std::string> parts;
  const auto add = [&parts](std::string_view name, double v) {
    if (v != 0) parts.push_back(fmt::format("{}:{}", name, Number(v)));
  };
  add("schema", compact.schema);
  add("count", compact.count);
  add("sum", compact.sum);
  add("z_bucket", compact.zero_count);
  add("z_bucket_w", compact.zero_threshold);
  if (UsesCustomBuckets(compact)) {
    parts.push_back("custom_values:" + NumberList(compact.custom_values));
  }
  if (compact.reset_hint == CounterResetHint::kReset) parts.push_back("counter_reset_hint:reset");
  if (compact.reset_hint == CounterResetHint::kNotReset) {
    parts.push_back("counter_reset_hint:not_reset");
  }
  if (compact.reset_hint == CounterResetHint::kGauge) parts.push_back("counter_reset_hint:gauge");
  AppendSide("", compact.positive_spans, compact.positive_buckets, &parts);
  AppendSide("n_", compact.negative_spans, compact.negative_buckets, &parts);
  return fmt::format("{{{{{}}}}}", fmt::join(parts, " "));
}

Result<void> ValidateHistogram(const Histogram& h) {
  if (UsesCustomBuckets(h)) {
    TRY(CheckCustom(h));
  } else if (!IsKnownSchema(h.schema)) {
    return InvalidSchema(h.schema);
  } else {
    TRY(CheckSide("negative", h.negative_spans, h.negative_buckets));
    if (h.zero_count < 0) {
      return BadData(
          fmt::format("zero bucket has observation count of {}: histogram has a bucket "
                      "whose observation count is negative",
                      Number(h.zero_count)));
    }
    if (!h.custom_values.empty()) {
      return BadData("histogram with exponential schema must not have custom bounds");
    }
  }
  if (h.count < 0) {
    return BadData(fmt::format("observation count is {}: histogram's observation count is negative",
                               Number(h.count)));
  }
  return CheckSide("positive", h.positive_spans, h.positive_buckets);
}

Result<void> FitSchema(Histogram* h) {
  if (IsFinerThanStored(*h)) ReduceResolution(h, kMaxExponentialSchema);
  if (!IsKnownSchema(h->schema)) return InvalidSchema(h->schema);
  return Ok();
}

Result<void> AdmitHistogram(Histogram* h) {
  const int32_t schema = h->schema;
  // Spans and buckets are judged as they came: making them coarser would hide what does not fit.
  if (IsFinerThanStored(*h)) h->schema = kMaxExponentialSchema;
  TRY(ValidateHistogram(*h));
  h->schema = schema;
  return FitSchema(h);
}

}  // namespace vigil

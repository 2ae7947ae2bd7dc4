// SPDX-License-Identifier: Apache-2.0
// The texts of warnings and infos.
#include "server/promql/annotations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/float_text.h"
#include "server/promql/parser.h"

namespace vigil::promql {
namespace {

template <typename Texts>
std::vector<std::string> WithPositions(const Texts& texts, std::string_view query) {
  std::vector<std::string> out;
  out.reserve(texts.size());
  for (const auto& [text, pos] : texts) {
    out.push_back(query.empty() ? text
                                : fmt::format("{} ({})", text, PositionText(query, pos.begin)));
  }
  return out;
}

}  // namespace

void Annotations::Warn(PosRange pos, std::string_view text) {
  warnings_[fmt::format("PromQL warning: {}", text)] = pos;
}

void Annotations::Info(PosRange pos, std::string_view text) {
  infos_[fmt::format("PromQL info: {}", text)] = pos;
}

void Annotations::AddStoreWarning(std::string_view text) {
  store_warnings_[std::string(text)] = true;
}

std::vector<std::string> Annotations::Warnings(std::string_view query) const {
  std::vector<std::string> out = WithPositions(warnings_, query);
  for (const auto& [text, unused] : store_warnings_) out.push_back(text);
  return out;
}

std::vector<std::string> Annotations::Infos(std::string_view query) const {
  std::vector<std::string> out = WithPositions(infos_, query);
  for (const auto& [text, seen] : monotonicity_) {
    out.push_back(fmt::format(
        "{}, from buckets {} to {}, with a max diff of {:.2g}, over {} samples from {} to {} ({})",
        text, GoG(seen.min_bucket), GoG(seen.max_bucket), seen.max_diff, seen.samples,
        FormatRfc3339(seen.first), FormatRfc3339(seen.last), PositionText(query, seen.pos.begin)));
  }
  std::ranges::sort(out);
  return out;
}

std::string ForMetric(std::string_view metric) {
  return metric.empty() ? std::string() : fmt::format(" for metric name {}", Quote(metric));
}

std::string GoG(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return FormatFloatG(value);
}

void Annotations::InvalidQuantile(PosRange pos, double q) {
  Warn(pos, fmt::format("quantile value should be between 0 and 1, got {}", GoG(q)));
}

void Annotations::InvalidRatio(PosRange pos, double ratio, double capped) {
  Warn(pos, fmt::format("ratio value should be between -1 and 1, got {}, capping to {}", GoG(ratio),
                        GoG(capped)));
}

void Annotations::BadBucketLabel(PosRange pos, std::string_view metric, std::string_view le) {
  Warn(pos, fmt::format("bucket label \"le\" is missing or has a malformed value of {}{}",
                        Quote(le), ForMetric(metric)));
}

void Annotations::PossibleNonCounter(PosRange pos, std::string_view metric) {
  Info(pos, fmt::format("metric might not be a counter, name does not end in "
                        "_total/_sum/_count/_bucket: {}",
                        Quote(metric)));
}

void Annotations::PossibleNonCounterType(PosRange pos, std::string_view metric,
                                         std::string_view type) {
  Info(pos, fmt::format("metric might not be a counter, __type__ label is not set to \"counter\" "
                        "or \"histogram\", got {}: {}",
                        Quote(type), Quote(metric)));
}

void Annotations::ForcedMonotonicity(PosRange pos, std::string_view metric, TimestampMs at,
                                     double min_bucket, double max_bucket, double max_diff) {
  const std::string text = fmt::format(
      "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
      "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}",
      ForMetric(metric));
  const auto [entry, fresh] = monotonicity_.try_emplace(
      text, Monotonicity{pos, min_bucket, max_bucket, max_diff, 0, at, at});
  Monotonicity& seen = entry->second;
  seen.min_bucket = std::min(seen.min_bucket, min_bucket);
  seen.max_bucket = std::max(seen.max_bucket, max_bucket);
  seen.max_diff = std::max(seen.max_diff, max_diff);
  seen.first = std::min(seen.first, at);
  seen.last = std::max(seen.last, at);
  ++seen.samples;
}

void Annotations::IncompatibleTypes(PosRange pos, std::string_view lhs, std::string_view op,
                                    std::string_view rhs) {
  Info(pos, fmt::format("incompatible sample types encountered for binary operator {}: {} {} {}",
                        Quote(op), lhs, op, rhs));
}

void Annotations::MixedFloatsHistograms(PosRange pos, std::string_view metric) {
  Warn(pos,
       fmt::format("encountered a mix of histograms and floats for metric name {}", Quote(metric)));
}

void Annotations::MixedAggregation(PosRange pos) {
  Warn(pos, "encountered a mix of histograms and floats for aggregation");
}

void Annotations::MixedClassicNative(PosRange pos, std::string_view metric) {
  Warn(pos,
       fmt::format("vector contains a mix of classic and native histograms{}", ForMetric(metric)));
}

void Annotations::MixedSchemas(PosRange pos, std::string_view metric) {
  Warn(pos, fmt::format("vector contains a mix of histograms with exponential and custom buckets "
                        "schemas for metric name {}",
                        Quote(metric)));
}

void Annotations::HistogramNotCounter(PosRange pos, std::string_view metric) {
  Warn(pos, fmt::format("this native histogram metric is not a counter: {}", Quote(metric)));
}

void Annotations::HistogramNotGauge(PosRange pos, std::string_view metric) {
  Warn(pos, fmt::format("this native histogram metric is not a gauge: {}", Quote(metric)));
}

void Annotations::IncompatibleLayout(PosRange pos, std::string_view op) {
  Warn(pos, fmt::format("incompatible bucket layout encountered for binary operator {}", op));
}

void Annotations::ResetCollision(PosRange pos, std::string_view operation) {
  Warn(pos, fmt::format("conflicting counter resets during histogram {}", operation));
}

void Annotations::BoundsReconciled(PosRange pos, std::string_view operation) {
  Info(pos, fmt::format("mismatched custom buckets were reconciled during {}", operation));
}

void Annotations::IgnoredInAggregation(PosRange pos, std::string_view aggregation) {
  Info(pos, fmt::format("ignored histogram in {} aggregation", aggregation));
}

void Annotations::IgnoredInRange(PosRange pos, std::string_view metric) {
  Info(pos, fmt::format("ignored histograms in a range containing both floats and histograms for "
                        "metric name {}",
                        Quote(metric)));
}

void Annotations::StartTimesOverlap(PosRange pos, std::string_view metric) {
  Warn(pos, fmt::format("overlapping start times detected for metric name {}", Quote(metric)));
}

void Annotations::NanInQuantile(PosRange pos, std::string_view metric, std::string_view result) {
  Info(pos, fmt::format("input to histogram_quantile has NaN observations, result is {}{}", result,
                        ForMetric(metric)));
}

void Annotations::NanInFraction(PosRange pos, std::string_view metric) {
  Info(pos, fmt::format("input to histogram_fraction has NaN observations, which are excluded from "
                        "all fractions{}",
                        ForMetric(metric)));
}

}  // namespace vigil::promql

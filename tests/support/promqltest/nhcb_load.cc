// SPDX-License-Identifier: Apache-2.0
#include "tests/support/promqltest/nhcb_load.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_math.h"
#include "client-lib/model/histogram_text.h"

namespace vigil::tests {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A classic histogram at one time.
struct Classic {
  std::map<double, double> buckets;  // cumulative counts by bound
  std::optional<double> count;
  double sum = 0;
};

using ClassicsOfSeries = std::map<TimestampMs, Classic>;

Labels WithName(const Labels& labels, std::string_view name) {
  LabelsBuilder builder(labels);
  builder.Delete("le");
  builder.Set(kMetricName, name);
  return builder.Build();
}

Result<Histogram> Convert(Classic classic) {
  if (classic.buckets.empty() || classic.buckets.rbegin()->first != kInfinity) {
    double count = classic.count.value_or(0);
    if (!classic.count && !classic.buckets.empty()) count = classic.buckets.rbegin()->second;
    classic.buckets[kInfinity] = count;
  }
  Histogram histogram;
  histogram.schema = kCustomBucketsSchema;
  histogram.sum = classic.sum;
  histogram.count = classic.count.value_or(classic.buckets.rbegin()->second);
  double before = 0;
  for (const auto& [bound, cumulative] : classic.buckets) {
    if (cumulative < before) return BadData("the bucket counts of a histogram are not cumulative");
    histogram.positive_buckets.push_back(cumulative - before);
    before = cumulative;
    if (bound != kInfinity) histogram.custom_values.push_back(bound);
  }
  if (histogram.count != before && !std::isnan(before)) {
    return BadData("the count of a histogram is not that of its last bucket");
  }
  histogram.positive_spans = {{0, static_cast<uint32_t>(histogram.positive_buckets.size())}};
  CompactHistogram(&histogram, 2);
  TRY(ValidateHistogram(histogram));
  return histogram;
}

}  // namespace

Result<void> LoadCustomBuckets(const LoadCommand& load, MemoryStorage* storage) {
  std::map<Labels, ClassicsOfSeries> all;
  const auto each = [&](const SeriesLine& line, std::string_view suffix, auto set) {
    const std::string_view name = line.labels.MetricName();
    ClassicsOfSeries& series =
        all[WithName(line.labels, name.substr(0, name.size() - suffix.size()))];
    TimestampMs timestamp = 0;
    for (const SeriesValue& value : line.values) {
      if (value.kind == SeriesValue::Kind::kFloat) set(series[timestamp], value.value);
      timestamp += load.gap_ms;
    }
  };
  for (const SeriesLine& line : load.series) {
    const std::string_view name = line.labels.MetricName();
    if (name.ends_with("_bucket")) {
      const std::optional<double> bound = ParseFloat(line.labels.Get("le"));
      if (!bound || std::isnan(*bound)) continue;
      each(line, "_bucket", [&](Classic& classic, double v) { classic.buckets[*bound] = v; });
    } else if (name.ends_with("_count")) {
      each(line, "_count", [](Classic& classic, double v) { classic.count = v; });
    } else if (name.ends_with("_sum")) {
      each(line, "_sum", [](Classic& classic, double v) { classic.sum = v; });
    }
  }
  for (auto& [labels, series] : all) {
    for (auto& [timestamp, classic] : series) {
      storage->AddHistogram(labels, timestamp,
                            TRY_CONTEXT(Convert(std::move(classic)), labels.ToMetricString()));
    }
  }
  return Ok();
}

}  // namespace vigil::tests

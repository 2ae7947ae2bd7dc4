// SPDX-License-Identifier: Apache-2.0
#include "tests/support/promqltest/nhcb_load.h"

#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "client-lib/model/classic_histogram.h"
#include "client-lib/model/float_text.h"

namespace vigil::tests {
namespace {

using ClassicsOfSeries = std::map<TimestampMs, ClassicHistogram>;

Labels WithName(const Labels& labels, std::string_view name) {
  LabelsBuilder builder(labels);
  builder.Delete("le");
  builder.Set(kMetricName, name);
  return builder.Build();
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
      each(line, "_bucket", [&](ClassicHistogram& classic, double v) {
        classic.buckets.push_back({*bound, v});
      });
    } else if (name.ends_with("_count")) {
      each(line, "_count", [](ClassicHistogram& classic, double v) { classic.count = v; });
    } else if (name.ends_with("_sum")) {
      each(line, "_sum", [](ClassicHistogram& classic, double v) { classic.sum = v; });
    }
  }
  for (auto& [labels, series] : all) {
    for (auto& [timestamp, classic] : series) {
      Histogram histogram =
          TRY_CONTEXT(WithCustomBuckets(std::move(classic)), labels.ToMetricString());
      histogram.integer = false;  // scripts have floats
      storage->AddHistogram(labels, timestamp, std::move(histogram));
    }
  }
  return Ok();
}

}  // namespace vigil::tests

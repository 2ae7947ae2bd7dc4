// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/series_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"

namespace vigil::scrape {
namespace {

// Names of labels written as name="": ParseSeries drops them, as an empty label is a missing one,
// but with honor_labels they take the target's label away.
std::vector<std::string> EmptyLabelNames(std::string_view series) {
  std::vector<std::string> names;
  bool quoted = false;
  for (size_t i = 0; i < series.size(); ++i) {
    if (quoted && series[i] == '\\') {
      ++i;
      continue;
    }
    if (series[i] != '"') continue;
    quoted = !quoted;
    if (!quoted || i + 1 >= series.size() || series[i + 1] != '"') continue;
    size_t end = i;
    while (end > 0 && (series[end - 1] == ' ' || series[end - 1] == '\t')) --end;
    if (end == 0 || series[end - 1] != '=') continue;
    std::string_view before = TrimSpace(series.substr(0, end - 1));
    if (!before.empty() && before.back() == '"') before.remove_suffix(1);
    size_t begin = before.find_last_of("{, \t\"");
    names.emplace_back(before.substr(begin == std::string_view::npos ? 0 : begin + 1));
  }
  return names;
}

void HonorExposedLabels(std::string_view series, const Labels& target, LabelsBuilder* labels) {
  std::vector<std::string> removed;
  if (series.find("\"\"") != std::string_view::npos) removed = EmptyLabelNames(series);
  for (LabelView label : target) {
    if (labels->Has(label.name)) continue;
    if (std::find(removed.begin(), removed.end(), label.name) != removed.end()) continue;
    labels->Set(label.name, label.value);
  }
}

void OverrideExposedLabels(const Labels& target, LabelsBuilder* labels) {
  std::vector<std::pair<std::string, std::string>> conflicts;
  for (LabelView label : target) {
    std::string_view exposed = labels->Get(label.name);
    if (!exposed.empty()) conflicts.emplace_back(label.name, exposed);
    labels->Set(label.name, label.value);
  }
  // Shorter names first: `a` and `exported_a` in conflict become exported_a and
  // exported_exported_a in a defined way.
  std::stable_sort(conflicts.begin(), conflicts.end(),
                   [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
  for (const auto& [name, value] : conflicts) {
    std::string free_name = "exported_" + name;
    while (labels->Has(free_name)) free_name = "exported_" + free_name;
    labels->Set(free_name, value);
  }
}

void NormalizeBucketLabel(exposition::MetricType family, LabelsBuilder* labels) {
  std::string_view name;
  if (family == exposition::MetricType::kHistogram) name = "le";
  if (family == exposition::MetricType::kSummary) name = "quantile";
  if (name.empty() || !labels->Has(name)) return;
  std::string normalized = NormalizedFloat(labels->Get(name));
  labels->Set(name, normalized);
}

// Upstream's %.50s
std::string_view Cut(std::string_view text) { return text.substr(0, 50); }

Result<void> CheckLabelLimits(const LabelsBuilder& labels, const config::ScrapeConfig& job) {
  if (job.label_limit == 0 && job.label_name_length_limit == 0 &&
      job.label_value_length_limit == 0) {
    return Ok();
  }
  std::string_view metric = Cut(labels.Get(kMetricName));
  size_t count = labels.pairs().size();
  if (job.label_limit != 0 && count > job.label_limit) {
    return BadData(fmt::format("label_limit exceeded (metric: {}, number of labels: {}, limit: {})",
                               metric, count, job.label_limit));
  }
  for (const auto& [name, value] : labels.pairs()) {
    if (job.label_name_length_limit != 0 && name.size() > job.label_name_length_limit) {
      return BadData(fmt::format(
          "label_name_length_limit exceeded (metric: {}, label name: {}, length: {}, limit: {})",
          metric, Cut(name), name.size(), job.label_name_length_limit));
    }
    if (job.label_value_length_limit != 0 && value.size() > job.label_value_length_limit) {
      return BadData(fmt::format(
          "label_value_length_limit exceeded (metric: {}, label name: {}, value: {}, "
          "length: {}, limit: {})",
          metric, Cut(name), Quote(Cut(value)), value.size(), job.label_value_length_limit));
    }
  }
  return Ok();
}

Result<void> CheckNames(const LabelsBuilder& labels, const config::ScrapeConfig& job) {
  std::string_view metric = labels.Get(kMetricName);
  if (metric.empty()) return BadData("missing metric name (__name__ label)");
  bool legacy = job.metric_name_validation_scheme == "legacy";
  bool good = legacy ? IsLegacyMetricName(metric) : IsUtf8Name(metric);
  for (const auto& [name, value] : labels.pairs()) {
    good = good && (legacy ? IsLegacyLabelName(name) : IsUtf8Name(name));
  }
  if (good) return Ok();
  return BadData("invalid metric name or label names: " + labels.Build().ToString());
}

}  // namespace

std::string NormalizedFloat(std::string_view text) {
  std::optional<double> value = ParseFloat(text);
  if (!value) return std::string(text);
  std::string out = FormatFloatExposition(*value);
  if (!std::isfinite(*value) || out.find_first_of("e.") != std::string::npos) return out;
  return out + ".0";
}

void JoinTargetLabels(std::string_view series, const Labels& target, bool honor,
                      LabelsBuilder* labels) {
  if (honor) {
    HonorExposedLabels(series, target, labels);
  } else {
    OverrideExposedLabels(target, labels);
  }
}

Result<bool> MakeSeriesLabels(std::string_view series, exposition::MetricType family,
                              const Labels& target, const config::ScrapeConfig& job,
                              LabelsBuilder* out) {
  TRY(exposition::ParseSeries(series, out));
  NormalizeBucketLabel(family, out);
  JoinTargetLabels(series, target, job.honor_labels, out);
  if (!Relabel(job.metric_relabel_configs, out) || out->pairs().empty()) return false;
  TRY(CheckNames(*out, job));
  TRY(CheckLabelLimits(*out, job));
  return true;
}

}  // namespace vigil::scrape

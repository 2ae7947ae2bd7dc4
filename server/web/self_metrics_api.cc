// SPDX-License-Identifier: Apache-2.0
#include "server/web/self_metrics_api.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "client-lib/exposition/text_reader.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/matcher.h"

namespace vigil::web {
namespace {

using exposition::MetricType;

std::string_view ProtoTypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "COUNTER";
    case MetricType::kGauge:
      return "GAUGE";
    case MetricType::kSummary:
      return "SUMMARY";
    case MetricType::kHistogram:
      return "HISTOGRAM";
    default:
      return "UNTYPED";
  }
}

// A double as protobuf's JSON has it.
void WriteDouble(double value, JsonWriter& json) {
  if (std::isnan(value)) {
    json.String("NaN");
  } else if (std::isinf(value)) {
    json.String(value > 0 ? "Infinity" : "-Infinity");
  } else {
    json.Number(value);
  }
}

// Counts are 64 bit integers, which that JSON writes as text.
void WriteCount(std::string_view key, double value, JsonWriter& json) {
  json.Field(key, FormatFloatF(value));
}

// The series of one label set: one value, or what a summary or histogram consists of.
struct Metric {
  exposition::SeriesPairs labels;
  double value = 0;
  double sum = 0;
  double count = 0;
  std::vector<std::pair<double, double>> parts;  // quantile or upper bound, and its value
};

struct Family {
  std::string name;
  std::string help;
  MetricType type = MetricType::kUnknown;
  std::vector<Metric> metrics;
};

void WriteParts(const Metric& metric, bool summary, JsonWriter& json) {
  json.Key(summary ? "summary" : "histogram").BeginObject();
  WriteCount("sampleCount", metric.count, json);
  WriteDouble(metric.sum, json.Key("sampleSum"));
  if (!metric.parts.empty()) {
    json.Key(summary ? "quantile" : "bucket").BeginArray();
    for (const auto& [at, value] : metric.parts) {
      json.BeginObject();
      if (summary) {
        WriteDouble(at, json.Key("quantile"));
        WriteDouble(value, json.Key("value"));
      } else {
        WriteCount("cumulativeCount", value, json);
        WriteDouble(at, json.Key("upperBound"));
      }
      json.EndObject();
    }
    json.EndArray();
  }
  json.EndObject();
}

void WriteMetric(const Metric& metric, MetricType type, JsonWriter& json) {
  json.BeginObject();
  if (!metric.labels.empty()) {
    json.Key("label").BeginArray();
    for (const auto& [name, value] : metric.labels) {
      json.BeginObject().Field("name", name).Field("value", value).EndObject();
    }
    json.EndArray();
  }
  if (type == MetricType::kSummary || type == MetricType::kHistogram) {
    WriteParts(metric, type == MetricType::kSummary, json);
  } else {
    const bool counter = type == MetricType::kCounter;
    json.Key(counter ? "counter" : type == MetricType::kGauge ? "gauge" : "untyped");
    WriteDouble(metric.value, json.BeginObject().Key("value"));
    json.EndObject();
  }
  json.EndObject();
}

void WriteFamily(const Family& family, JsonWriter& json) {
  json.BeginObject().Field("name", family.name);
  if (!family.help.empty()) json.Field("help", family.help);
  json.Field("type", ProtoTypeName(family.type));
  json.Key("metric").BeginArray();
  for (const Metric& metric : family.metrics) WriteMetric(metric, family.type, json);
  json.EndArray().EndObject();
}

// The label that tells the parts apart, taken off.
std::string TakeLabel(std::string_view name, exposition::SeriesPairs* pairs) {
  const auto found = std::find_if(pairs->begin(), pairs->end(),
                                  [name](const auto& pair) { return pair.first == name; });
  if (found == pairs->end()) return {};
  std::string value = std::move(found->second);
  pairs->erase(found);
  return value;
}

// One line of the family that is read.
Result<void> AddSample(const exposition::Entry& entry, Family* family) {
  exposition::SeriesPairs pairs;
  TRY(exposition::ParseSeriesPairs(entry.series, &pairs));
  const std::string name = TakeLabel(kMetricName, &pairs);
  const bool summary = family->type == MetricType::kSummary;
  const bool in_parts = summary || family->type == MetricType::kHistogram;
  std::string part;
  if (in_parts) part = TakeLabel(summary ? "quantile" : "le", &pairs);
  if (family->metrics.empty() || family->metrics.back().labels != pairs) {
    family->metrics.push_back({std::move(pairs), 0, 0, 0, {}});
  }
  Metric& metric = family->metrics.back();
  if (!in_parts) {
    metric.value = entry.value;
  } else if (!part.empty()) {
    metric.parts.emplace_back(ParseFloat(part).value_or(NAN), entry.value);
  } else if (name == family->name + "_sum") {
    metric.sum = entry.value;
  } else {
    metric.count = entry.value;
  }
  return Ok();
}

}  // namespace

Result<void> WriteFamilies(std::string_view page,
                           const std::function<bool(std::string_view name)>& wanted,
                           JsonWriter& json) {
  json.BeginArray();
  Family family;
  const auto end_family = [&] {
    if (!family.metrics.empty() && wanted(family.name)) WriteFamily(family, json);
    family = Family();
  };
  exposition::TextReader reader(page);
  while (true) {
    const exposition::Entry entry = TRY(reader.Next());
    if (entry.kind == exposition::EntryKind::kEnd) break;
    if (entry.kind == exposition::EntryKind::kSample) {
      TRY(AddSample(entry, &family));
      continue;
    }
    if (entry.series != family.name) end_family();
    family.name = entry.series;
    if (entry.kind == exposition::EntryKind::kHelp) {
      family.help = exposition::UnescapeHelp(entry.help);
    }
    if (entry.kind == exposition::EntryKind::kType) family.type = entry.type;
  }
  end_family();
  json.EndArray();
  return Ok();
}

Result<Annotations> SelfMetricsApi::List(const ApiRequest& request, JsonWriter& json) const {
  const std::string& pattern = request.Get("metric_name_pattern");
  std::function<bool(std::string_view)> wanted = [](std::string_view) { return true; };
  if (!pattern.empty()) {
    Result<Matcher> matcher = Matcher::Create(MatchType::kRegexp, kMetricName, pattern);
    if (!matcher) return InvalidParameter("metric_name_pattern", matcher.error().message);
    wanted = [matcher = *std::move(matcher)](std::string_view name) {
      return matcher.Matches(name);
    };
  }
  TRY(WriteFamilies(page_(), wanted, json));
  return Annotations{};
}

}  // namespace vigil::web

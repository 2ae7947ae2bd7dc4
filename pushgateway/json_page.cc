// SPDX-License-Identifier: Apache-2.0
// The page for programs: /api/v1/metrics.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "client-lib/base/strings.h"
#include "client-lib/exposition/text_reader.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/labels.h"
#include "pushgateway/page.h"

namespace vigil::pushgateway {
namespace {

using exposition::MetricType;

// A comma before every element but the first.
class Commas {
 public:
  explicit Commas(std::string* out) : out_(out) {}
  void Next() {
    if (!first_) out_->push_back(',');
    first_ = false;
  }

 private:
  std::string* out_;
  bool first_ = true;
};

void AppendPair(std::string_view name, std::string_view value, std::string* out) {
  AppendJsonString(name, out);
  out->push_back(':');
  AppendJsonString(value, out);
}

// One metric: a sample, or the samples that make a histogram or summary.
struct Metric {
  std::map<std::string, std::string> labels;
  std::string value, sum, count;
  std::vector<std::pair<std::string, std::string>> parts;  // le or quantile, value
};

void AppendMetric(const Metric& metric, MetricType type, std::string* out) {
  out->append("{\"labels\":{");
  Commas labels(out);
  for (const auto& [name, value] : metric.labels) {
    labels.Next();
    AppendPair(name, value, out);
  }
  out->push_back('}');
  if (type != MetricType::kHistogram && type != MetricType::kSummary) {
    out->append(",\"value\":");
    AppendJsonString(metric.value, out);
    out->push_back('}');
    return;
  }
  out->append(type == MetricType::kHistogram ? ",\"buckets\":{" : ",\"quantiles\":{");
  Commas parts(out);
  for (const auto& [bound, value] : metric.parts) {
    parts.Next();
    AppendPair(bound, value, out);
  }
  out->append("},\"count\":");
  AppendJsonString(metric.count, out);
  out->append(",\"sum\":");
  AppendJsonString(metric.sum, out);
  out->push_back('}');
}

// Reads our own rendering back: this page is for people and scripts, not worth a second form of
// the data in memory.
std::vector<Metric> ReadMetrics(const PushedFamily& family, const GroupingKey& key) {
  std::vector<Metric> metrics;
  exposition::TextReader reader(family.text);
  LabelsBuilder builder;
  while (true) {
    const auto entry = reader.Next();
    if (!entry || entry->kind != exposition::EntryKind::kSample) break;
    builder.Reset();
    if (!exposition::ParseSeries(entry->series, &builder)) break;
    const std::string value = FormatFloatExposition(entry->value);
    std::map<std::string, std::string> labels{{"instance", ""}};
    // Empty values get lost on the way back; only the key has them.
    for (const auto& [label, text] : key.labels()) labels[label] = text;
    std::string name, bound;
    for (const auto& [label, text] : builder.pairs()) {
      if (label == kMetricName) {
        name = text;
      } else if ((family.type == MetricType::kHistogram && label == "le") ||
                 (family.type == MetricType::kSummary && label == "quantile")) {
        bound = text;
      } else {
        labels.insert_or_assign(label, text);
      }
    }
    const bool simple =
        family.type != MetricType::kHistogram && family.type != MetricType::kSummary;
    if (simple || metrics.empty() || metrics.back().labels != labels) {
      metrics.emplace_back().labels = std::move(labels);
    }
    Metric& metric = metrics.back();
    if (simple) {
      metric.value = value;
    } else if (name.ends_with("_sum") && bound.empty()) {
      metric.sum = value;
    } else if (name.ends_with("_count") && bound.empty()) {
      metric.count = value;
    } else {
      metric.parts.emplace_back(bound, value);
    }
  }
  return metrics;
}

void AppendFamily(const PushedFamily& family, const GroupingKey& key, TimestampMs pushed_ms,
                  std::string* out) {
  AppendJsonString(family.name, out);
  out->append(":{\"time_stamp\":");
  AppendJsonString(FormatRfc3339(pushed_ms), out);
  out->append(",\"type\":");
  AppendJsonString(AsciiUpper(TextTypeName(family.type)), out);
  if (!family.help.empty()) {
    out->append(",\"help\":");
    AppendJsonString(exposition::UnescapeHelp(family.help), out);
  }
  out->append(",\"metrics\":[");
  Commas metrics(out);
  for (const Metric& metric : ReadMetrics(family, key)) {
    metrics.Next();
    AppendMetric(metric, family.type, out);
  }
  out->append("]}");
}

PushedFamily TimeFamily(std::string_view name, std::string_view help, const std::string& line) {
  PushedFamily family;
  family.name = name;
  family.help = help;
  family.type = MetricType::kGauge;
  family.text = line;
  return family;
}

void AppendGroup(const Group& group, std::string* out) {
  out->append("{\"labels\":{");
  Commas labels(out);
  for (const auto& [name, value] : group.key.labels()) {
    labels.Next();
    AppendPair(name, value, out);
  }
  out->append("},\"last_push_successful\":");
  out->append(group.last_push_successful() ? "true" : "false");
  const TimestampMs last = std::max(group.push_ms, group.failure_ms);
  out->push_back(',');
  AppendFamily(TimeFamily(kPushFailureTime,
                          "Last Unix time when changing this group in the Pushgateway failed.",
                          group.failure_time_line),
               group.key, last, out);
  out->push_back(',');
  AppendFamily(
      TimeFamily(kPushTime, "Last Unix time when changing this group in the Pushgateway succeeded.",
                 group.push_time_line),
      group.key, last, out);
  for (const Group::Member& member : group.members) {
    out->push_back(',');
    AppendFamily(*member.family, group.key, member.pushed_ms, out);
  }
  out->push_back('}');
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (byte < 0x20) {
      out->append("\\u00");
      out->push_back(kHex[byte >> 4]);
      out->push_back(kHex[byte & 15]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

std::string RenderMetricsJson(const Snapshot& groups) {
  std::string out = "{\"status\":\"success\",\"data\":[";
  Commas commas(&out);
  for (const GroupPtr& group : groups) {
    commas.Next();
    AppendGroup(*group, &out);
  }
  out.append("]}");
  return out;
}

}  // namespace vigil::pushgateway

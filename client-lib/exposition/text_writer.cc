// SPDX-License-Identifier: Apache-2.0
// The text writer.
#include "client-lib/exposition/text_writer.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "client-lib/model/float_text.h"

namespace vigil::exposition {
namespace {

enum class Escape { kHelp, kLabelValue };

// Runs without special characters are copied at once.
void AppendEscaped(std::string_view text, Escape escape, std::string* out) {
  size_t copied = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '\\' && c != '\n' && (c != '"' || escape == Escape::kHelp)) continue;
    out->append(text.substr(copied, i - copied));
    *out += '\\';
    *out += c == '\n' ? 'n' : c;
    copied = i + 1;
  }
  out->append(text.substr(copied));
}

void AppendQuotedName(std::string_view name, std::string* out) {
  *out += '"';
  AppendEscapedLabelValue(name, out);
  *out += '"';
}

void AppendFamilyName(std::string_view name, std::string* out) {
  if (IsLegacyMetricName(name)) {
    out->append(name);
  } else {
    AppendQuotedName(name, out);
  }
}

std::string_view TextTypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kGauge:
    case MetricType::kInfo:
    case MetricType::kStateSet:
      return "gauge";
    case MetricType::kUnknown:
      break;
  }
  return "untyped";
}

MetricType TypeOf(prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return MetricType::kCounter;
    case prometheus::MetricType::Gauge:
      return MetricType::kGauge;
    case prometheus::MetricType::Summary:
      return MetricType::kSummary;
    case prometheus::MetricType::Histogram:
      return MetricType::kHistogram;
    case prometheus::MetricType::Untyped:
      break;
  }
  return MetricType::kUnknown;
}

// The lines of one family of prometheus-cpp.
// Threads: owner thread only.
class FamilyWriter {
 public:
  FamilyWriter(const prometheus::MetricFamily& family, Order order, std::string* out)
      : family_(family), order_(order), out_(out) {}

  void Write() {
    AppendHelpLine(family_.name, family_.help, out_);
    AppendTypeLine(family_.name, TypeOf(family_.type), out_);
    std::vector<const prometheus::ClientMetric*> metrics;
    metrics.reserve(family_.metric.size());
    for (const auto& metric : family_.metric) metrics.push_back(&metric);
    if (order_ == Order::kSorted) {
      std::stable_sort(metrics.begin(), metrics.end(),
                       [](const auto* a, const auto* b) { return a->label < b->label; });
    }
    for (const auto* metric : metrics) WriteMetric(*metric);
  }

 private:
  void WriteMetric(const prometheus::ClientMetric& metric) {
    labels_.clear();
    for (const auto& label : metric.label) labels_.push_back({label.name, label.value});
    timestamp_.reset();
    if (metric.timestamp_ms != 0) timestamp_ = metric.timestamp_ms;
    switch (family_.type) {
      case prometheus::MetricType::Counter:
        return Line("", metric.counter.value);
      case prometheus::MetricType::Gauge:
        return Line("", metric.gauge.value);
      case prometheus::MetricType::Untyped:
        return Line("", metric.untyped.value);
      case prometheus::MetricType::Summary:
        return WriteSummary(metric.summary);
      case prometheus::MetricType::Histogram:
        return WriteHistogram(metric.histogram);
    }
  }

  void WriteSummary(const prometheus::ClientMetric::Summary& summary) {
    for (const auto& quantile : summary.quantile) {
      LineWith("", "quantile", quantile.quantile, quantile.value);
    }
    Line("_sum", summary.sample_sum);
    Line("_count", static_cast<double>(summary.sample_count));
  }

  void WriteHistogram(const prometheus::ClientMetric::Histogram& histogram) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    double last = -kInfinity;
    for (const auto& bucket : histogram.bucket) {
      last = bucket.upper_bound;
      LineWith("_bucket", "le", last, static_cast<double>(bucket.cumulative_count));
    }
    const auto count = static_cast<double>(histogram.sample_count);
    if (last != kInfinity) LineWith("_bucket", "le", kInfinity, count);
    Line("_sum", histogram.sample_sum);
    Line("_count", count);
  }

  void Line(std::string_view suffix, double value) {
    AppendSeries(family_.name, suffix, labels_, out_);
    AppendValue(value, timestamp_, out_);
  }

  void LineWith(std::string_view suffix, std::string_view name, double bound, double value) {
    bound_.clear();
    AppendFloatExposition(bound, &bound_);
    labels_.push_back({name, bound_});
    Line(suffix, value);
    labels_.pop_back();
  }

  const prometheus::MetricFamily& family_;
  Order order_;
  std::string* out_;
  std::vector<LabelView> labels_;
  std::optional<TimestampMs> timestamp_;
  std::string bound_;
};

}  // namespace

void AppendEscapedLabelValue(std::string_view value, std::string* out) {
  AppendEscaped(value, Escape::kLabelValue, out);
}

void AppendHelpLine(std::string_view name, std::string_view help, std::string* out) {
  out->append("# HELP ");
  AppendFamilyName(name, out);
  *out += ' ';
  AppendEscaped(help, Escape::kHelp, out);
  *out += '\n';
}

void AppendTypeLine(std::string_view name, MetricType type, std::string* out) {
  out->append("# TYPE ");
  AppendFamilyName(name, out);
  out->append(" ").append(TextTypeName(type)).append("\n");
}

void AppendSeries(std::string_view name, std::string_view suffix, std::span<const LabelView> labels,
                  std::string* out) {
  const bool legacy = IsLegacyMetricName(name);
  char before = '{';
  if (legacy) {
    out->append(name).append(suffix);
  } else {
    *out += '{';
    AppendQuotedName(std::string(name).append(suffix), out);
    before = ',';
  }
  for (const LabelView& label : labels) {
    if (label.name == kMetricName) continue;
    *out += before;
    before = ',';
    if (IsLegacyLabelName(label.name)) {
      out->append(label.name);
    } else {
      AppendQuotedName(label.name, out);
    }
    out->append("=\"");
    AppendEscapedLabelValue(label.value, out);
    *out += '"';
  }
  if (before == ',') *out += '}';
}

void AppendValue(double value, std::optional<TimestampMs> timestamp, std::string* out) {
  *out += ' ';
  AppendFloatExposition(value, out);
  if (timestamp) {
    char text[24];
    *out += ' ';
    out->append(text, std::to_chars(text, text + sizeof text, *timestamp).ptr);
  }
  *out += '\n';
}

void AppendText(const prometheus::MetricFamily& family, Order order, std::string* out) {
  FamilyWriter(family, order, out).Write();
}

std::string WriteText(const std::vector<prometheus::MetricFamily>& families, Order order) {
  std::vector<const prometheus::MetricFamily*> sorted;
  sorted.reserve(families.size());
  for (const auto& family : families) sorted.push_back(&family);
  if (order == Order::kSorted) {
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto* a, const auto* b) { return a->name < b->name; });
  }
  std::string page;
  for (const auto* family : sorted) AppendText(*family, order, &page);
  return page;
}

std::vector<LabelView> GivenLabels(const Point& point) {
  std::vector<LabelView> labels(point.labels.begin(), point.labels.end());
  for (const std::string& name : point.empty_labels) labels.push_back({name, {}});
  if (!point.empty_labels.empty()) std::sort(labels.begin(), labels.end());
  return labels;
}

void AppendText(const Family& family, std::string* out) {
  if (family.has_help) AppendHelpLine(family.name, family.help, out);
  AppendTypeLine(family.name, family.type, out);
  for (const Point& point : family.points) {
    AppendSeries(family.name, point.suffix, GivenLabels(point), out);
    AppendValue(point.value, point.timestamp, out);
  }
}

}  // namespace vigil::exposition

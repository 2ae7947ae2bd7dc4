// SPDX-License-Identifier: Apache-2.0
// Which alert each series of a result is. Labels and annotations are worked out again only where
// they can have changed: 100,000 alerts that stay as they are cost a look-up each.
#include <optional>

#include "client-lib/base/log.h"
#include "client-lib/model/annotations.h"
#include "client-lib/model/sample.h"
#include "server/rules/alerting_rule.h"
#include "server/template/alert_data.h"

namespace vigil::rules {
namespace {

constexpr const char* kSameLabelsetOfAlerts =
    "vector contains metrics with the same labelset after applying alert labels";

tmpl::TextMap TextMapOf(const Labels& labels) {
  tmpl::TextMap map;
  for (const LabelView label : labels) map.emplace(label.name, label.value);
  return map;
}

// "/prefix" of http://host/prefix
std::string PathOf(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return path == std::string::npos ? std::string() : url.substr(path);
}

// What `query` in a template gives.
Result<std::vector<tmpl::QuerySample>> QueryOf(const RuleWorld& world, std::string_view text,
                                               TimestampMs at) {
  const promql::QueryResult result = TRY(RunQuery(world, nullptr, std::string(text), at));
  std::vector<tmpl::QuerySample> samples;
  if (result.type == promql::ValueType::kScalar) {
    samples.push_back({Labels(), result.scalar, {}});
    return samples;
  }
  if (result.type != promql::ValueType::kVector) {
    return ExecutionError("rule result is not a vector or scalar");
  }
  for (const promql::ResultSeries& series : result.series) {
    samples.push_back({series.labels, series.values.empty() ? 0 : series.values.front(), {}});
  }
  return samples;
}

}  // namespace

// The templates of the rule for one series; what they need is made when it is needed.
class AlertingRule::Expansion {
 public:
  Expansion(const AlertingRule& rule, const Labels& series, double value, const Round& round)
      : rule_(rule), series_(series), value_(value), at_(round.at) {}

  std::string Expand(const NamedTemplate& text) {
    if (text.text.needs() == AlertTemplate::Needs::kNothing) {
      return text.text.Expand(tmpl::Value(), {}, nullptr);
    }
    Prepare();
    std::string error;
    std::string out = text.text.Expand(*data_, environment_, &error);
    if (!error.empty()) {
      log::Warn("rules", "expanding an alert's template failed",
                {{"alert", rule_.spec_.alert}, {"template", text.name}, {"err", error}});
    }
    return out;
  }
  [[nodiscard]] const Labels& series() const { return series_; }

 private:
  void Prepare() {
    if (data_) return;
    const RuleWorld& world = rule_.world_;
    tmpl::RuleAlert alert;
    alert.labels = TextMapOf(series_);
    alert.external_labels = TextMapOf(rule_.external_labels_);
    alert.external_url = world.external_url;
    alert.value = value_;
    data_ = tmpl::RuleValue(alert);
    environment_.query = [&world, at = at_](std::string_view text) {
      return QueryOf(world, text, at);
    };
    environment_.external_url = world.external_url;
    environment_.path_prefix = PathOf(world.external_url);
    environment_.now_ms = at_;
    environment_.clock = &world.clock;
  }

  const AlertingRule& rule_;
  const Labels& series_;
  const double value_;
  const TimestampMs at_;
  std::optional<tmpl::Value> data_;
  tmpl::Environment environment_;
};

Labels AlertingRule::LabelsOf(Expansion* expansion) const {
  LabelsBuilder builder(expansion->series());
  builder.Delete(kMetricName);
  for (const NamedTemplate& label : label_templates_) {
    builder.Set(label.name, expansion->Expand(label));
  }
  builder.Set("alertname", spec_.alert);
  return builder.Build();
}

Labels AlertingRule::AnnotationsOf(Expansion* expansion) const {
  std::vector<std::string> texts;
  texts.reserve(annotation_templates_.size());
  std::vector<LabelView> pairs;
  for (const NamedTemplate& annotation : annotation_templates_) {
    pairs.push_back({annotation.name, texts.emplace_back(expansion->Expand(annotation))});
  }
  return MakeAnnotations(std::move(pairs));
}

bool AlertingRule::Described(const ActiveAlert& alert, double value) const {
  switch (annotation_needs_) {
    case AlertTemplate::Needs::kNothing:
    case AlertTemplate::Needs::kLabels:
      return true;
    case AlertTemplate::Needs::kValue:
      return SameBits(alert.value, value);
    case AlertTemplate::Needs::kWorld:
      break;
  }
  return false;
}

Result<void> AlertingRule::MatchSeries(const promql::ResultSeries& series, const Round& round,
                                       std::unordered_set<Labels>* fresh) {
  Hit hit;
  hit.value = series.histograms.empty() ? series.values.front() : 0;
  hit.series = series.labels;
  Expansion expansion(*this, series.labels, hit.value, round);
  if (label_needs_ <= AlertTemplate::Needs::kLabels) {
    const auto known = by_series_.find(series.labels);
    if (known != by_series_.end()) hit.alert = known->second;
  }
  Labels labels;
  if (hit.alert == nullptr) {
    labels = LabelsOf(&expansion);
    const auto known = by_labels_.find(labels);
    if (known != by_labels_.end()) hit.alert = known->second;
  }
  if (hit.alert != nullptr) {
    if (hit.alert->round == round_) return ExecutionError(kSameLabelsetOfAlerts);
    hit.alert->round = round_;
    hit.described = !hit.alert->described || hit.alert->series != series.labels ||
                    !Described(*hit.alert, hit.value);
    if (hit.described) hit.annotations = AnnotationsOf(&expansion);
  } else {
    if (!fresh->insert(labels).second) return ExecutionError(kSameLabelsetOfAlerts);
    hit.fresh = std::make_unique<ActiveAlert>();
    hit.fresh->labels = std::move(labels);
    hit.fresh->annotations = AnnotationsOf(&expansion);
    hit.fresh->active_at = round.at;
    hit.fresh->round = round_;
    hit.alert = hit.fresh.get();
  }
  hits_.push_back(std::move(hit));
  return Ok();
}

Result<void> AlertingRule::Match(const promql::QueryResult& result, const Round& round) {
  ++round_;
  hits_.clear();
  hits_.reserve(result.series.size());
  std::unordered_set<Labels> fresh;
  for (const promql::ResultSeries& series : result.series) {
    TRY(MatchSeries(series, round, &fresh));
  }
  return Ok();
}

}  // namespace vigil::rules

// SPDX-License-Identifier: Apache-2.0
#include "server/web/rules_json.h"

#include <string>

#include "client-lib/model/duration.h"
#include "client-lib/model/float_text.h"

namespace vigil::web {
namespace {

// As Go writes times: no more digits behind the second than needed.
std::string GoTime(TimestampMs time) {
  if (time == storage::kNever) return "0001-01-01T00:00:00Z";
  std::string text = FormatRfc3339(time);
  size_t end = text.size() - 1;  // of what stands before the Z
  if (text.find('.') == std::string::npos) return text;
  while (text[end - 1] == '0') --end;
  if (text[end - 1] == '.') --end;
  return text.substr(0, end) + "Z";
}

void WritePairs(std::string_view name, const rules::TextPairs& pairs, JsonWriter& json) {
  json.Key(name).BeginObject();
  for (const auto& [key, value] : pairs) json.Field(key, value);
  json.EndObject();
}

double InSeconds(DurationMs duration) { return static_cast<double>(duration) / 1000; }

void WriteReport(const rules::RuleReport& report, std::string_view type, JsonWriter& json) {
  json.Field("health", rules::RuleHealthName(report.health));
  if (!report.last_error.empty()) json.Field("lastError", report.last_error);
  json.Key("evaluationTime").Number(report.evaluation_seconds);
  json.Field("lastEvaluation", GoTime(report.last_evaluation));
  json.Field("type", type);
}

void WriteAlertingRule(const rules::AlertingRule& rule, WithAlerts with_alerts, JsonWriter& json) {
  const rules::RuleReport report = rule.report();
  const bool known = report.health != rules::RuleHealth::kUnknown;
  json.Field("state", known ? rules::AlertStateName(rule.State()) : "unknown");
  json.Field("name", rule.spec().alert);
  json.Field("query", rule.query());
  json.Key("duration").Number(InSeconds(rule.spec().hold));
  json.Key("keepFiringFor").Number(InSeconds(rule.spec().keep_firing_for));
  WritePairs("labels", rule.spec().labels, json);
  WritePairs("annotations", rule.spec().annotations, json);
  json.Key("alerts").BeginArray();
  if (with_alerts == WithAlerts::kYes) {
    rule.LookAtAlerts([&](const rules::ActiveAlert& alert) { WriteAlert(alert, json); });
  }
  json.EndArray();
  WriteReport(report, "alerting", json);
}

}  // namespace

void WriteAlert(const rules::ActiveAlert& alert, JsonWriter& json) {
  json.BeginObject();
  json.Key("labels").LabelSet(alert.labels);
  json.Key("annotations").LabelSet(alert.annotations);
  json.Field("state", rules::AlertStateName(alert.state));
  json.Field("activeAt", GoTime(alert.active_at));
  if (alert.keep_firing_since != storage::kNever) {
    json.Field("keepFiringSince", GoTime(alert.keep_firing_since));
  }
  json.Field("value", FormatFloatE(alert.value));
  json.EndObject();
}

void WriteRule(const rules::Rule& rule, WithAlerts with_alerts, JsonWriter& json) {
  json.BeginObject();
  if (rule.alerting() != nullptr) {
    WriteAlertingRule(*rule.alerting(), with_alerts, json);
  } else {
    json.Field("name", rule.spec().record);
    json.Field("query", rule.query());
    WritePairs("labels", rule.spec().labels, json);
    WriteReport(rule.report(), "recording", json);
  }
  json.EndObject();
}

void WriteGroupFields(const rules::RuleGroup& group, JsonWriter& json) {
  const rules::GroupReport report = group.report();
  json.Field("name", group.spec().name);
  json.Field("file", group.spec().file);
  json.Key("interval").Number(InSeconds(group.interval()));
  json.Key("limit").Int(group.spec().limit);
  json.Key("evaluationTime").Number(report.evaluation_seconds);
  json.Field("lastEvaluation", GoTime(report.last_evaluation));
}

}  // namespace vigil::web

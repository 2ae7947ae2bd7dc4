// SPDX-License-Identifier: Apache-2.0
// Structs with fixed fields, and label sets, lists of pairs and alerts with methods.
#include "server/template/alert_data.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vigil::tmpl {
namespace {

using enum Param;

// A struct whose fields are made beforehand.
class RecordObject : public Object {
 public:
  RecordObject(std::string_view type, std::span<const std::string_view> names,
               std::span<const std::string_view> json_names, std::vector<Value> fields)
      : type_(type), names_(names), json_names_(json_names), fields_(std::move(fields)) {}
  [[nodiscard]] std::string_view TypeName() const override { return type_; }
  [[nodiscard]] std::span<const std::string_view> FieldNames() const override { return names_; }
  [[nodiscard]] std::span<const std::string_view> JsonNames() const override { return json_names_; }
  [[nodiscard]] Value Field(size_t index) const override { return fields_[index]; }

 private:
  std::string_view type_;
  std::span<const std::string_view> names_;
  std::span<const std::string_view> json_names_;
  std::vector<Value> fields_;
};

// A named list or map.
class NamedObject : public Object {
 public:
  NamedObject(std::string_view type, Value base, std::span<const Method> methods)
      : type_(type), base_(std::move(base)), methods_(methods) {}
  [[nodiscard]] std::string_view TypeName() const override { return type_; }
  [[nodiscard]] std::span<const Method> Methods() const override { return methods_; }
  [[nodiscard]] const Value* Base() const override { return &base_; }

 private:
  std::string_view type_;
  Value base_;
  std::span<const Method> methods_;
};

constexpr std::string_view kRuleType =
    "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; "
    "Value float64 }";
constexpr std::array<std::string_view, 2> kPairNames = {"Name", "Value"};
constexpr std::array<std::string_view, 4> kRuleNames = {"Labels", "ExternalLabels", "ExternalURL",
                                                        "Value"};
constexpr std::array<std::string_view, 7> kAlertNames = {
    "Status", "Labels", "Annotations", "StartsAt", "EndsAt", "GeneratorURL", "Fingerprint"};
constexpr std::array<std::string_view, 7> kAlertJsonNames = {
    "status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"};
constexpr std::array<std::string_view, 9> kNotificationNames = {
    "Receiver",          "Status",      "Alerts",      "GroupLabels",       "CommonLabels",
    "CommonAnnotations", "ExternalURL", "RouteLabels", "NotificationReason"};
constexpr std::array<std::string_view, 9> kNotificationJsonNames = {
    "receiver",          "status",      "alerts",      "groupLabels",        "commonLabels",
    "commonAnnotations", "externalURL", "routeLabels", "notification_reason"};

Value RecordValue(std::string_view type, std::span<const std::string_view> names,
                  std::span<const std::string_view> json_names, std::vector<Value> fields) {
  return Value::Of(
      std::make_shared<const RecordObject>(type, names, json_names, std::move(fields)));
}

Value NamedValue(std::string_view type, Value base, std::span<const Method> methods) {
  return Value::Of(std::make_shared<const NamedObject>(type, std::move(base), methods));
}

Result<Value> StringsJoin(const Value& self, Args args) {
  std::string out;
  bool first = true;
  for (const Value& item : self.Base().list().items) {
    if (!std::exchange(first, false)) out += args[0].string_value();
    out += item.string_value();
  }
  return Value::String(std::move(out));
}
constexpr std::array kStringsMethods = {Method{"Join", Takes(kString), StringsJoin}};

Value StringsValue(const std::vector<std::string>& items) {
  return NamedValue("template.Strings", Value::Strings(items), kStringsMethods);
}

Result<Value> PairsNames(const Value& self, Args) {
  std::vector<std::string> names;
  for (const Value& pair : self.Base().list().items) {
    names.push_back(pair.object().Field(0).string_value());
  }
  return StringsValue(names);
}

Result<Value> PairsValues(const Value& self, Args) {
  std::vector<std::string> values;
  for (const Value& pair : self.Base().list().items) {
    values.push_back(pair.object().Field(1).string_value());
  }
  return StringsValue(values);
}
constexpr std::array kPairsMethods = {Method{"Names", Takes(), PairsNames},
                                      Method{"Values", Takes(), PairsValues}};

// By name, but alertname first.
Result<Value> SetSortedPairs(const Value& self, Args) {
  std::vector<Value> pairs;
  for (const auto& [name, value] : self.Base().map().entries) {
    Value pair = RecordValue("template.Pair", kPairNames, kPairNames, {Value::String(name), value});
    pairs.insert(name == "alertname" ? pairs.begin() : pairs.end(), std::move(pair));
  }
  return NamedValue("template.Pairs", Value::Anys(std::move(pairs)), kPairsMethods);
}

Result<Value> SetNames(const Value& self, Args args) {
  return PairsNames(*SetSortedPairs(self, args), args);
}

Result<Value> SetValues(const Value& self, Args args) {
  return PairsValues(*SetSortedPairs(self, args), args);
}

Result<Value> SetRemove(const Value& self, Args args) {
  TextMap left;
  for (const auto& [name, value] : self.Base().map().entries) {
    left.emplace(name, value.string_value());
  }
  if (!args[0].IsNil()) {
    for (const Value& name : args[0].Base().list().items) left.erase(name.string_value());
  }
  return LabelSetValue(left);
}

constexpr std::array kSetMethods = {
    Method{"Names", Takes(), SetNames}, Method{"Remove", Takes(kStrings), SetRemove},
    Method{"SortedPairs", Takes(), SetSortedPairs}, Method{"Values", Takes(), SetValues}};

Result<Value> AlertsWith(const Value& self, std::string_view status);
Result<Value> AlertsFiring(const Value& self, Args) { return AlertsWith(self, "firing"); }
Result<Value> AlertsResolved(const Value& self, Args) { return AlertsWith(self, "resolved"); }
constexpr std::array kAlertsMethods = {Method{"Firing", Takes(), AlertsFiring},
                                       Method{"Resolved", Takes(), AlertsResolved}};

Result<Value> AlertsWith(const Value& self, std::string_view status) {
  std::vector<Value> alerts;
  for (const Value& alert : self.Base().list().items) {
    if (alert.object().Field(0).string_value() == status) alerts.push_back(alert);
  }
  return Value::Anys(std::move(alerts));
}

Value AlertValue(const NotifiedAlert& alert) {
  return RecordValue(
      "template.Alert", kAlertNames, kAlertJsonNames,
      {Value::String(alert.status), LabelSetValue(alert.labels), LabelSetValue(alert.annotations),
       Value::Moment(alert.starts_at), Value::Moment(alert.ends_at),
       Value::String(alert.generator_url), Value::String(alert.fingerprint)});
}

}  // namespace

Value LabelSetValue(const TextMap& labels) {
  return NamedValue("template.KV", Value::StringMap(labels), kSetMethods);
}

Value RuleValue(const RuleAlert& alert) {
  return RecordValue(kRuleType, kRuleNames, kRuleNames,
                     {Value::StringMap(alert.labels), Value::StringMap(alert.external_labels),
                      Value::String(alert.external_url), Value::Float(alert.value)});
}

Value NotificationValue(const Notification& notification) {
  std::vector<Value> alerts;
  alerts.reserve(notification.alerts.size());
  for (const NotifiedAlert& alert : notification.alerts) alerts.push_back(AlertValue(alert));
  return RecordValue(
      "*template.Data", kNotificationNames, kNotificationJsonNames,
      {Value::String(notification.receiver), Value::String(notification.status),
       NamedValue("template.Alerts", Value::Anys(std::move(alerts)), kAlertsMethods),
       LabelSetValue(notification.group_labels), LabelSetValue(notification.common_labels),
       LabelSetValue(notification.common_annotations), Value::String(notification.external_url),
       LabelSetValue(notification.route_labels), Value::String(notification.reason)});
}

}  // namespace vigil::tmpl

// SPDX-License-Identifier: Apache-2.0
// What templates see: of an alerting rule, and of a notification. The names of fields and methods
// are what templates in the field use.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/template/value.h"

namespace vigil::tmpl {

using TextMap = std::map<std::string, std::string>;

// .Labels .ExternalLabels .ExternalURL .Value of an alerting rule's labels and annotations.
struct RuleAlert {
  TextMap labels;
  TextMap external_labels;
  std::string external_url;
  double value = 0;
};
Value RuleValue(const RuleAlert& alert);

// Put in front of each text of a rule: $labels, $externalLabels, $externalURL, $value.
inline constexpr std::string_view kRulePrelude =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}";

struct NotifiedAlert {
  std::string status;  // "firing", "resolved"
  TextMap labels;
  TextMap annotations;
  Time starts_at;
  Time ends_at;
  std::string generator_url;
  std::string fingerprint;
};

struct Notification {
  std::string receiver;
  std::string status;
  std::vector<NotifiedAlert> alerts;
  TextMap group_labels;
  TextMap common_labels;
  TextMap common_annotations;
  TextMap route_labels;
  std::string external_url;
  std::string reason;  // .NotificationReason
};
// Alerts have .Firing and .Resolved; label sets .SortedPairs, .Remove, .Names, .Values.
Value NotificationValue(const Notification& notification);

// A label set with its methods: Alertmanager's KV.
Value LabelSetValue(const TextMap& labels);

}  // namespace vigil::tmpl

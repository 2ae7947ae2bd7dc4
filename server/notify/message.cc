// SPDX-License-Identifier: Apache-2.0
#include "server/notify/message.h"

#include <utility>

#include "server/notify/text_limits.h"

namespace vigil::notify {
namespace {

tmpl::TextMap MapOf(const Labels& labels) {
  tmpl::TextMap map;
  for (const auto& label : labels) map.emplace(label.name, label.value);
  return map;
}

tmpl::NotifiedAlert NotifiedOf(const alerting::Alert& alert, TimestampMs now) {
  tmpl::NotifiedAlert notified;
  const bool over = alert.ResolvedAt(now);
  notified.status = over ? "resolved" : "firing";
  notified.labels = MapOf(alert.labels);
  notified.annotations = MapOf(alert.annotations);
  notified.starts_at = tmpl::Time::FromUnixMs(alert.starts_at);
  // When an alert that is firing ends nobody knows: Go's zero time.
  if (over) notified.ends_at = tmpl::Time::FromUnixMs(alert.ends_at);
  notified.generator_url = std::string(alert.generator_url.view());
  notified.fingerprint = alerting::FingerprintText(alert.fingerprint);
  return notified;
}

// What all alerts say alike.
tmpl::TextMap CommonOf(const std::vector<tmpl::NotifiedAlert>& alerts,
                       tmpl::TextMap tmpl::NotifiedAlert::*part) {
  if (alerts.empty()) return {};
  tmpl::TextMap common = alerts.front().*part;
  for (const tmpl::NotifiedAlert& alert : alerts) {
    const tmpl::TextMap& other = alert.*part;
    for (auto it = common.begin(); it != common.end();) {
      const auto found = other.find(it->first);
      const bool same = found != other.end() && found->second == it->second;
      it = same ? std::next(it) : common.erase(it);
    }
  }
  return common;
}

}  // namespace

void SummarizeAlerts(tmpl::Notification* data) {
  data->status = "resolved";
  for (const tmpl::NotifiedAlert& alert : data->alerts) {
    if (alert.status == "firing") data->status = "firing";
  }
  data->common_labels = CommonOf(data->alerts, &tmpl::NotifiedAlert::labels);
  data->common_annotations = CommonOf(data->alerts, &tmpl::NotifiedAlert::annotations);
}

std::string QuoteMeta(std::string_view text) {
  static constexpr std::string_view kSpecial = R"(\.+*?()|[]{}^$)";
  std::string quoted;
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) quoted += '\\';
    quoted += c;
  }
  return quoted;
}

Result<std::shared_ptr<const Message>> MakeMessage(alerting::Outgoing out,
                                                   std::shared_ptr<const Templates> templates) {
  auto message = std::make_shared<Message>();
  tmpl::Notification& data = message->data;
  data.receiver = QuoteMeta(out.integration.receiver);
  for (const alerting::AlertPtr& alert : out.alerts) {
    data.alerts.push_back(NotifiedOf(*alert, out.now));
  }
  SummarizeAlerts(&data);
  data.group_labels = MapOf(out.group_labels);
  data.external_url = templates->external_url();
  data.reason = std::string(alerting::NotifyReasonText(out.reason));
  message->dot = tmpl::NotificationValue(data);
  if (out.route != nullptr && !out.route->labels.empty()) {
    // They are expanded with the data so far: no route label sees another.
    for (const auto& [name, text] : out.route->labels) {
      std::string value = TRY_CONTEXT(templates->Text(text, message->dot), "route label " + name);
      data.route_labels.emplace(name, std::move(value));
    }
    message->dot = tmpl::NotificationValue(data);
  }
  message->key_hash = KeyHash(out.group_key);
  message->templates = std::move(templates);
  message->out = std::move(out);
  return std::shared_ptr<const Message>(std::move(message));
}

}  // namespace vigil::notify

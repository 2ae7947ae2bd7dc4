// SPDX-License-Identifier: Apache-2.0
#include "server/alerting_metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/model/float_text.h"
#include "server/metric_rows.h"

namespace vigil::server {
namespace {

using alerting::AlertingCounters;
using alerting::AlertingStats;
using toolkit::MetricSink;
using AlertingMetricType = MetricSink::MetricType;

// Dashboards divide by these: they are there from the start.
constexpr std::array<std::string_view, 18> kIntegrations = {
    "webhook", "email",     "pagerduty", "opsgenie",   "wechat",     "slack",
    "sns",     "victorops", "pushover",  "telegram",   "discord",    "webex",
    "msteams", "msteamsv2", "jira",      "rocketchat", "mattermost", "incidentio"};
constexpr std::array<std::string_view, 6> kFailureReasons = {
    "other", "clientError", "serverError", "contextDeadlineExceeded", "authError", "rateLimited"};
constexpr std::array<std::string_view, 4> kMuteReasons = {
    "silence", "inhibition", "mute_time_interval", "active_time_interval"};

template <typename Number>
void AddByIntegration(std::string_view name, std::string_view help,
                      const std::map<std::string, Number>& values, MetricSink* sink) {
  const auto family = sink->Family(name, help, AlertingMetricType::kCounter);
  for (const std::string_view integration : kIntegrations) {
    const auto found = values.find(std::string(integration));
    sink->Add(family, {{"integration", integration}},
              found == values.end() ? 0 : AsDouble(found->second));
  }
}

void CollectLatency(const AlertingCounters& c, MetricSink* sink) {
  const auto family =
      sink->Family("alertmanager_notification_latency_seconds",
                   "The latency of notifications in seconds.", AlertingMetricType::kHistogram);
  for (const auto& [integration, counts] : c.latency) {
    const LabelView label{"integration", integration};
    for (size_t i = 0; i < counts.within.size(); ++i) {
      const std::string bound = FormatFloatG(alerting::LatencyCounts::kBounds[i]);
      const std::array<LabelView, 2> labels = {{label, {"le", bound}}};
      sink->Add(family, labels, AsDouble(counts.within[i]), "_bucket");
    }
    const std::array<LabelView, 2> all = {{label, {"le", "+Inf"}}};
    sink->Add(family, all, AsDouble(counts.count), "_bucket");
    const std::array<LabelView, 1> own = {{label}};
    sink->Add(family, own, counts.sum, "_sum");
    sink->Add(family, own, AsDouble(counts.count), "_count");
  }
}

void CollectNotifications(const AlertingCounters& c, MetricSink* sink) {
  AddByIntegration("alertmanager_notifications_total",
                   "The total number of attempted notifications.", c.notifications, sink);
  const auto failed =
      sink->Family("alertmanager_notifications_failed_total",
                   "The total number of failed notifications.", AlertingMetricType::kCounter);
  for (const std::string_view integration : kIntegrations) {
    for (const std::string_view reason : kFailureReasons) {
      const auto found =
          c.notifications_failed.find({std::string(integration), std::string(reason)});
      sink->Add(failed, {{"integration", integration}, {"reason", reason}},
                found == c.notifications_failed.end() ? 0 : AsDouble(found->second));
    }
  }
  AddByIntegration("alertmanager_notification_requests_total",
                   "The total number of attempted notification requests.", c.tries, sink);
  AddByIntegration("alertmanager_notification_requests_failed_total",
                   "The total number of failed notification requests.", c.tries_failed, sink);
  CollectLatency(c, sink);
  const auto suppressed = sink->Family(
      "alertmanager_notifications_suppressed_total",
      "The total number of notifications suppressed for being silenced, inhibited, outside of "
      "active time intervals or within muted time intervals.",
      AlertingMetricType::kCounter);
  for (const std::string_view reason : kMuteReasons) {
    const auto found = c.suppressed.find(std::string(reason));
    sink->Add(suppressed, {{"reason", reason}},
              found == c.suppressed.end() ? 0 : AsDouble(found->second));
  }
}

void CollectAlerts(const AlertingStats& s, MetricSink* sink) {
  const auto alerts =
      sink->Family("alertmanager_alerts", "How many alerts by state.", AlertingMetricType::kGauge);
  const size_t suppressed = std::min(s.alerts_suppressed, s.alerts_active);
  sink->Add(alerts, {{"state", "active"}}, AsDouble(s.alerts_active - suppressed));
  sink->Add(alerts, {{"state", "suppressed"}}, AsDouble(suppressed));
  sink->Add(alerts, {{"state", "unprocessed"}}, 0);
  const auto received =
      sink->Family("alertmanager_alerts_received_total", "The total number of received alerts.",
                   AlertingMetricType::kCounter);
  sink->Add(received, {{"status", "firing"}, {"version", "v2"}},
            AsDouble(s.counters.received_firing));
  sink->Add(received, {{"status", "resolved"}, {"version", "v2"}},
            AsDouble(s.counters.received_resolved));
  sink->Counter("alertmanager_alerts_invalid_total",
                "The total number of received alerts that were invalid.",
                AsDouble(s.counters.invalid), {{"version", "v2"}});
  sink->Counter("alertmanager_alerts_limited_total",
                "Total number of alerts that were dropped due to per alert name limit",
                AsDouble(s.alerts_dropped_by_limit));
  const auto silences = sink->Family("alertmanager_silences", "How many silences by state.",
                                     AlertingMetricType::kGauge);
  sink->Add(silences, {{"state", "pending"}}, AsDouble(s.silences_pending));
  sink->Add(silences, {{"state", "active"}}, AsDouble(s.silences_active));
  sink->Add(silences, {{"state", "expired"}}, AsDouble(s.silences_expired));
}

}  // namespace

void CollectAlerting(const AlertingStats& stats, MetricSink* sink) {
  CollectAlerts(stats, sink);
  CollectNotifications(stats.counters, sink);
  const auto gauge = AlertingMetricType::kGauge;
  const auto counter = AlertingMetricType::kCounter;
  AddRows(
      std::array<Row, 11>{{
          {"alertmanager_dispatcher_aggregation_groups", "Number of active aggregation groups",
           gauge, AsDouble(stats.groups)},
          {"alertmanager_receivers", "Number of configured receivers.", gauge,
           AsDouble(stats.receivers)},
          {"alertmanager_integrations", "Number of configured integrations.", gauge,
           AsDouble(stats.integrations)},
          {"alertmanager_nflog_maintenance_total",
           "How many maintenances were executed for the notification log.", counter,
           AsDouble(stats.saves + stats.save_failures)},
          {"alertmanager_nflog_maintenance_errors_total",
           "How many maintenances were executed for the notification log that failed.", counter,
           AsDouble(stats.save_failures)},
          {"vigil_alerting_log_entries",
           "Integrations and groups of which the last notification is remembered.", gauge,
           AsDouble(stats.log_entries)},
          {"vigil_alerting_saves_total", "Transactions in which the state of alerting was stored.",
           counter, AsDouble(stats.saves)},
          {"vigil_alerting_save_failures_total",
           "Transactions that failed: what was to be stored is kept in memory.", counter,
           AsDouble(stats.save_failures)},
          {"vigil_alerting_save_seconds_total", "Time that storing took.", counter,
           stats.save_seconds},
          {"vigil_alerting_unsaved_rows",
           "Rows that could not be stored yet, because the database is away.", gauge,
           AsDouble(stats.unsaved_rows)},
          {"vigil_alerting_dropped_events_total",
           "Rows of history that were dropped because the database was away for too long.", counter,
           AsDouble(stats.dropped_events)},
      }},
      sink);
}

void CollectAlertingConfig(bool success, TimestampMs success_at, uint64_t hash, MetricSink* sink) {
  // Tools look here for what they may ask for.
  sink->Gauge("alertmanager_build_info", "The Alertmanager whose interfaces this server has.", 1,
              {{"version", "0.34.0"}});
  const auto gauge = AlertingMetricType::kGauge;
  AddRows(
      std::array<Row, 3>{{
          {"alertmanager_config_last_reload_successful",
           "Whether the last configuration reload attempt was successful.", gauge,
           success ? 1.0 : 0.0},
          {"alertmanager_config_last_reload_success_timestamp_seconds",
           "Timestamp of the last successful configuration reload.", gauge, Seconds(success_at)},
          {"alertmanager_config_hash", "Hash of the currently loaded alertmanager configuration.",
           gauge, AsDouble(hash)},
      }},
      sink);
}

}  // namespace vigil::server

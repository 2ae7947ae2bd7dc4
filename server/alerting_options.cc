// SPDX-License-Identifier: Apache-2.0
#include "server/alerting_options.h"

#include <random>

#include "client-lib/base/strings.h"

namespace vigil::server {
namespace {

constexpr std::string_view kClassic = "classic-mode";
constexpr std::string_view kUtf8Strict = "utf8-strict-mode";

}  // namespace

void AlertingOptions::AddTo(toolkit::FlagSet* flags) {
  flags
      ->String("alerting.config.file",
               "Alertmanager configuration file: routes, receivers, inhibition. Empty: this server "
               "notifies nobody.",
               &config_file)
      .Placeholder("FILE");
  constexpr std::string_view kRetention =
      "How long to keep what was notified, and silences that expired.";
  flags->Duration("alerting.data.retention", kRetention, &data_retention_ms);
  flags->Duration("data.retention", kRetention, &data_retention_ms).Hidden();
  flags->Duration("alerting.history-retention",
                  "How long to keep the history of alerts and notifications. 0 means for ever.",
                  &history_retention_ms);
  flags->Int("silences.max-silences",
             "Maximum number of silences, including expired silences. If negative or zero, no "
             "limit is set.",
             &max_silences);
  flags->Int("silences.max-silence-size-bytes",
             "Maximum silence size in bytes. If negative or zero, no limit is set.",
             &max_silence_bytes);
  flags->Float(
      "alerting.silence-guard-percent",
      "Refuse silences that would mute more than this share of the active alerts, or whose "
      "matchers match every alert, unless they have the annotation force=\"true\". 0 means "
      "that all are allowed.",
      &silence_guard_percent);
  flags->Duration("alerts.gc-interval", "Interval between alert GC.", &gc_interval_ms);
  flags->Int("alerts.per-alertname-limit",
             "Maximum number of alerts per alertname. If negative or zero, no limit is set.",
             &per_alertname_limit);
  flags->Duration("dispatch.maintenance-interval",
                  "Interval between maintenance of aggregation groups in the dispatcher.",
                  &maintenance_interval_ms);
  flags->Duration("dispatch.start-delay",
                  "Minimum amount of time to wait before dispatching alerts. This option should be "
                  "synced with value of --rules.alert.resend-delay on Prometheus.",
                  &start_delay_ms);
}

Result<void> AlertingOptions::Check() const {
  if (data_retention_ms < 1'000) return BadData("--alerting.data.retention must be at least 1s");
  if (gc_interval_ms < 1'000) return BadData("--alerts.gc-interval must be at least 1s");
  if (maintenance_interval_ms < 1'000) {
    return BadData("--dispatch.maintenance-interval must be at least 1s");
  }
  if (silence_guard_percent < 0 || silence_guard_percent > 100) {
    return BadData("--alerting.silence-guard-percent must be between 0 and 100");
  }
  return Ok();
}

bool IsAlertingFeature(std::string_view feature) {
  return feature == kClassic || feature == kUtf8Strict;
}

alerting::MatcherMode MatcherModeFrom(const std::vector<std::string>& features) {
  alerting::MatcherMode mode = alerting::MatcherMode::kFallback;
  for (const std::string& list : features) {
    for (const std::string_view feature : Split(list, ',')) {
      if (TrimSpace(feature) == kClassic) mode = alerting::MatcherMode::kClassic;
      if (TrimSpace(feature) == kUtf8Strict) mode = alerting::MatcherMode::kUtf8;
    }
  }
  return mode;
}

alerting::AlertingService::Options ServiceOptionsFrom(const AlertingOptions& options,
                                                      alerting::MatcherMode mode) {
  const auto limit = [](int64_t flag) { return flag <= 0 ? 0 : static_cast<size_t>(flag); };
  alerting::AlertingService::Options service;
  service.silence_guard_percent = options.silence_guard_percent;
  service.router.retention = options.data_retention_ms;
  service.router.gc_interval = options.gc_interval_ms;
  service.router.alerts_per_name = limit(options.per_alertname_limit);
  service.router.start_delay = options.start_delay_ms;
  service.router.dispatch.maintenance_interval = options.maintenance_interval_ms;
  service.router.silences.retention = options.data_retention_ms;
  service.router.silences.max_silences = limit(options.max_silences);
  service.router.silences.max_size_bytes = limit(options.max_silence_bytes);
  service.router.silences.mode = mode;
  service.router.jitter = [random = std::minstd_rand(std::random_device()())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(random);
  };
  return service;
}

}  // namespace vigil::server

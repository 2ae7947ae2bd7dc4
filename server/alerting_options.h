// SPDX-License-Identifier: Apache-2.0
// The flags of alerting, by Alertmanager's names where they say what they are about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "exporters/toolkit/flags.h"
#include "server/alerting/matcher_parser.h"
#include "server/alerting/service.h"

namespace vigil::server {

struct AlertingOptions {
  std::string config_file;                                  // empty: no alerting
  int64_t data_retention_ms = int64_t{120} * 3'600'000;     // notification log, expired silences
  int64_t history_retention_ms = int64_t{90} * 86'400'000;  // 0: for ever
  int64_t max_silences = 0;
  int64_t max_silence_bytes = 0;
  double silence_guard_percent = 0;
  int64_t gc_interval_ms = 30 * 60'000;
  int64_t per_alertname_limit = 0;
  int64_t maintenance_interval_ms = 30'000;
  int64_t start_delay_ms = 0;

  void AddTo(toolkit::FlagSet* flags);
  // bad_data names the flag.
  [[nodiscard]] Result<void> Check() const;
};

// --enable-feature=classic-mode, utf8-strict-mode.
alerting::MatcherMode MatcherModeFrom(const std::vector<std::string>& features);
bool IsAlertingFeature(std::string_view feature);

alerting::AlertingService::Options ServiceOptionsFrom(const AlertingOptions& options,
                                                      alerting::MatcherMode mode);

}  // namespace vigil::server

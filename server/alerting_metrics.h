// SPDX-License-Identifier: Apache-2.0
// Alerting's figures on the server's /metrics, by Alertmanager's names.
#pragma once

#include <cstdint>

#include "client-lib/base/clock.h"
#include "exporters/toolkit/metric_sink.h"
#include "server/alerting/alerting_stats.h"

namespace vigil::server {

void CollectAlerting(const alerting::AlertingStats& stats, toolkit::MetricSink* sink);
// The last (re)load of alertmanager.yml, and when one last went well.
void CollectAlertingConfig(bool success, TimestampMs success_at, uint64_t hash,
                           toolkit::MetricSink* sink);

}  // namespace vigil::server

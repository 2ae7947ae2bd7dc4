// SPDX-License-Identifier: Apache-2.0
// The tables of alert and notification history: a partition per UTC day.
#pragma once

#include <cstdint>
#include <vector>

#include "server/alerting/history.h"
#include "server/alerting/state_store.h"
#include "server/postgres/connection.h"

namespace vigil::postgres {

// Days since the Unix epoch.
int64_t HistoryDay(TimestampMs time);

// The partitions of a day, unless they are there.
Result<void> CreateHistoryDay(Connection* connection, int64_t day, int64_t timeout_ms);
// Those of the days before.
Result<void> DropHistoryDays(Connection* connection, int64_t before_day, int64_t timeout_ms);

// The events of the changes. REQUIRES: their days are there.
Result<void> InsertHistory(Connection* connection, const alerting::AlertingChanges& changes,
                           int64_t timeout_ms);

Result<std::vector<alerting::AlertEvent>> ReadAlertHistory(Connection* connection,
                                                           const alerting::HistoryQuery& query,
                                                           int64_t timeout_ms);
Result<std::vector<alerting::NotificationEvent>> ReadNotificationHistory(
    Connection* connection, const alerting::HistoryQuery& query, int64_t timeout_ms);

}  // namespace vigil::postgres

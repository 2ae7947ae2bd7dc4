// SPDX-License-Identifier: Apache-2.0
// /api/v1/alert_history, /api/v1/notification_history and /api/v1/alert_explain: what happened to
// alerts, who was told, and why; /api/v1/alert_acknowledge.
#pragma once

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/alerting/history.h"
#include "server/alerting/service.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Threads: any.
class AlertHistoryApi {
 public:
  // Either may be null: not_found then says what is missing.
  AlertHistoryApi(alerting::AlertHistoryReader* reader, alerting::AlertingService* service,
                  const Clock& clock)
      : reader_(reader), service_(service), clock_(clock) {}

  // match[] (an Alertmanager matcher list, repeated: any of them), receiver, fingerprint, start,
  // end (now), limit (1000, at most 10,000): the newest first. With limit + 1 events a warning says
  // that there are more.
  Result<Annotations> Alerts(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> Notifications(const ApiRequest& request, JsonWriter& json) const;
  // fingerprint: the alert, the routes it was tried on and took, its groups, what mutes it, what
  // receivers were told last, and its history.
  Result<Annotations> Explain(const ApiRequest& request, JsonWriter& json) const;
  // fingerprint, by, comment: somebody takes a firing alert on. The other: gives it back.
  Result<Annotations> Acknowledge(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> Unacknowledge(const ApiRequest& request, JsonWriter& json) const;

 private:
  Result<alerting::HistoryQuery> QueryOf(const ApiRequest& request) const;
  Result<uint64_t> FiringAlert(const ApiRequest& request) const;

  alerting::AlertHistoryReader* const reader_;
  alerting::AlertingService* const service_;
  const Clock& clock_;
};

}  // namespace vigil::web

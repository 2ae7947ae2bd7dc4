// SPDX-License-Identifier: Apache-2.0
// Fire drills: a test alert straight to a receiver, past routes, groups, silences and the log.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/alerting/notifier.h"

namespace vigil::alerting {

struct DrillRequest {
  std::string receiver;
  // Over those that every test alert has: alertname="VigilTest", and a summary.
  StringMap labels;
  StringMap annotations;
  // Afterwards say that it is over, to those who want to hear it: incidents close again.
  bool resolve = false;
  // Of each message; more than 55 s, or 25 s with `resolve`, is taken for that.
  DurationMs timeout = 30'000;
};

// What one message came to.
struct DrillResult {
  Integration integration;
  bool firing = true;  // false: the message that it is over
  SendOutcome outcome;
  DurationMs took = 0;
};

// Sends to all integrations at once and waits for them, a minute at most: one try each. Those whose
// first message was not sent get no second one. The receiver of the request is not looked at: whose
// integrations they are is the caller's knowledge. Once a stop is requested it waits for nobody any
// more and sends nothing further. Threads: any.
std::vector<DrillResult> RunDrill(const DrillRequest& request,
                                  const std::vector<Integration>& integrations, Notifier& notifier,
                                  const Clock& clock, const std::stop_token& stop = {});

// The integrations of the request's receiver. not_found: there is no such receiver.
Result<std::vector<Integration>> IntegrationsOf(std::string_view receiver,
                                                const AlertingConfig& config);

}  // namespace vigil::alerting

// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/owned_notifier.h"

#include <string>

#include "client-lib/base/log.h"

namespace vigil::cluster {

bool OwnerGate::Owned() {
  const int64_t now_ns = clock_.MonotonicNs();
  if (now_ns < ask_at_ns_.load()) return true;
  const Result<void> confirmed = confirm_();
  if (confirmed) {
    // From before the question on: whoever hangs after the answer asks again.
    ask_at_ns_.store(now_ns + valid_ns_);
    return true;
  }
  if (confirmed.error().kind == ErrorKind::kNotFound) return false;
  log::Warn("alerting", "the database cannot be asked who owns it; notifying goes on",
            {{"err", confirmed.error()}});
  // A question may take seconds: not before every message.
  ask_at_ns_.store(clock_.MonotonicNs() + kAskAgainMs * 1'000'000);
  return true;
}

void OwnedNotifier::Send(alerting::Outgoing message, Done done) {
  if (gate_.Owned()) return notifier_.Send(std::move(message), std::move(done));
  alerting::SendOutcome outcome;
  outcome.verdict = alerting::SendVerdict::kRetry;
  outcome.error = "another vigil-server has taken the database over and notifies";
  done(message.id, std::move(outcome), std::move(message.receiver_data));
}

}  // namespace vigil::cluster

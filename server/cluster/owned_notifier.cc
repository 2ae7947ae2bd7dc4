// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/owned_notifier.h"

#include <string>

#include "client-lib/base/log.h"

namespace vigil::cluster {

bool OwnerGate::Owned() {
  const int64_t now_ns = clock_.MonotonicNs();
  return now_ns < ask_at_ns_.load() ? !silenced_.load() : Ask(now_ns);
}

bool OwnerGate::Silenced() {
  if (!silenced_.load()) return false;
  const int64_t now_ns = clock_.MonotonicNs();
  int64_t due_ns = ask_at_ns_.load();
  // One of those that come at once asks; the others go by the answer from before.
  if (now_ns < due_ns || !ask_at_ns_.compare_exchange_strong(due_ns, AskLaterNs())) return true;
  return !Ask(now_ns);
}

bool OwnerGate::Ask(int64_t now_ns) {
  const bool asks_database = now_ns >= ask_database_at_ns_.load();
  if (asks_database) {
    const Result<void> confirmed = confirm_();
    if (confirmed) {
      silenced_.store(false);
      // From before the question on: whoever hangs after the answer asks again.
      ask_at_ns_.store(now_ns + valid_ns_);
      return true;
    }
    if (confirmed.error().kind == ErrorKind::kNotFound) return false;
    log::Warn("alerting", "the database cannot be asked who owns it", {{"err", confirmed.error()}});
    // A question may take seconds: not before every message.
    ask_database_at_ns_.store(AskLaterNs());
  }
  const PeersSay said = ask_peers_();
  const bool silenced = said == PeersSay::kAnotherLeads;
  if (silenced_.exchange(silenced) != silenced || asks_database) {
    log::Warn("alerting", silenced ? "another server leads: it notifies, this one does not"
                                   : "no other server says that it leads; notifying goes on");
  }
  // One that stands by leads as soon as the lease is over.
  ask_at_ns_.store(said == PeersSay::kStandBy
                       ? clock_.MonotonicNs() + kAskStandbyAgainMs * 1'000'000
                       : AskLaterNs());
  return !silenced;
}

void OwnedNotifier::Send(alerting::Outgoing message, Done done) {
  if (owned_()) return notifier_.Send(std::move(message), std::move(done));
  alerting::SendOutcome outcome;
  outcome.verdict = alerting::SendVerdict::kRetry;
  outcome.error = "another vigil-server has taken the database over and notifies";
  done(message.id, std::move(outcome), std::move(message.receiver_data));
}

}  // namespace vigil::cluster

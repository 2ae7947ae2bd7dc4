// SPDX-License-Identifier: Apache-2.0
// A notifier that speaks only while this server owns its database.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "client-lib/base/clock.h"
#include "server/alerting/notifier.h"
#include "server/cluster/peer_roles.h"

namespace vigil::cluster {

// Whether this server may speak, by what was confirmed not long ago.
//
// The database is the judge. When it cannot be asked, either it is away for all, and nobody else
// will speak; or only this server is cut off, and another one takes over and speaks as soon as the
// lease is over. So the others are asked, and one that leads silences this server until the
// database says more. Without an answer of either it speaks: who hears nothing may be alone as well
// as cut off, and twice is better than never. Threads: any.
class OwnerGate {
 public:
  // Ok: owned; not_found: another server has it; other errors: nobody can tell.
  using Confirm = std::function<Result<void>()>;
  // What the others say; see PeerRoles.
  using AskPeers = std::function<PeersSay()>;

  // Between questions to a database that did not answer, and to others that gave no answer or said
  // that they lead.
  static constexpr int64_t kAskAgainMs = 10'000;
  // Whoever stands by may lead at any moment.
  static constexpr int64_t kAskStandbyAgainMs = 1'000;

  // What was confirmed holds for valid_ms. clock must outlive it.
  OwnerGate(Confirm confirm, AskPeers ask_peers, int64_t valid_ms, const Clock& clock)
      : confirm_(std::move(confirm)),
        ask_peers_(std::move(ask_peers)),
        valid_ns_(valid_ms * 1'000'000),
        clock_(clock),
        ask_at_ns_(clock.MonotonicNs() + valid_ns_) {}

  // May wait for the database and the others.
  bool Owned();
  // Whether another server was found to lead while the database could not be asked: what this one
  // takes it would keep to itself. Asks only when that answer is old, and may wait then.
  bool Silenced();

 private:
  bool Ask(int64_t now_ns);
  [[nodiscard]] int64_t AskLaterNs() const {
    return clock_.MonotonicNs() + kAskAgainMs * 1'000'000;
  }

  const Confirm confirm_;
  const AskPeers ask_peers_;
  const int64_t valid_ns_;
  const Clock& clock_;
  std::atomic<int64_t> ask_at_ns_;
  std::atomic<int64_t> ask_database_at_ns_{INT64_MIN};
  std::atomic<bool> silenced_{false};  // by the last answer
};

// A server that was stopped for a while goes on with the messages that are due, although another
// one may have taken over and sent them: before it speaks it asks.
// Threads: any.
class OwnedNotifier final : public alerting::Notifier {
 public:
  using Owned = std::function<bool()>;

  // owned: see OwnerGate. notifier must outlive it.
  OwnedNotifier(alerting::Notifier& notifier, Owned owned)
      : notifier_(notifier), owned_(std::move(owned)) {}

  // May wait, as owned does. A message that must not be sent ends as kRetry.
  void Send(alerting::Outgoing message, Done done) override;
  Result<void> Apply(std::shared_ptr<const alerting::AlertingConfig> config) override {
    return notifier_.Apply(std::move(config));
  }
  void Stop() override { notifier_.Stop(); }

 private:
  alerting::Notifier& notifier_;
  const Owned owned_;
};

}  // namespace vigil::cluster

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

namespace vigil::cluster {

// Whether this server may speak, by what was confirmed not long ago. Threads: any.
class OwnerGate {
 public:
  // Ok: owned; not_found: another server has it; other errors: nobody can tell.
  using Confirm = std::function<Result<void>()>;

  // After a question that nobody answered it says yes for so long without another one.
  static constexpr int64_t kAskAgainMs = 10'000;

  // What was confirmed holds for valid_ms. clock must outlive it.
  OwnerGate(Confirm confirm, int64_t valid_ms, const Clock& clock)
      : confirm_(std::move(confirm)),
        valid_ns_(valid_ms * 1'000'000),
        clock_(clock),
        ask_at_ns_(clock.MonotonicNs() + valid_ns_) {}

  // May wait for the database. Yes while that cannot be asked: twice is better than never.
  bool Owned();

 private:
  const Confirm confirm_;
  const int64_t valid_ns_;
  const Clock& clock_;
  std::atomic<int64_t> ask_at_ns_;
};

// A server that was stopped for a while goes on with the messages that are due, although another
// one may have taken over and sent them: before it speaks it asks.
// Threads: any.
class OwnedNotifier final : public alerting::Notifier {
 public:
  using Confirm = OwnerGate::Confirm;
  static constexpr int64_t kAskAgainMs = OwnerGate::kAskAgainMs;

  // What was confirmed holds for valid_ms. notifier and clock must outlive it.
  OwnedNotifier(alerting::Notifier& notifier, Confirm confirm, int64_t valid_ms, const Clock& clock)
      : notifier_(notifier), gate_(std::move(confirm), valid_ms, clock) {}

  // May wait for the database. A message that must not be sent ends as kRetry. While the database
  // cannot be asked messages are sent: twice is better than never.
  void Send(alerting::Outgoing message, Done done) override;
  Result<void> Apply(std::shared_ptr<const alerting::AlertingConfig> config) override {
    return notifier_.Apply(std::move(config));
  }
  void Stop() override { notifier_.Stop(); }

 private:
  alerting::Notifier& notifier_;
  OwnerGate gate_;
};

}  // namespace vigil::cluster

// SPDX-License-Identifier: Apache-2.0
// The newest version of an alert, and what was found out about it.
#pragma once

#include <limits>
#include <memory>
#include <utility>

#include "server/alerting/alert.h"

namespace vigil::alerting {

// One per alert that is known, shared by the store, the groups and the inhibitor, so that a report
// that changes nothing but times is put in here and nowhere else. Such a report costs no
// allocation: its version is made when somebody asks for it.
// Threads: one at a time.
class AlertSlot {
 public:
  explicit AlertSlot(AlertPtr alert) : times_(*alert), alert_(std::move(alert)) {}

  // The newest version.
  [[nodiscard]] const AlertPtr& alert() const {
    if (behind_) Renew();
    return alert_;
  }
  // Of the newest version.
  [[nodiscard]] const AlertTimes& times() const { return times_; }
  // What all versions have in common, or this one and those before it since the last Put.
  [[nodiscard]] const Labels& labels() const { return alert_->labels; }
  [[nodiscard]] uint64_t fingerprint() const { return alert_->fingerprint; }
  [[nodiscard]] const Labels& annotations() const { return alert_->annotations; }
  [[nodiscard]] const SharedText& generator_url() const { return alert_->generator_url; }

  void Put(AlertPtr alert) {
    times_ = *alert;
    alert_ = std::move(alert);
    behind_ = false;
  }
  // Another version with these times.
  void Move(const AlertTimes& times) {
    times_ = times;
    behind_ = true;
  }

  // From then on a report hurries a group that was not flushed yet.
  TimestampMs hurry_at = std::numeric_limits<TimestampMs>::min();
  // The latest end that a change told of.
  TimestampMs latest_end = std::numeric_limits<TimestampMs>::min();
  size_t told = 0;        // where among the changes its last version stands, if they have one
  TextKey text;           // of its last report, if that was read from a text: KnownTexts finds it
  bool placed = false;    // all its groups have it, and the inhibitor
  bool accepted = false;  // its labels were checked by this run
  bool extended = false;  // that its end moved on was told
  bool drifted = false;   // its annotations or URL changed once

 private:
  void Renew() const {
    auto newest = std::make_shared<Alert>(*alert_);
    static_cast<AlertTimes&>(*newest) = times_;
    alert_ = std::move(newest);
    behind_ = false;
  }

  mutable bool behind_ = false;  // alert_ has other times
  AlertTimes times_;
  mutable AlertPtr alert_;
};
using AlertSlotPtr = std::shared_ptr<AlertSlot>;

}  // namespace vigil::alerting

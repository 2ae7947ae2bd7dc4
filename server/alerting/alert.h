// SPDX-License-Identifier: Apache-2.0
// An alert as it is stored and routed, and how two reports of it become one.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"
#include "server/alerting/shared_text.h"

namespace vigil::alerting {

// FNV-1a over sorted name 0xFF value 0xFF: upstream's identity of an alert.
uint64_t Fingerprint(const Labels& labels);
// REQUIRES: sorted by name.
uint64_t Fingerprint(std::span<const LabelView> labels);
// 16 hexadecimal digits.
std::string FingerprintText(uint64_t fingerprint);

// As a client posts it; times that are missing are empty.
struct PostedAlert {
  Labels labels;
  Labels annotations;
  std::optional<TimestampMs> starts_at;
  std::optional<TimestampMs> ends_at;
  std::string generator_url;
};

// The same as views of what was posted: labels sorted by name, names unique, no empty values.
struct AlertReport {
  std::span<const LabelView> labels;
  std::span<const LabelView> annotations;
  std::string_view generator_url;
  std::optional<TimestampMs> starts_at;
  std::optional<TimestampMs> ends_at;

  [[nodiscard]] PostedAlert Copy() const;
};

// Threads: any (immutable behind AlertPtr).
struct Alert {
  Labels labels;
  Labels annotations;
  SharedText generator_url;
  TimestampMs starts_at = 0;
  TimestampMs ends_at = 0;
  TimestampMs updated_at = 0;
  bool timeout = false;  // ends_at is a guess: resolve_timeout after the last report
  uint64_t fingerprint = 0;

  [[nodiscard]] bool ResolvedAt(TimestampMs now) const { return ends_at <= now; }
  // Who it is in the notification log.
  [[nodiscard]] uint64_t Hash() const { return labels.Hash(); }
};
using AlertPtr = std::shared_ptr<const Alert>;

// The newest version of an alert, and what was found out about it: one per alert that is known,
// shared by the store, the groups and the inhibitor, so that a report that changes nothing but
// times is put in here and nowhere else.
struct AlertSlot {
  AlertPtr alert;
  // From then on a report hurries a group that was not flushed yet.
  TimestampMs hurry_at = std::numeric_limits<TimestampMs>::min();
  // The latest end that a change told of.
  TimestampMs latest_end = std::numeric_limits<TimestampMs>::min();
  bool placed = false;    // all its groups have it, and the inhibitor
  bool accepted = false;  // its labels were checked by this run
  bool extended = false;  // that its end moved on was told
  bool drifted = false;   // its annotations or URL changed once
};
using AlertSlotPtr = std::shared_ptr<AlertSlot>;

enum class LabelNames { kUtf8, kClassic };

// Fills in missing times and checks. bad_data in upstream's words.
Result<Alert> AcceptAlert(const PostedAlert& posted, TimestampMs now, DurationMs resolve_timeout,
                          LabelNames names = LabelNames::kUtf8);

// The times of a report, missing ones filled in. False when it ends before it starts.
bool SetTimes(std::optional<TimestampMs> starts_at, std::optional<TimestampMs> ends_at,
              TimestampMs now, DurationMs resolve_timeout, Alert* alert);

// What is known after both reports of the same fingerprint: merged when their spans overlap, else
// the second alone. `now` tells what counts as resolved.
Alert MergeReports(const Alert& old, Alert fresh, TimestampMs now);

// How upstream sorts label sets: fewer labels first; then the first name in which they differ.
bool LabelsBefore(const Labels& a, const Labels& b);

// By job, instance, then all labels: how a notification lists them.
bool NotificationOrder(const Alert& a, const Alert& b);

}  // namespace vigil::alerting

// SPDX-License-Identifier: Apache-2.0
// An alert as it is stored and routed, and how two reports of it become one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"

namespace vigil::alerting {

// FNV-1a over sorted name 0xFF value 0xFF: upstream's identity of an alert.
uint64_t Fingerprint(const Labels& labels);
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

// Threads: any (immutable behind AlertPtr).
struct Alert {
  Labels labels;
  Labels annotations;
  std::string generator_url;
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

enum class LabelNames { kUtf8, kClassic };

// Fills in missing times and checks. bad_data in upstream's words.
Result<Alert> AcceptAlert(const PostedAlert& posted, TimestampMs now, DurationMs resolve_timeout,
                          LabelNames names = LabelNames::kUtf8);

// What is known after both reports of the same fingerprint: merged when their spans overlap, else
// the second alone. `now` tells what counts as resolved.
Alert MergeReports(const Alert& old, Alert fresh, TimestampMs now);

// How upstream sorts label sets: fewer labels first; then the first name in which they differ.
bool LabelsBefore(const Labels& a, const Labels& b);

// By job, instance, then all labels: how a notification lists them.
bool NotificationOrder(const Alert& a, const Alert& b);

}  // namespace vigil::alerting

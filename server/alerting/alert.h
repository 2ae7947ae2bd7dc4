// SPDX-License-Identifier: Apache-2.0
// An alert as it is stored and routed, and how two reports of it become one.
#pragma once

#include <cstdint>
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
#include "server/alerting/text_key.h"

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
  TextKey text = {};  // of what it was read from

  [[nodiscard]] PostedAlert Copy() const;
};

// What is known of a report before it is read: the key of its text without the values of its
// times, and these. Missing ones are empty.
struct AlertText {
  TextKey key;
  std::optional<TimestampMs> starts_at;
  std::optional<TimestampMs> ends_at;
};

// What a report can move without saying anything new.
struct AlertTimes {
  TimestampMs starts_at = 0;
  TimestampMs ends_at = 0;
  TimestampMs updated_at = 0;
  bool timeout = false;  // ends_at is a guess: resolve_timeout after the last report

  [[nodiscard]] bool ResolvedAt(TimestampMs now) const { return ends_at <= now; }
};

// Threads: any (immutable behind AlertPtr).
struct Alert : AlertTimes {
  Labels labels;
  Labels annotations;
  SharedText generator_url;
  uint64_t fingerprint = 0;

  // Who it is in the notification log.
  [[nodiscard]] uint64_t Hash() const { return labels.Hash(); }
};
using AlertPtr = std::shared_ptr<const Alert>;

enum class LabelNames { kUtf8, kClassic };

// Fills in missing times and checks. bad_data in upstream's words.
Result<Alert> AcceptAlert(const PostedAlert& posted, TimestampMs now, DurationMs resolve_timeout,
                          LabelNames names = LabelNames::kUtf8);

// What AcceptAlert says of an alert that ends before it starts.
Error EndsBeforeItStarts();
// The same for an alert that has its content, but for the fingerprint.
Result<void> AcceptContent(LabelNames names, Alert* alert);

// The times of a report, missing ones filled in. False when it ends before it starts.
bool SetTimes(std::optional<TimestampMs> starts_at, std::optional<TimestampMs> ends_at,
              TimestampMs now, DurationMs resolve_timeout, AlertTimes* times);

bool SamePairs(const Labels& labels, std::span<const LabelView> pairs);

// What is known after both reports of the same fingerprint: merged when their spans overlap, else
// the second alone. `now` tells what counts as resolved.
Alert MergeReports(const Alert& old, Alert fresh, TimestampMs now);
// The times of that. REQUIRES: the old report is not the later one.
AlertTimes MergeTimes(const AlertTimes& old, AlertTimes fresh, TimestampMs now);

// How upstream sorts label sets: fewer labels first; then the first name in which they differ.
bool LabelsBefore(const Labels& a, const Labels& b);

// By job, instance, then all labels: how a notification lists them.
bool NotificationOrder(const Alert& a, const Alert& b);

}  // namespace vigil::alerting

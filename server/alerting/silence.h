// SPDX-License-Identifier: Apache-2.0
// A period in which matching alerts are muted.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/alerting/label_matcher.h"
#include "server/alerting/matcher_parser.h"
#include "server/alerting/receiver_config.h"

namespace vigil::alerting {

enum class SilenceState { kPending, kActive, kExpired };
// "pending", "active", "expired"
std::string_view SilenceStateText(SilenceState state);

// Threads: any (a plain value).
struct Silence {
  std::string id;  // a UUID; empty: not stored yet
  LabelMatchers matchers;
  TimestampMs starts_at = 0;  // 0: now
  TimestampMs ends_at = 0;
  TimestampMs updated_at = 0;
  std::string created_by;
  std::string comment;
  StringMap annotations;

  [[nodiscard]] SilenceState StateAt(TimestampMs now) const;
  // Bytes that it takes, roughly as upstream's encoding does.
  [[nodiscard]] size_t SizeBytes() const;
};

// bad_data in upstream's words.
Result<void> ValidateSilence(const Silence& silence, const MatcherParser& names);

// Whether `old` can become `fresh` under its id without rewriting what has been silenced.
bool CanUpdateSilence(const Silence& old, const Silence& fresh, TimestampMs now);

}  // namespace vigil::alerting

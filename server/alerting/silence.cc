// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/silence.h"

#include <fmt/format.h>

#include <algorithm>

#include "client-lib/base/strings.h"

namespace vigil::alerting {
namespace {

// Negative matchers count as specific, as upstream.
bool TakesEmpty(const LabelMatcher& matcher) {
  return (matcher.type() == MatchType::kEqual || matcher.type() == MatchType::kRegexp) &&
         matcher.MatchesValue({});
}

}  // namespace

std::string_view SilenceStateText(SilenceState state) {
  switch (state) {
    case SilenceState::kPending:
      return "pending";
    case SilenceState::kActive:
      return "active";
    case SilenceState::kExpired:
      break;
  }
  return "expired";
}

SilenceState Silence::StateAt(TimestampMs now) const {
  if (now < starts_at) return SilenceState::kPending;
  // Upstream's clock has nanoseconds: an end that is now has passed by the next look.
  return now >= ends_at ? SilenceState::kExpired : SilenceState::kActive;
}

size_t Silence::SizeBytes() const {
  constexpr size_t kTimes = 4 * 14;
  size_t size = id.size() + created_by.size() + comment.size() + kTimes + 10;
  for (const LabelMatcher& matcher : matchers) {
    size += matcher.name().size() + matcher.value().size() + 8;
  }
  for (const auto& [name, value] : annotations) size += name.size() + value.size() + 6;
  return size;
}

Result<void> ValidateSilence(const Silence& silence, const MatcherParser& names) {
  if (silence.matchers.empty()) return BadData("at least one matcher required");
  for (size_t i = 0; i < silence.matchers.size(); ++i) {
    const LabelMatcher& matcher = silence.matchers[i];
    if (!names.IsLabelName(matcher.name())) {
      return BadData(
          fmt::format("invalid label matcher {}: invalid label name {}", i, Quote(matcher.name())));
    }
    // The database takes no NUL, and without it the silence would be another one.
    if (matcher.name().find('\0') != std::string::npos ||
        matcher.value().find('\0') != std::string::npos) {
      return BadData(fmt::format("invalid label matcher {}: a NUL character cannot be stored", i));
    }
    if (!IsValidUtf8(matcher.value())) {
      return BadData(fmt::format("invalid label matcher {}: invalid label value {}", i,
                                 Quote(matcher.value())));
    }
  }
  if (std::all_of(silence.matchers.begin(), silence.matchers.end(), &TakesEmpty)) {
    return BadData("at least one matcher must not match the empty string");
  }
  if (silence.starts_at == 0) return BadData("invalid zero start timestamp");
  if (silence.ends_at == 0) return BadData("invalid zero end timestamp");
  if (silence.ends_at < silence.starts_at) {
    return BadData("end time must not be before start time");
  }
  return Ok();
}

bool CanUpdateSilence(const Silence& old, const Silence& fresh, TimestampMs now) {
  if (!(old.matchers == fresh.matchers)) return false;
  switch (old.StateAt(now)) {
    case SilenceState::kActive:
      return fresh.starts_at / 1000 == old.starts_at / 1000 && fresh.ends_at >= now;
    case SilenceState::kPending:
      return fresh.starts_at >= now;
    case SilenceState::kExpired:
      break;
  }
  return false;
}

}  // namespace vigil::alerting

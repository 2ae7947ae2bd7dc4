// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/retry.h"

#include <algorithm>
#include <array>

#include "client-lib/base/civil.h"
#include "client-lib/base/strings.h"

namespace vigil::alerting {
namespace {

constexpr double kFirstPauseMs = 500;
constexpr double kPauseGrowth = 1.5;
constexpr double kLongestPauseMs = 60'000;
// Nobody means more than a day.
constexpr uint64_t kLongestWishSeconds = 86'400;

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<TimestampMs> ParseHttpDate(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  const auto* month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const std::optional<uint64_t> day = ParseUint(text.substr(5, 2));
  const std::optional<uint64_t> year = ParseUint(text.substr(12, 4));
  const std::optional<uint64_t> hour = ParseUint(text.substr(17, 2));
  const std::optional<uint64_t> minute = ParseUint(text.substr(20, 2));
  const std::optional<uint64_t> second = ParseUint(text.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  if (*day < 1 || *day > 31 || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const int64_t days =
      DaysFromCivil(static_cast<int64_t>(*year), static_cast<int>(month - kMonths.begin()) + 1,
                    static_cast<int>(*day));
  return (days * 86400 + static_cast<int64_t>(*hour * 3600 + *minute * 60 + *second)) * 1000;
}

}  // namespace

SendVerdict JudgeStatus(int status, std::span<const int> also_retry) {
  if (status / 100 == 2) return SendVerdict::kSent;
  const bool listed = std::find(also_retry.begin(), also_retry.end(), status) != also_retry.end();
  return status / 100 == 5 || status == 429 || listed ? SendVerdict::kRetry : SendVerdict::kFinal;
}

std::optional<DurationMs> ParseRetryAfter(std::string_view value, TimestampMs now) {
  value = TrimSpace(value);
  if (const std::optional<uint64_t> seconds = ParseUint(value)) {
    return static_cast<DurationMs>(std::min(*seconds, kLongestWishSeconds) * 1000);
  }
  const std::optional<TimestampMs> date = ParseHttpDate(value);
  if (!date) return std::nullopt;
  return std::clamp<DurationMs>(*date - now, 0, kLongestWishSeconds * 1000);
}

std::optional<TimestampMs> NextTry(size_t tries, const SendOutcome& outcome, TimestampMs now,
                                   TimestampMs deadline, double jitter) {
  if (outcome.verdict != SendVerdict::kRetry) return std::nullopt;
  double pause = kFirstPauseMs;
  for (size_t i = 1; i < tries && pause < kLongestPauseMs; ++i) pause *= kPauseGrowth;
  pause = std::min(pause, kLongestPauseMs) * (0.5 + jitter);
  const DurationMs wait = std::max(static_cast<DurationMs>(pause), outcome.retry_after.value_or(0));
  if (now + wait >= deadline) return std::nullopt;
  return now + wait;
}

}  // namespace vigil::alerting

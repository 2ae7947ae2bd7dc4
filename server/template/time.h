// SPDX-License-Identifier: Apache-2.0
// A moment with the zone it is shown in, and Go's texts of moments and durations.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/base/time_zone.h"

namespace vigil::tmpl {

// Seconds of 0001-01-01T00:00:00Z, which Go calls the zero time.
inline constexpr int64_t kZeroTimeSeconds = -62'135'596'800;

// Nanoseconds, as Go's time.Duration.
using DurationNs = int64_t;

struct Time {
  int64_t seconds = kZeroTimeSeconds;    // since the Unix epoch
  int32_t nanos = 0;                     // 0..999999999
  std::shared_ptr<const TimeZone> zone;  // null: UTC

  static Time FromUnixMs(int64_t timestamp_ms);
  static Time FromUnixNs(int64_t seconds, int64_t nanos);

  [[nodiscard]] bool IsZero() const { return seconds == kZeroTimeSeconds && nanos == 0; }
  [[nodiscard]] bool SameMoment(const Time& other) const {
    return seconds == other.seconds && nanos == other.nanos;
  }
  [[nodiscard]] bool Before(const Time& other) const {
    return seconds != other.seconds ? seconds < other.seconds : nanos < other.nanos;
  }
  [[nodiscard]] Time Plus(DurationNs duration) const;
  // this - other; a difference too large for a duration is the largest.
  [[nodiscard]] DurationNs Minus(const Time& other) const;
};

// The parts a clock in the time's zone shows.
struct WallClock {
  int64_t year = 1;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0, nanos = 0;
  int weekday = 0;   // 0 is Sunday
  int year_day = 1;  // 1..366
  ZoneOffset offset;
};
WallClock WallClockOf(const Time& time);

std::string_view MonthName(int month);      // 1..12, else empty
std::string_view WeekdayName(int weekday);  // 0..6, else empty

// Go's Time.Format with a layout such as "2006-01-02 15:04:05 -0700 MST".
std::string FormatTime(const Time& time, std::string_view layout);
// Go's Time.String.
std::string TimeText(const Time& time);
// RFC 3339 with as many digits behind the second as needed: how encoding/json writes a time.
std::string FormatTimeJson(const Time& time);
// Go's time.ParseInLocation; bad_data with Go's text. zone null: UTC.
Result<Time> ParseTime(std::string_view layout, std::string_view text,
                       const std::shared_ptr<const TimeZone>& zone);

// Go's Duration.String: "1h2m3.5s", "150ms", "0s".
std::string DurationText(DurationNs duration);

}  // namespace vigil::tmpl

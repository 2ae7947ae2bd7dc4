// SPDX-License-Identifier: Apache-2.0
// Times of day, weekdays, days of the month, months and years in which a route is active or muted.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/base/time_zone.h"

namespace vigil::alerting {

// Both ends belong to it; of minutes the end does not.
struct NumberRange {
  int begin = 0;
  int end = 0;
  bool operator==(const NumberRange&) const = default;
};

// A field without ranges takes everything; of a field with ranges one must hold, and all fields
// must hold.
struct TimeInterval {
  std::vector<NumberRange> times;          // minutes of the day, 0..1440
  std::vector<NumberRange> weekdays;       // Sunday is 0
  std::vector<NumberRange> days_of_month;  // 1..31, or -31..-1 from the month's end
  std::vector<NumberRange> months;         // January is 1
  std::vector<NumberRange> years;
  std::shared_ptr<const TimeZone> location;  // null: UTC

  [[nodiscard]] bool Contains(TimestampMs time) const;
};

// "08:00" ... "24:00" in minutes. bad_data.
Result<int> ParseTimeOfDay(std::string_view text);
// The ranges of the configuration file: "monday:friday", "-3:-1", "january:3", "2024". bad_data.
Result<NumberRange> ParseWeekdays(std::string_view text);
Result<NumberRange> ParseDaysOfMonth(std::string_view text);
Result<NumberRange> ParseMonths(std::string_view text);
Result<NumberRange> ParseYears(std::string_view text);
// As they are written in the file.
std::string FormatTimeOfDay(int minutes);
std::string FormatWeekdays(const NumberRange& range);
std::string FormatNumbers(const NumberRange& range);

}  // namespace vigil::alerting

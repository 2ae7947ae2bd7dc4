// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/time_interval.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "client-lib/base/civil.h"
#include "client-lib/base/strings.h"
#include "server/alerting/civil_time.h"

namespace vigil::alerting {
namespace {

constexpr std::array<std::string_view, 7> kWeekdayNames = {
    "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kMonthNames = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

// Go's Atoi: a sign and digits.
Result<int> ParseMember(std::string_view text) {
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  const std::optional<int64_t> value = ParseInt(digits);
  if (!value || digits.starts_with('+') || *value > 1'000'000'000 || *value < -1'000'000'000) {
    return BadData(fmt::format("{} is not a number", Quote(text)));
  }
  return static_cast<int>(*value);
}

Result<int> WeekdayMember(std::string_view text) {
  const auto* found = std::find(kWeekdayNames.begin(), kWeekdayNames.end(), text);
  if (found == kWeekdayNames.end()) {
    return BadData(fmt::format("{} is not a valid weekday", text));
  }
  return static_cast<int>(found - kWeekdayNames.begin());
}

Result<int> MonthMember(std::string_view text) {
  const auto* found = std::find(kMonthNames.begin(), kMonthNames.end(), text);
  if (found != kMonthNames.end()) return static_cast<int>(found - kMonthNames.begin()) + 1;
  Result<int> number = ParseMember(text);
  if (!number) return BadData(fmt::format("{} is not a valid month", text));
  return number;
}

// "a" or "a:b", in any case.
Result<NumberRange> ParseRange(std::string_view text, Result<int> (*member)(std::string_view)) {
  const std::string lower = AsciiLower(text);
  const std::vector<std::string_view> parts = Split(lower, ':');
  if (parts.size() > 2)
    return BadData(fmt::format("couldn't parse range {}, invalid format", text));
  NumberRange range;
  range.begin = TRY(member(parts.front()));
  range.end = TRY(member(parts.back()));
  return range;
}

bool InAny(const std::vector<NumberRange>& ranges, int64_t value) {
  if (ranges.empty()) return true;
  return std::any_of(ranges.begin(), ranges.end(), [&](const NumberRange& range) {
    return value >= range.begin && value <= range.end;
  });
}

bool InTimes(const std::vector<NumberRange>& times, int minute) {
  if (times.empty()) return true;
  return std::any_of(times.begin(), times.end(), [&](const NumberRange& range) {
    return minute >= range.begin && minute < range.end;
  });
}

bool InDays(const std::vector<NumberRange>& ranges, const CivilTime& now) {
  if (ranges.empty()) return true;
  const int length = DaysInMonth(now.year, now.month);
  return std::any_of(ranges.begin(), ranges.end(), [&](const NumberRange& range) {
    const int begin = range.begin < 0 ? length + range.begin + 1 : range.begin;
    const int end = range.end < 0 ? length + range.end + 1 : range.end;
    // A range that begins behind the month's end is not moved into the month; one that ends
    // there is cut.
    return begin <= length && now.day >= begin && now.day <= std::min(end, length);
  });
}

}  // namespace

bool TimeInterval::Contains(TimestampMs time) const {
  const CivilTime now = CivilTimeAt(location == nullptr ? *TimeZone::Utc() : *location, time);
  return InTimes(times, now.minute_of_day) && InDays(days_of_month, now) &&
         InAny(months, now.month) && InAny(weekdays, now.weekday) && InAny(years, now.year);
}

Result<int> ParseTimeOfDay(std::string_view text) {
  const auto digit = [&](size_t i) { return text[i] - '0'; };
  bool good = text.size() == 5 && text[2] == ':';
  for (const size_t i : {0U, 1U, 3U, 4U}) good = good && text[i] >= '0' && text[i] <= '9';
  if (good) {
    const int hours = digit(0) * 10 + digit(1);
    const int minutes = digit(3) * 10 + digit(4);
    if ((hours < 24 && minutes < 60) || (hours == 24 && minutes == 0)) return hours * 60 + minutes;
  }
  return BadData(fmt::format("couldn't parse timestamp {}, invalid format", text));
}

Result<NumberRange> ParseWeekdays(std::string_view text) {
  NumberRange range = TRY(ParseRange(text, &WeekdayMember));
  if (range.begin > range.end) return BadData("start day cannot be before end day");
  return range;
}

Result<NumberRange> ParseDaysOfMonth(std::string_view text) {
  NumberRange range = TRY(ParseRange(text, &ParseMember));
  for (const int day : {range.begin, range.end}) {
    if (day == 0 || day < -31 || day > 31) {
      return BadData(fmt::format("{} is not a valid day of the month: out of range", day));
    }
  }
  if (range.begin < 0 && range.end > 0) {
    return BadData("end day must be negative if start day is negative");
  }
  // The shortest month tells what can never hold.
  const int begin = range.begin < 0 ? 28 + range.begin : range.begin;
  const int end = range.end < 0 ? 28 + range.end : range.end;
  if (begin > end) {
    return BadData(fmt::format("end day {} is always before start day {}", range.end, range.begin));
  }
  return range;
}

Result<NumberRange> ParseMonths(std::string_view text) {
  NumberRange range = TRY(ParseRange(text, &MonthMember));
  if (range.begin > range.end) {
    const auto name = [](int month) {
      return month >= 1 && month <= 12 ? kMonthNames[static_cast<size_t>(month - 1)]
                                       : std::string_view();
    };
    return BadData(
        fmt::format("end month {} is before start month {}", name(range.end), name(range.begin)));
  }
  return range;
}

Result<NumberRange> ParseYears(std::string_view text) {
  NumberRange range = TRY(ParseRange(text, &ParseMember));
  if (range.begin > range.end) {
    return BadData(fmt::format("end year {} is before start year {}", range.end, range.begin));
  }
  return range;
}

std::string FormatTimeOfDay(int minutes) {
  return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

std::string FormatWeekdays(const NumberRange& range) {
  const std::string begin(kWeekdayNames[static_cast<size_t>(range.begin)]);
  if (range.begin == range.end) return begin;
  return begin + ":" + std::string(kWeekdayNames[static_cast<size_t>(range.end)]);
}

std::string FormatNumbers(const NumberRange& range) {
  if (range.begin == range.end) return std::to_string(range.begin);
  return fmt::format("{}:{}", range.begin, range.end);
}

}  // namespace vigil::alerting

// SPDX-License-Identifier: Apache-2.0
#include "client-lib/base/posix_zone_rule.h"

#include "client-lib/base/civil.h"

namespace vigil {
namespace {

// CET or <+03>
bool TakeZoneName(std::string_view* text, std::string* name) {
  size_t end = 0;
  const bool quoted = text->starts_with('<');
  if (quoted) {
    end = text->find('>');
    if (end == std::string_view::npos) return false;
    ++end;
  } else {
    while (end < text->size() && (((*text)[end] >= 'a' && (*text)[end] <= 'z') ||
                                  ((*text)[end] >= 'A' && (*text)[end] <= 'Z'))) {
      ++end;
    }
  }
  if (end < 3) return false;
  *name = quoted ? text->substr(1, end - 2) : text->substr(0, end);
  text->remove_prefix(end);
  return true;
}

// At most three digits.
std::optional<int> TakeSmallNumber(std::string_view* text) {
  int value = 0;
  size_t size = 0;
  while (size < 3 && size < text->size() && (*text)[size] >= '0' && (*text)[size] <= '9') {
    value = value * 10 + ((*text)[size++] - '0');
  }
  if (size == 0) return std::nullopt;
  text->remove_prefix(size);
  return value;
}

bool TakeChar(std::string_view* text, char c) {
  if (!text->starts_with(c)) return false;
  text->remove_prefix(1);
  return true;
}

// [+-]h[h[h]][:mm[:ss]]
std::optional<int64_t> TakeClock(std::string_view* text) {
  const bool negative = TakeChar(text, '-');
  if (!negative) TakeChar(text, '+');
  const std::optional<int> hours = TakeSmallNumber(text);
  if (!hours) return std::nullopt;
  int64_t seconds = int64_t{*hours} * 3600;
  for (const int64_t unit : {int64_t{60}, int64_t{1}}) {
    if (!TakeChar(text, ':')) break;
    const std::optional<int> part = TakeSmallNumber(text);
    if (!part || *part > 59) return std::nullopt;
    seconds += *part * unit;
  }
  return negative ? -seconds : seconds;
}

bool InRange(const std::optional<int>& value, int low, int high) {
  return value && *value >= low && *value <= high;
}

std::optional<PosixZoneRule::Change> TakeChange(std::string_view* text) {
  using Kind = PosixZoneRule::Change::Kind;
  PosixZoneRule::Change change;
  if (TakeChar(text, 'M')) {
    const std::optional<int> month = TakeSmallNumber(text);
    if (!InRange(month, 1, 12) || !TakeChar(text, '.')) return std::nullopt;
    const std::optional<int> week = TakeSmallNumber(text);
    if (!InRange(week, 1, 5) || !TakeChar(text, '.')) return std::nullopt;
    const std::optional<int> day = TakeSmallNumber(text);
    if (!InRange(day, 0, 6)) return std::nullopt;
    change.month = *month;
    change.week = *week;
    change.day = *day;
  } else {
    const bool julian = TakeChar(text, 'J');
    const std::optional<int> day = TakeSmallNumber(text);
    if (!InRange(day, julian ? 1 : 0, 365)) return std::nullopt;
    change.kind = julian ? Kind::kJulian : Kind::kDayOfYear;
    change.day = *day;
  }
  if (TakeChar(text, '/')) {
    const std::optional<int64_t> seconds = TakeClock(text);
    if (!seconds) return std::nullopt;
    change.seconds = *seconds;
  }
  return change;
}

// Wall-clock seconds since 1970 of the change in a year.
int64_t ChangeInYear(const PosixZoneRule::Change& change, int64_t year) {
  using Kind = PosixZoneRule::Change::Kind;
  int64_t day = DaysFromCivil(year, 1, 1);
  if (change.kind == Kind::kDayOfYear) {
    day += change.day;
  } else if (change.kind == Kind::kJulian) {
    // Day 60 is the 1st of March in every year.
    day += change.day - 1;
    if (change.day >= 60 && IsLeapYear(year)) ++day;
  } else {
    const int64_t first = DaysFromCivil(year, change.month, 1);
    day = first + (change.day - WeekdayOf(first) + 7) % 7 + 7 * (change.week - 1);
    while (day >= first + DaysInMonth(year, change.month)) day -= 7;
  }
  return day * kSecondsPerDay + change.seconds;
}

}  // namespace

bool PosixZoneRule::IsSummerAt(int64_t unix_seconds) const {
  if (!has_summer) return false;
  const int64_t local_days = FloorDivide(unix_seconds + standard_offset, kSecondsPerDay);
  const int64_t year = CivilFromDays(local_days).year;
  const int64_t start = ChangeInYear(summer_start, year) - standard_offset;
  const int64_t end = ChangeInYear(summer_end, year) - summer_offset;
  // In the south summer spans the new year.
  return start < end ? unix_seconds >= start && unix_seconds < end
                     : unix_seconds >= start || unix_seconds < end;
}

std::optional<PosixZoneRule> ParsePosixZoneRule(std::string_view text) {
  PosixZoneRule rule;
  if (!TakeZoneName(&text, &rule.standard_name)) return std::nullopt;
  const std::optional<int64_t> west = TakeClock(&text);
  if (!west) return std::nullopt;
  rule.standard_offset = -*west;
  if (text.empty()) return rule;
  if (!TakeZoneName(&text, &rule.summer_name)) return std::nullopt;
  rule.has_summer = true;
  rule.summer_offset = rule.standard_offset + 3600;
  if (!text.starts_with(',')) {
    const std::optional<int64_t> summer_west = TakeClock(&text);
    if (!summer_west) return std::nullopt;
    rule.summer_offset = -*summer_west;
  }
  if (!TakeChar(&text, ',')) return std::nullopt;
  const std::optional<PosixZoneRule::Change> start = TakeChange(&text);
  if (!start || !TakeChar(&text, ',')) return std::nullopt;
  const std::optional<PosixZoneRule::Change> end = TakeChange(&text);
  if (!end || !text.empty()) return std::nullopt;
  rule.summer_start = *start;
  rule.summer_end = *end;
  return rule;
}

}  // namespace vigil

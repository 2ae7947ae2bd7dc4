// SPDX-License-Identifier: Apache-2.0
// Reads a text by a layout, as Go's time.ParseInLocation.
#include <array>
#include <cstdlib>
#include <optional>

#include "client-lib/base/civil.h"
#include "server/template/rune.h"
#include "server/template/time.h"
#include "server/template/time_layout.h"

namespace vigil::tmpl {
namespace {

struct ReadClock {
  int64_t year = 0;
  int month = -1, day = -1, year_day = -1, hour = 0, minute = 0, second = 0;
  int64_t nanos = 0;
  bool pm = false, has_pm = false, am = false;
  std::optional<int32_t> offset;
  std::string zone_name;
  bool utc = false;
};

bool IsDecimal(std::string_view text, size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

// Between `least` and `most` digits.
bool ReadDigits(std::string_view* text, size_t least, size_t most, int64_t* number) {
  size_t digits = 0;
  *number = 0;
  while (digits < most && IsDecimal(*text, digits)) {
    *number = *number * 10 + ((*text)[digits++] - '0');
  }
  text->remove_prefix(digits);
  return digits >= least;
}

bool ReadInt(std::string_view* text, size_t least, size_t most, int* number) {
  int64_t wide = 0;
  if (!ReadDigits(text, least, most, &wide)) return false;
  *number = static_cast<int>(wide);
  return true;
}

bool ReadName(std::string_view* text, std::string_view (*name_of)(int), int first, int last,
              size_t length, int* number) {
  for (int i = first; i <= last; ++i) {
    const std::string_view name = name_of(i).substr(0, length);
    if (ToLowerText(text->substr(0, name.size())) != ToLowerText(name)) continue;
    text->remove_prefix(name.size());
    *number = i;
    return true;
  }
  return false;
}

bool ReadFraction(std::string_view* text, size_t digits, ReadClock* clock) {
  size_t end = 1;
  while (IsDecimal(*text, end)) ++end;
  if (digits != 0 && end - 1 != digits) return false;
  int64_t nanos = 0;
  for (size_t i = 1; i <= 9; ++i) nanos = nanos * 10 + (i < end ? (*text)[i] - '0' : 0);
  clock->nanos = nanos;
  text->remove_prefix(end);
  return true;
}

bool IsFraction(std::string_view text) {
  return text.size() >= 2 && (text[0] == '.' || text[0] == ',') && IsDecimal(text, 1);
}

bool ReadOffset(std::string_view* text, bool z_allowed, bool colon, bool minutes, bool seconds,
                ReadClock* clock) {
  if (z_allowed && text->starts_with('Z')) {
    text->remove_prefix(1);
    clock->utc = true;
    return true;
  }
  if (text->empty() || ((*text)[0] != '+' && (*text)[0] != '-')) return false;
  const int sign = (*text)[0] == '-' ? -1 : 1;
  text->remove_prefix(1);
  std::array<int, 3> parts = {0, 0, 0};
  const size_t count = seconds ? 3 : minutes ? 2 : 1;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0 && colon) {
      if (!text->starts_with(':')) return false;
      text->remove_prefix(1);
    }
    if (!ReadInt(text, 2, 2, &parts[i])) return false;
  }
  if (parts[0] > 24 || parts[1] >= 60 || parts[2] >= 60) return false;
  clock->offset = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
  return true;
}

// UTC, three or four capitals, or a numeric offset as a name.
bool ReadZoneName(std::string_view* text, ReadClock* clock) {
  if (text->starts_with("UTC")) {
    text->remove_prefix(3);
    clock->utc = true;
    return true;
  }
  size_t end = 0;
  while (end < text->size() && end < 6 && (*text)[end] >= 'A' && (*text)[end] <= 'Z') ++end;
  if (end < 3 || end > 5) return false;
  clock->zone_name = text->substr(0, end);
  text->remove_prefix(end);
  return true;
}

bool ReadZone(TimeElement element, std::string_view* text, ReadClock* clock) {
  using E = TimeElement;
  const bool z = element == E::kIsoZone || element == E::kIsoColonZone ||
                 element == E::kIsoShortZone || element == E::kIsoSecondsZone ||
                 element == E::kIsoColonSecondsZone;
  switch (element) {
    case E::kZone:
      return ReadZoneName(text, clock);
    case E::kIsoZone:
    case E::kNumZone:
      return ReadOffset(text, z, false, true, false, clock);
    case E::kIsoColonZone:
    case E::kNumColonZone:
      return ReadOffset(text, z, true, true, false, clock);
    case E::kIsoShortZone:
    case E::kNumShortZone:
      return ReadOffset(text, z, false, false, false, clock);
    case E::kIsoSecondsZone:
    case E::kNumSecondsZone:
      return ReadOffset(text, z, false, true, true, clock);
    default:
      return ReadOffset(text, z, true, true, true, clock);
  }
}

bool ReadDate(TimeElement element, std::string_view* text, ReadClock* clock) {
  using E = TimeElement;
  int ignored = 0;
  switch (element) {
    case E::kLongMonth:
      return ReadName(text, MonthName, 1, 12, 20, &clock->month);
    case E::kMonth:
      return ReadName(text, MonthName, 1, 12, 3, &clock->month);
    case E::kNumMonth:
      return ReadInt(text, 1, 2, &clock->month);
    case E::kZeroMonth:
      return ReadInt(text, 2, 2, &clock->month);
    case E::kLongWeekday:
      return ReadName(text, WeekdayName, 0, 6, 20, &ignored);
    case E::kWeekday:
      return ReadName(text, WeekdayName, 0, 6, 3, &ignored);
    case E::kUnderDay:
      if (text->starts_with(' ')) text->remove_prefix(1);
      return ReadInt(text, 1, 2, &clock->day);
    case E::kDay:
      return ReadInt(text, 1, 2, &clock->day);
    case E::kZeroDay:
      return ReadInt(text, 2, 2, &clock->day);
    case E::kUnderYearDay:
      while (text->starts_with(' ')) text->remove_prefix(1);
      return ReadInt(text, 1, 3, &clock->year_day);
    case E::kZeroYearDay:
      return ReadInt(text, 3, 3, &clock->year_day);
    case E::kLongYear:
      return ReadDigits(text, 4, 4, &clock->year);
    default:
      if (!ReadDigits(text, 2, 2, &clock->year)) return false;
      clock->year += clock->year >= 69 ? 1900 : 2000;
      return true;
  }
}

bool ReadElement(const TimeLayoutPart& part, std::string_view layout, std::string_view* text,
                 ReadClock* clock) {
  using E = TimeElement;
  switch (part.element) {
    case E::kHour:
      return ReadInt(text, 2, 2, &clock->hour);
    case E::kHour12:
      return ReadInt(text, 1, 2, &clock->hour);
    case E::kZeroHour12:
      return ReadInt(text, 2, 2, &clock->hour);
    case E::kMinute:
      return ReadInt(text, 1, 2, &clock->minute);
    case E::kZeroMinute:
      return ReadInt(text, 2, 2, &clock->minute);
    case E::kSecond:
    case E::kZeroSecond: {
      if (!ReadInt(text, part.element == E::kSecond ? 1 : 2, 2, &clock->second)) return false;
      // A fraction may follow even where the layout has none.
      const TimeElement next = NextTimePart(&layout).element;
      const bool in_layout = next == E::kFraction0 || next == E::kFraction9;
      return in_layout || !IsFraction(*text) || ReadFraction(text, 0, clock);
    }
    case E::kPM:
    case E::kpm: {
      const std::string half = ToUpperText(text->substr(0, 2));
      if (half != "PM" && half != "AM") return false;
      (half == "PM" ? clock->pm : clock->am) = true;
      text->remove_prefix(2);
      return true;
    }
    case E::kFraction0:
      return IsFraction(*text) && ReadFraction(text, part.digits, clock);
    case E::kFraction9:
      return !IsFraction(*text) || ReadFraction(text, 0, clock);
    case E::kZone:
    case E::kIsoZone:
    case E::kIsoColonZone:
    case E::kIsoShortZone:
    case E::kIsoSecondsZone:
    case E::kIsoColonSecondsZone:
    case E::kNumZone:
    case E::kNumColonZone:
    case E::kNumShortZone:
    case E::kNumSecondsZone:
    case E::kNumColonSecondsZone:
      return ReadZone(part.element, text, clock);
    default:
      return ReadDate(part.element, text, clock);
  }
}

// What is out of range, or empty.
std::string_view OutOfRange(const ReadClock& clock) {
  if (clock.month != -1 && (clock.month < 1 || clock.month > 12)) return "month";
  if (clock.hour > 23 || ((clock.pm || clock.am) && clock.hour > 12)) return "hour";
  if (clock.minute > 59) return "minute";
  if (clock.second > 59) return "second";
  const int days = clock.month < 0 ? 31 : DaysInMonth(clock.year, clock.month);
  if (clock.day != -1 && (clock.day < 1 || clock.day > days)) return "day";
  if (clock.year_day != -1 &&
      (clock.year_day < 1 || clock.year_day > (IsLeapYear(clock.year) ? 366 : 365))) {
    return "day-of-year";
  }
  return {};
}

Time MomentOfClock(const ReadClock& clock, const std::shared_ptr<const TimeZone>& zone) {
  int hour = clock.hour;
  if (clock.pm && hour < 12) hour += 12;
  if (clock.am && hour == 12) hour = 0;
  const int month = clock.month < 0 ? 1 : clock.month;
  const int day = clock.day < 0 ? 1 : clock.day;
  int64_t days = DaysFromCivil(clock.year, month, day);
  if (clock.year_day > 0) days = DaysFromCivil(clock.year, 1, 1) + clock.year_day - 1;
  const int64_t wall = days * kSecondsPerDay + hour * 3600 + clock.minute * 60 + clock.second;
  Time time{wall, static_cast<int32_t>(clock.nanos), nullptr};
  if (clock.utc) return time;
  if (clock.offset) {
    time.seconds = wall - *clock.offset;
    if (*clock.offset == 0 && clock.zone_name.empty()) return time;
    time.zone = TimeZone::Fixed(*clock.offset, clock.zone_name);
  } else if (!clock.zone_name.empty()) {
    // A name that the local zone does not use: Go makes up a zone without offset.
    time.zone = TimeZone::Fixed(0, clock.zone_name);
    if (zone != nullptr && zone->At(zone->FromWallClock(wall)).name == clock.zone_name) {
      time.zone = zone;
      time.seconds = zone->FromWallClock(wall);
    }
  } else if (zone != nullptr) {
    time.zone = zone;
    time.seconds = zone->FromWallClock(wall);
  }
  return time;
}

}  // namespace

Result<Time> ParseTime(std::string_view layout, std::string_view text,
                       const std::shared_ptr<const TimeZone>& zone) {
  const std::string start =
      "parsing time " + QuoteText(text) + " as " + QuoteText(layout) + ": cannot parse ";
  std::string_view rest = text;
  std::string_view left = layout;
  ReadClock clock;
  while (!left.empty()) {
    const TimeLayoutPart part = NextTimePart(&left);
    if (!rest.starts_with(part.text)) {
      return BadData(start + QuoteText(rest) + " as " + QuoteText(part.text));
    }
    rest.remove_prefix(part.text.size());
    if (part.element == TimeElement::kNone) break;
    const std::string_view before = rest;
    if (!ReadElement(part, left, &rest, &clock)) {
      return BadData(start + QuoteText(before) + " as " + QuoteText(part.spelling));
    }
  }
  if (!rest.empty()) {
    return BadData("parsing time " + QuoteText(text) + ": extra text: " + QuoteText(rest));
  }
  if (const std::string_view wrong = OutOfRange(clock); !wrong.empty()) {
    return BadData("parsing time " + QuoteText(text) + ": " + std::string(wrong) + " out of range");
  }
  return MomentOfClock(clock, zone);
}

}  // namespace vigil::tmpl

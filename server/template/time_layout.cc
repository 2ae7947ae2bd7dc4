// SPDX-License-Identifier: Apache-2.0
// Finds the elements of a layout, and writes a time by them.
#include "server/template/time_layout.h"

#include <array>
#include <cstdlib>
#include <string>

#include "server/template/time.h"

namespace vigil::tmpl {
namespace {

struct ElementRow {
  std::string_view text;
  TimeElement element;
};

// Longer ones first where one begins with the other.
constexpr std::array kElementRows = {
    ElementRow{"January", TimeElement::kLongMonth},
    ElementRow{"Jan", TimeElement::kMonth},
    ElementRow{"Monday", TimeElement::kLongWeekday},
    ElementRow{"Mon", TimeElement::kWeekday},
    ElementRow{"MST", TimeElement::kZone},
    ElementRow{"002", TimeElement::kZeroYearDay},
    ElementRow{"01", TimeElement::kZeroMonth},
    ElementRow{"02", TimeElement::kZeroDay},
    ElementRow{"03", TimeElement::kZeroHour12},
    ElementRow{"04", TimeElement::kZeroMinute},
    ElementRow{"05", TimeElement::kZeroSecond},
    ElementRow{"06", TimeElement::kYear},
    ElementRow{"15", TimeElement::kHour},
    ElementRow{"1", TimeElement::kNumMonth},
    ElementRow{"2006", TimeElement::kLongYear},
    ElementRow{"2", TimeElement::kDay},
    ElementRow{"__2", TimeElement::kUnderYearDay},
    ElementRow{"_2", TimeElement::kUnderDay},
    ElementRow{"3", TimeElement::kHour12},
    ElementRow{"4", TimeElement::kMinute},
    ElementRow{"5", TimeElement::kSecond},
    ElementRow{"PM", TimeElement::kPM},
    ElementRow{"pm", TimeElement::kpm},
    ElementRow{"-070000", TimeElement::kNumSecondsZone},
    ElementRow{"-07:00:00", TimeElement::kNumColonSecondsZone},
    ElementRow{"-0700", TimeElement::kNumZone},
    ElementRow{"-07:00", TimeElement::kNumColonZone},
    ElementRow{"-07", TimeElement::kNumShortZone},
    ElementRow{"Z070000", TimeElement::kIsoSecondsZone},
    ElementRow{"Z07:00:00", TimeElement::kIsoColonSecondsZone},
    ElementRow{"Z0700", TimeElement::kIsoZone},
    ElementRow{"Z07:00", TimeElement::kIsoColonZone},
    ElementRow{"Z07", TimeElement::kIsoShortZone},
};

bool IsDigitAt(std::string_view text, size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

bool IsLowerAt(std::string_view text, size_t at) {
  return at < text.size() && text[at] >= 'a' && text[at] <= 'z';
}

// .000 or ,999 not followed by a digit; 0 when there is none here.
size_t FractionDigits(std::string_view text) {
  if (text.size() < 2 || (text[0] != '.' && text[0] != ',')) return 0;
  if (text[1] != '0' && text[1] != '9') return 0;
  size_t end = 1;
  while (end < text.size() && text[end] == text[1]) ++end;
  return IsDigitAt(text, end) ? 0 : end - 1;
}

void AppendPadded(int64_t number, int width, std::string* out, char pad = '0') {
  if (number < 0) *out += '-';
  const std::string digits = std::to_string(std::abs(number));
  for (auto i = static_cast<int>(digits.size()); i < width; ++i) *out += pad;
  *out += digits;
}

void AppendFraction(const TimeLayoutPart& part, int nanos, std::string* out) {
  std::string digits;
  AppendPadded(nanos, 9, &digits);
  digits.resize(std::min<size_t>(part.digits, 9), '0');
  digits.resize(part.digits, '0');
  if (part.element == TimeElement::kFraction9) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.empty()) return;
  }
  *out += part.separator;
  *out += digits;
}

struct ZoneForm {
  bool z_for_utc, colon, minutes, seconds;
};

void AppendZone(const ZoneForm& form, int32_t offset, std::string* out) {
  if (form.z_for_utc && offset == 0) {
    *out += 'Z';
    return;
  }
  *out += offset < 0 ? '-' : '+';
  const int32_t seconds = std::abs(offset);
  AppendPadded(seconds / 3600, 2, out);
  if (form.colon) *out += ':';
  if (form.minutes) AppendPadded(seconds / 60 % 60, 2, out);
  if (!form.seconds) return;
  if (form.colon) *out += ':';
  AppendPadded(seconds % 60, 2, out);
}

void AppendZoneName(const ZoneOffset& offset, std::string* out) {
  if (!offset.name.empty()) {
    *out += offset.name;
    return;
  }
  const int32_t minutes = offset.seconds / 60;
  *out += minutes < 0 ? '-' : '+';
  AppendPadded(std::abs(minutes) / 60, 2, out);
  AppendPadded(std::abs(minutes) % 60, 2, out);
}

int Hour12(int hour) { return hour % 12 == 0 ? 12 : hour % 12; }

// False when the element is no zone.
bool AppendZoneElement(const TimeLayoutPart& part, const ZoneOffset& offset, std::string* out) {
  using E = TimeElement;
  const int32_t east = offset.seconds;
  switch (part.element) {
    case E::kZone:
      AppendZoneName(offset, out);
      return true;
    case E::kIsoZone:
      AppendZone({true, false, true, false}, east, out);
      return true;
    case E::kIsoColonZone:
      AppendZone({true, true, true, false}, east, out);
      return true;
    case E::kIsoShortZone:
      AppendZone({true, false, false, false}, east, out);
      return true;
    case E::kIsoSecondsZone:
      AppendZone({true, false, true, true}, east, out);
      return true;
    case E::kIsoColonSecondsZone:
      AppendZone({true, true, true, true}, east, out);
      return true;
    case E::kNumZone:
      AppendZone({false, false, true, false}, east, out);
      return true;
    case E::kNumColonZone:
      AppendZone({false, true, true, false}, east, out);
      return true;
    case E::kNumShortZone:
      AppendZone({false, false, false, false}, east, out);
      return true;
    case E::kNumSecondsZone:
      AppendZone({false, false, true, true}, east, out);
      return true;
    case E::kNumColonSecondsZone:
      AppendZone({false, true, true, true}, east, out);
      return true;
    default:
      return false;
  }
}

void AppendClockPart(const TimeLayoutPart& part, const WallClock& clock, std::string* out) {
  using E = TimeElement;
  const bool afternoon = clock.hour >= 12;
  switch (part.element) {
    case E::kHour:
      return AppendPadded(clock.hour, 2, out);
    case E::kHour12:
      return AppendPadded(Hour12(clock.hour), 0, out);
    case E::kZeroHour12:
      return AppendPadded(Hour12(clock.hour), 2, out);
    case E::kMinute:
      return AppendPadded(clock.minute, 0, out);
    case E::kZeroMinute:
      return AppendPadded(clock.minute, 2, out);
    case E::kSecond:
      return AppendPadded(clock.second, 0, out);
    case E::kZeroSecond:
      return AppendPadded(clock.second, 2, out);
    case E::kPM:
      out->append(afternoon ? "PM" : "AM");
      return;
    case E::kpm:
      out->append(afternoon ? "pm" : "am");
      return;
    default:
      return AppendFraction(part, clock.nanos, out);
  }
}

void AppendDatePart(const TimeLayoutPart& part, const WallClock& clock, std::string* out) {
  using E = TimeElement;
  switch (part.element) {
    case E::kLongMonth:
      out->append(MonthName(clock.month));
      return;
    case E::kMonth:
      out->append(MonthName(clock.month).substr(0, 3));
      return;
    case E::kNumMonth:
      return AppendPadded(clock.month, 0, out);
    case E::kZeroMonth:
      return AppendPadded(clock.month, 2, out);
    case E::kLongWeekday:
      out->append(WeekdayName(clock.weekday));
      return;
    case E::kWeekday:
      out->append(WeekdayName(clock.weekday).substr(0, 3));
      return;
    case E::kDay:
      return AppendPadded(clock.day, 0, out);
    case E::kUnderDay:
      return AppendPadded(clock.day, 2, out, ' ');
    case E::kZeroDay:
      return AppendPadded(clock.day, 2, out);
    case E::kUnderYearDay:
      return AppendPadded(clock.year_day, 3, out, ' ');
    case E::kZeroYearDay:
      return AppendPadded(clock.year_day, 3, out);
    case E::kLongYear:
      return AppendPadded(clock.year, 4, out);
    case E::kYear:
      return AppendPadded(std::abs(clock.year % 100), 2, out);
    default:
      return AppendClockPart(part, clock, out);
  }
}

}  // namespace

TimeLayoutPart NextTimePart(std::string_view* layout) {
  const std::string_view all = *layout;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string_view rest = all.substr(i);
    TimeLayoutPart part{all.substr(0, i)};
    if (const size_t digits = FractionDigits(rest); digits > 0) {
      part.element = rest[1] == '0' ? TimeElement::kFraction0 : TimeElement::kFraction9;
      part.digits = digits;
      part.separator = rest[0];
      part.spelling = rest.substr(0, digits + 1);
    }
    for (const ElementRow& row : kElementRows) {
      if (part.element != TimeElement::kNone) break;
      if (!rest.starts_with(row.text)) continue;
      // "Janet" and "Monster" are no month and no day.
      if ((row.text == "Jan" || row.text == "Mon") && IsLowerAt(rest, 3)) continue;
      part.element = row.element;
      part.spelling = rest.substr(0, row.text.size());
    }
    // _2006 is an underscore and a year.
    if (part.element == TimeElement::kUnderDay && rest.starts_with("_2006")) {
      part = {all.substr(0, i + 1), TimeElement::kLongYear, 0, '.', rest.substr(1, 4)};
    }
    if (part.element == TimeElement::kNone) continue;
    layout->remove_prefix(part.text.size() + part.spelling.size());
    return part;
  }
  *layout = {};
  return {all};
}

std::string FormatTime(const Time& time, std::string_view layout) {
  const WallClock clock = WallClockOf(time);
  std::string out;
  while (!layout.empty()) {
    const TimeLayoutPart part = NextTimePart(&layout);
    out += part.text;
    if (part.element == TimeElement::kNone) break;
    if (!AppendZoneElement(part, clock.offset, &out)) AppendDatePart(part, clock, &out);
  }
  return out;
}

std::string TimeText(const Time& time) {
  return FormatTime(time, "2006-01-02 15:04:05.999999999 -0700 MST");
}

std::string FormatTimeJson(const Time& time) {
  return FormatTime(time, "2006-01-02T15:04:05.999999999Z07:00");
}

}  // namespace vigil::tmpl

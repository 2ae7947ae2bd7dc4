// SPDX-License-Identifier: Apache-2.0
// Reads TZif (RFC 8536): the 64-bit table and the footer's rule.
#include "server/template/time_zone.h"

#include <algorithm>
#include <utility>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "server/template/civil.h"

namespace vigil::tmpl {
namespace {

constexpr std::string_view kZoneDirectory = "/usr/share/zoneinfo";
constexpr size_t kTzifHeader = 44;

int64_t BigEndian(std::string_view bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return width == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value);
}

struct TzifCounts {
  size_t utc_flags = 0, standard_flags = 0, leaps = 0, times = 0, types = 0, chars = 0;

  [[nodiscard]] size_t BodySize(size_t width) const {
    return times * width + times + types * 6 + chars + leaps * (width + 4) + standard_flags +
           utc_flags;
  }
};

bool ReadTzifCounts(std::string_view bytes, TzifCounts* counts) {
  if (bytes.size() < kTzifHeader || !bytes.starts_with("TZif")) return false;
  const auto count = [&](size_t i) { return static_cast<size_t>(BigEndian(bytes, 20 + 4 * i, 4)); };
  *counts = {count(0), count(1), count(2), count(3), count(4), count(5)};
  const auto sane = [](size_t n) { return n < 100'000; };
  return sane(counts->utc_flags) && sane(counts->standard_flags) && sane(counts->leaps) &&
         sane(counts->times) && sane(counts->types) && sane(counts->chars) && counts->types > 0;
}

// Digits at the front.
bool TakeNumber(std::string_view* text, int* number) {
  size_t digits = 0;
  *number = 0;
  while (digits < text->size() && digits < 6 && (*text)[digits] >= '0' && (*text)[digits] <= '9') {
    *number = *number * 10 + ((*text)[digits++] - '0');
  }
  text->remove_prefix(digits);
  return digits > 0;
}

bool TakeChar(std::string_view* text, char c) {
  if (text->empty() || (*text)[0] != c) return false;
  text->remove_prefix(1);
  return true;
}

// [+-]hh[:mm[:ss]]
bool TakeClock(std::string_view* text, int32_t* seconds) {
  const bool minus = TakeChar(text, '-');
  if (!minus) TakeChar(text, '+');
  int part = 0;
  if (!TakeNumber(text, &part)) return false;
  *seconds = part * 3600;
  for (const int unit : {60, 1}) {
    if (!TakeChar(text, ':')) break;
    if (!TakeNumber(text, &part)) return false;
    *seconds += part * unit;
  }
  if (minus) *seconds = -*seconds;
  return true;
}

// CET or <+03>
bool TakeZoneName(std::string_view* text, std::string* name) {
  if (TakeChar(text, '<')) {
    const size_t end = text->find('>');
    if (end == std::string_view::npos) return false;
    *name = text->substr(0, end);
    text->remove_prefix(end + 1);
    return true;
  }
  size_t end = 0;
  while (end < text->size() && (((*text)[end] | 0x20) >= 'a' && ((*text)[end] | 0x20) <= 'z'))
    ++end;
  *name = text->substr(0, end);
  text->remove_prefix(end);
  return end >= 3;
}

}  // namespace

Result<std::shared_ptr<const TimeZone>> TimeZone::Load(std::string_view name) {
  if (name.empty() || name == "UTC") return Fixed(0, "UTC");
  const Error unknown = NotFound("unknown time zone " + std::string(name));
  // No way out of the directory.
  if (name.find("..") != std::string_view::npos || name[0] == '/' || name[0] == '\\')
    return unknown;
  if (name.find('\0') != std::string_view::npos) return unknown;
  std::string path(kZoneDirectory);
  path.append("/").append(name);
  const Result<std::string> bytes = ReadFile(path);
  if (!bytes) return unknown;
  Result<std::shared_ptr<const TimeZone>> zone = Parse(name, *bytes);
  if (!zone) return unknown;
  return zone;
}

std::shared_ptr<const TimeZone> TimeZone::Fixed(int32_t seconds, std::string name) {
  auto zone = std::shared_ptr<TimeZone>(new TimeZone(name));
  zone->offsets_.push_back({seconds, std::move(name)});
  return zone;
}

Result<std::shared_ptr<const TimeZone>> TimeZone::Parse(std::string_view name,
                                                        std::string_view bytes) {
  auto zone = std::shared_ptr<TimeZone>(new TimeZone(std::string(name)));
  if (!zone->ReadTable(bytes)) {
    return BadData("the time zone file of " + Quote(name) +
                   " is damaged; install the package tzdata again");
  }
  return std::shared_ptr<const TimeZone>(std::move(zone));
}

bool TimeZone::ReadTable(std::string_view bytes) {
  TzifCounts counts;
  if (!ReadTzifCounts(bytes, &counts)) return false;
  size_t width = 4;
  const bool wide = bytes[4] >= '2';
  if (wide) {
    // The first table has 32 bits and is for old readers.
    const size_t first = kTzifHeader + counts.BodySize(4);
    if (bytes.size() < first) return false;
    bytes.remove_prefix(first);
    width = 8;
    if (!ReadTzifCounts(bytes, &counts)) return false;
  }
  bytes.remove_prefix(kTzifHeader);
  if (bytes.size() < counts.BodySize(width)) return false;
  const size_t indices = counts.times * width;
  const size_t types = indices + counts.times;
  const size_t chars = types + counts.types * 6;
  for (size_t i = 0; i < counts.types; ++i) {
    const size_t at = types + i * 6;
    const auto name_at = static_cast<unsigned char>(bytes[at + 5]);
    if (name_at >= counts.chars) return false;
    const std::string_view names = bytes.substr(chars, counts.chars);
    const size_t end = std::min(names.find('\0', name_at), names.size());
    offsets_.push_back({static_cast<int32_t>(BigEndian(bytes, at, 4)),
                        std::string(names.substr(name_at, end - name_at))});
  }
  for (size_t i = 0; i < counts.times; ++i) {
    const auto zone = static_cast<unsigned char>(bytes[indices + i]);
    if (zone >= offsets_.size()) return false;
    transitions_.push_back({BigEndian(bytes, i * width, width), zone});
    if (i > 0 && transitions_[i - 1].at > transitions_[i].at) return false;
  }
  if (!wide) return true;
  std::string_view footer = bytes.substr(counts.BodySize(width));
  if (footer.size() < 2 || footer.front() != '\n' || footer.back() != '\n') return true;
  footer = footer.substr(1, footer.size() - 2);
  return footer.empty() || ReadRule(footer, &rule_);
}

bool TimeZone::ReadRule(std::string_view text, YearRule* rule) {
  int32_t west = 0;
  if (!TakeZoneName(&text, &rule->standard.name) || !TakeClock(&text, &west)) return false;
  rule->standard.seconds = -west;
  rule->present = true;
  if (text.empty()) return true;
  if (!TakeZoneName(&text, &rule->summer.name)) return false;
  rule->summer.seconds = rule->standard.seconds + 3600;
  if (!text.empty() && text[0] != ',') {
    if (!TakeClock(&text, &west)) return false;
    rule->summer.seconds = -west;
  }
  rule->has_summer = true;
  return TakeChar(&text, ',') && ReadYearDay(&text, &rule->start) && TakeChar(&text, ',') &&
         ReadYearDay(&text, &rule->end) && text.empty();
}

bool TimeZone::ReadYearDay(std::string_view* text, YearDay* day) {
  using Form = YearDay::Form;
  if (TakeChar(text, 'M')) {
    day->form = Form::kMonthWeek;
    if (!TakeNumber(text, &day->month) || !TakeChar(text, '.') || !TakeNumber(text, &day->week) ||
        !TakeChar(text, '.') || !TakeNumber(text, &day->day)) {
      return false;
    }
    if (day->month < 1 || day->month > 12 || day->week < 1 || day->week > 5 || day->day > 6) {
      return false;
    }
  } else {
    day->form = TakeChar(text, 'J') ? Form::kJulian : Form::kDayOfYear;
    if (!TakeNumber(text, &day->day) || day->day > 365) return false;
  }
  day->second = 7200;
  return !TakeChar(text, '/') || TakeClock(text, &day->second);
}

// In seconds of the clocks that are about to change.
int64_t TimeZone::MomentOf(const YearDay& day, int64_t year) {
  int64_t days = DaysFromCivil(year, 1, 1);
  if (day.form == YearDay::Form::kJulian) {
    days += day.day - 1 + (IsLeapYear(year) && day.day >= 60 ? 1 : 0);
  } else if (day.form == YearDay::Form::kDayOfYear) {
    days += day.day;
  } else {
    const int64_t first = DaysFromCivil(year, day.month, 1);
    int in_month = 1 + (day.day - WeekdayOf(first) + 7) % 7 + (day.week - 1) * 7;
    if (in_month > DaysInMonth(year, day.month)) in_month -= 7;
    days = first + in_month - 1;
  }
  return days * kSecondsPerDay + day.second;
}

ZoneOffset TimeZone::ByRule(int64_t unix_seconds) const {
  if (!rule_.has_summer) return rule_.standard;
  const int64_t wall = unix_seconds + rule_.standard.seconds;
  const int64_t year = CivilFromDays(FloorDivide(wall, kSecondsPerDay)).year;
  const int64_t start = MomentOf(rule_.start, year) - rule_.standard.seconds;
  const int64_t end = MomentOf(rule_.end, year) - rule_.summer.seconds;
  const bool summer = start < end ? unix_seconds >= start && unix_seconds < end
                                  : unix_seconds >= start || unix_seconds < end;
  return summer ? rule_.summer : rule_.standard;
}

ZoneOffset TimeZone::At(int64_t unix_seconds) const {
  const auto next = std::upper_bound(
      transitions_.begin(), transitions_.end(), unix_seconds,
      [](int64_t moment, const Transition& transition) { return moment < transition.at; });
  if (next == transitions_.end() && rule_.present) return ByRule(unix_seconds);
  if (next == transitions_.begin()) return offsets_[first_];
  return offsets_[std::prev(next)->zone];
}

int64_t TimeZone::FromWallClock(int64_t wall_seconds) const {
  const int64_t guess = wall_seconds - At(wall_seconds).seconds;
  const int64_t second = wall_seconds - At(guess).seconds;
  // Around a change the two differ; the second is right on at least one side of it.
  return At(second).seconds == At(guess).seconds ? second : guess;
}

}  // namespace vigil::tmpl

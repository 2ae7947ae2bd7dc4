// SPDX-License-Identifier: Apache-2.0
// Moments: arithmetic, the wall clock, durations as text.
#include "server/template/time.h"

#include <array>
#include <limits>

#include "client-lib/base/civil.h"

namespace vigil::tmpl {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr std::array<std::string_view, 12> kMonthNames = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdayNames = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

// "12", "12.5": number / unit without trailing zeros.
std::string DecimalText(uint64_t number, uint64_t unit) {
  std::string text = std::to_string(number / unit);
  uint64_t rest = number % unit;
  if (rest == 0) return text;
  text += '.';
  while (rest != 0) {
    unit /= 10;
    text += static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return text;
}

}  // namespace

Time Time::FromUnixMs(int64_t timestamp_ms) {
  const int64_t seconds = FloorDivide(timestamp_ms, 1000);
  return {seconds, static_cast<int32_t>((timestamp_ms - seconds * 1000) * 1'000'000), nullptr};
}

Time Time::FromUnixNs(int64_t seconds, int64_t nanos) {
  const int64_t carry = FloorDivide(nanos, kNsPerSecond);
  const auto sum =
      static_cast<int64_t>(static_cast<uint64_t>(seconds) + static_cast<uint64_t>(carry));
  return {sum, static_cast<int32_t>(nanos - carry * kNsPerSecond), nullptr};
}

Time Time::Plus(DurationNs duration) const {
  const int64_t whole = FloorDivide(duration, kNsPerSecond);
  Time sum = FromUnixNs(seconds, nanos + (duration - whole * kNsPerSecond));
  // Go wraps around, too.
  sum.seconds =
      static_cast<int64_t>(static_cast<uint64_t>(sum.seconds) + static_cast<uint64_t>(whole));
  sum.zone = zone;
  return sum;
}

DurationNs Time::Minus(const Time& other) const {
  const __int128_t difference =
      (static_cast<__int128_t>(seconds) - other.seconds) * kNsPerSecond + (nanos - other.nanos);
  constexpr DurationNs kMin = std::numeric_limits<DurationNs>::min();
  constexpr DurationNs kMax = std::numeric_limits<DurationNs>::max();
  if (difference < kMin) return kMin;
  return difference > kMax ? kMax : static_cast<DurationNs>(difference);
}

WallClock WallClockOf(const Time& time) {
  WallClock clock;
  clock.offset = time.zone == nullptr ? ZoneOffset{0, "UTC"} : time.zone->At(time.seconds);
  const auto wall = static_cast<int64_t>(static_cast<uint64_t>(time.seconds) +
                                         static_cast<uint64_t>(int64_t{clock.offset.seconds}));
  const int64_t days = FloorDivide(wall, kSecondsPerDay);
  const auto of_day = static_cast<int>(wall - days * kSecondsPerDay);
  const CivilDate date = CivilFromDays(days);
  clock.year = date.year;
  clock.month = date.month;
  clock.day = date.day;
  clock.hour = of_day / 3600;
  clock.minute = of_day / 60 % 60;
  clock.second = of_day % 60;
  clock.nanos = time.nanos;
  clock.weekday = WeekdayOf(days);
  clock.year_day = static_cast<int>(days - DaysFromCivil(date.year, 1, 1)) + 1;
  return clock;
}

std::string_view MonthName(int month) {
  return month < 1 || month > 12 ? std::string_view() : kMonthNames[static_cast<size_t>(month - 1)];
}

std::string_view WeekdayName(int weekday) {
  return weekday < 0 || weekday > 6 ? std::string_view()
                                    : kWeekdayNames[static_cast<size_t>(weekday)];
}

std::string DurationText(DurationNs duration) {
  if (duration == 0) return "0s";
  const bool minus = duration < 0;
  // Also right for the smallest value, which has no positive twin.
  const uint64_t ns =
      minus ? ~static_cast<uint64_t>(duration) + 1 : static_cast<uint64_t>(duration);
  std::string text = minus ? "-" : "";
  if (ns < 1000) return text + std::to_string(ns) + "ns";
  if (ns < 1'000'000) return text + DecimalText(ns, 1000) + "\u00b5s";
  if (ns < 1'000'000'000) return text + DecimalText(ns, 1'000'000) + "ms";
  const uint64_t minutes = ns / 60'000'000'000;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + DecimalText(ns % 60'000'000'000, 1'000'000'000) + "s";
}

}  // namespace vigil::tmpl

// SPDX-License-Identifier: Apache-2.0
// Methods of times, durations, months and weekdays.
#include <array>
#include <cmath>
#include <limits>

#include "client-lib/base/civil.h"
#include "server/template/format.h"
#include "server/template/value.h"

namespace vigil::tmpl {
namespace {

using enum Param;

const Time& TimeOf(const Value& self) { return self.time_value(); }

Result<Value> TimeFormat(const Value& self, Args args) {
  return Value::String(FormatTime(TimeOf(self), args[0].string_value()));
}
Result<Value> TimeString(const Value& self, Args) { return Value::String(TimeText(TimeOf(self))); }
Result<Value> TimeUnix(const Value& self, Args) {
  return Value::Int(TimeOf(self).seconds, Type::kInt64);
}
Result<Value> TimeUnixMilli(const Value& self, Args) {
  const Time& time = TimeOf(self);
  return Value::Int(
      static_cast<int64_t>(static_cast<uint64_t>(time.seconds) * 1000) + time.nanos / 1'000'000,
      Type::kInt64);
}
Result<Value> TimeUnixMicro(const Value& self, Args) {
  const Time& time = TimeOf(self);
  return Value::Int(static_cast<int64_t>(static_cast<uint64_t>(time.seconds) * 1'000'000 +
                                         static_cast<uint64_t>(time.nanos / 1000)),
                    Type::kInt64);
}
Result<Value> TimeUnixNano(const Value& self, Args) {
  const Time& time = TimeOf(self);
  return Value::Int(static_cast<int64_t>(static_cast<uint64_t>(time.seconds) * 1'000'000'000 +
                                         static_cast<uint64_t>(time.nanos)),
                    Type::kInt64);
}
Result<Value> TimeAdd(const Value& self, Args args) {
  return Value::Moment(TimeOf(self).Plus(args[0].int_value()));
}
Result<Value> TimeSub(const Value& self, Args args) {
  return Value::Duration(TimeOf(self).Minus(args[0].time_value()));
}
Result<Value> TimeUtc(const Value& self, Args) {
  Time time = TimeOf(self);
  time.zone = nullptr;
  return Value::Moment(std::move(time));
}
// No location can be made in a template, and Go's In panics with none.
Result<Value> TimeIn(const Value&, Args) {
  return BadData("time: missing Location in call to Time.In");
}
Result<Value> TimeIsZero(const Value& self, Args) { return Value::Bool(TimeOf(self).IsZero()); }
Result<Value> TimeBefore(const Value& self, Args args) {
  return Value::Bool(TimeOf(self).Before(args[0].time_value()));
}
Result<Value> TimeAfter(const Value& self, Args args) {
  return Value::Bool(args[0].time_value().Before(TimeOf(self)));
}
Result<Value> TimeEqual(const Value& self, Args args) {
  return Value::Bool(TimeOf(self).SameMoment(args[0].time_value()));
}
Result<Value> TimeCompare(const Value& self, Args args) {
  const Time& other = args[0].time_value();
  return Value::Int(TimeOf(self).Before(other) ? -1 : other.Before(TimeOf(self)) ? 1 : 0);
}
Result<Value> TimeYear(const Value& self, Args) {
  return Value::Int(WallClockOf(TimeOf(self)).year);
}
Result<Value> TimeMonth(const Value& self, Args) {
  return Value::Int(WallClockOf(TimeOf(self)).month, Type::kMonth);
}
Result<Value> TimeDay(const Value& self, Args) { return Value::Int(WallClockOf(TimeOf(self)).day); }
Result<Value> TimeHour(const Value& self, Args) {
  return Value::Int(WallClockOf(TimeOf(self)).hour);
}
Result<Value> TimeMinute(const Value& self, Args) {
  return Value::Int(WallClockOf(TimeOf(self)).minute);
}
Result<Value> TimeSecond(const Value& self, Args) {
  return Value::Int(WallClockOf(TimeOf(self)).second);
}
Result<Value> TimeNanosecond(const Value& self, Args) { return Value::Int(TimeOf(self).nanos); }
Result<Value> TimeWeekday(const Value& self, Args) {
  return Value::Int(WallClockOf(TimeOf(self)).weekday, Type::kWeekday);
}
Result<Value> TimeYearDay(const Value& self, Args) {
  return Value::Int(WallClockOf(TimeOf(self)).year_day);
}

// Months and days that do not exist carry over, as in Go: January 31 + 1 month is March 3.
Result<Value> TimeAddDate(const Value& self, Args args) {
  const Time& time = TimeOf(self);
  for (const Value& part : args) {
    constexpr int64_t kMost = 100'000'000;
    if (part.int_value() > kMost || part.int_value() < -kMost) {
      return BadData("date is out of range; add less");
    }
  }
  const WallClock clock = WallClockOf(time);
  const int64_t months = clock.month - 1 + args[1].int_value();
  const int64_t year = clock.year + args[0].int_value() + FloorDivide(months, 12);
  const auto month = static_cast<int>(months - FloorDivide(months, 12) * 12) + 1;
  const int64_t days = DaysFromCivil(year, month, 1) + clock.day - 1 + args[2].int_value();
  const int64_t wall = days * kSecondsPerDay + clock.hour * 3600 + clock.minute * 60 + clock.second;
  Time sum = time;
  sum.seconds = time.zone == nullptr ? wall : time.zone->FromWallClock(wall);
  return Value::Moment(std::move(sum));
}

// The duration to the multiple of `unit` below, counted from the zero time.
int64_t PartOfUnit(const Time& time, DurationNs unit) {
  const __int128_t since_zero =
      (static_cast<__int128_t>(time.seconds) - kZeroTimeSeconds) * 1'000'000'000 + time.nanos;
  const auto rest = static_cast<int64_t>(since_zero % unit);
  return rest < 0 ? rest + unit : rest;
}

Result<Value> TimeTruncate(const Value& self, Args args) {
  const DurationNs unit = args[0].int_value();
  if (unit <= 0) return self;
  return Value::Moment(TimeOf(self).Plus(-PartOfUnit(TimeOf(self), unit)));
}
Result<Value> TimeRound(const Value& self, Args args) {
  const DurationNs unit = args[0].int_value();
  if (unit <= 0) return self;
  const int64_t part = PartOfUnit(TimeOf(self), unit);
  const bool down = part < unit - part;
  return Value::Moment(TimeOf(self).Plus(down ? -part : unit - part));
}

constexpr std::array kTimeMethods = {
    Method{"Add", Takes(kDuration), TimeAdd},
    Method{"AddDate", Takes(kInt, kInt, kInt), TimeAddDate},
    Method{"After", Takes(kTime), TimeAfter},
    Method{"Before", Takes(kTime), TimeBefore},
    Method{"Compare", Takes(kTime), TimeCompare},
    Method{"Day", Takes(), TimeDay},
    Method{"Equal", Takes(kTime), TimeEqual},
    Method{"Format", Takes(kString), TimeFormat},
    Method{"Hour", Takes(), TimeHour},
    Method{"In", Takes(kLocation), TimeIn},
    Method{"IsZero", Takes(), TimeIsZero},
    // Moments are parsed in UTC or with an offset of their own: there is no other local zone here.
    Method{"Local", Takes(), TimeUtc},
    Method{"Minute", Takes(), TimeMinute},
    Method{"Month", Takes(), TimeMonth},
    Method{"Nanosecond", Takes(), TimeNanosecond},
    Method{"Round", Takes(kDuration), TimeRound},
    Method{"Second", Takes(), TimeSecond},
    Method{"String", Takes(), TimeString},
    Method{"Sub", Takes(kTime), TimeSub},
    Method{"Truncate", Takes(kDuration), TimeTruncate},
    Method{"UTC", Takes(), TimeUtc},
    Method{"Unix", Takes(), TimeUnix},
    Method{"UnixMicro", Takes(), TimeUnixMicro},
    Method{"UnixMilli", Takes(), TimeUnixMilli},
    Method{"UnixNano", Takes(), TimeUnixNano},
    Method{"Weekday", Takes(), TimeWeekday},
    Method{"Year", Takes(), TimeYear},
    Method{"YearDay", Takes(), TimeYearDay},
};

// Whole units and the rest apart: fewer roundings, as Go does it.
double InUnits(DurationNs ns, DurationNs unit) {
  return static_cast<double>(ns / unit) +
         static_cast<double>(ns % unit) / static_cast<double>(unit);
}
Result<Value> DurationHours(const Value& self, Args) {
  return Value::Float(InUnits(self.int_value(), 3'600'000'000'000));
}
Result<Value> DurationMinutes(const Value& self, Args) {
  return Value::Float(InUnits(self.int_value(), 60'000'000'000));
}
Result<Value> DurationSeconds(const Value& self, Args) {
  return Value::Float(InUnits(self.int_value(), 1'000'000'000));
}
Result<Value> DurationMilliseconds(const Value& self, Args) {
  return Value::Int(self.int_value() / 1'000'000, Type::kInt64);
}
Result<Value> DurationMicroseconds(const Value& self, Args) {
  return Value::Int(self.int_value() / 1000, Type::kInt64);
}
Result<Value> DurationNanoseconds(const Value& self, Args) {
  return Value::Int(self.int_value(), Type::kInt64);
}
Result<Value> DurationString(const Value& self, Args) {
  return Value::String(DurationText(self.int_value()));
}
Result<Value> DurationAbs(const Value& self, Args) {
  const DurationNs ns = self.int_value();
  constexpr DurationNs kMin = std::numeric_limits<DurationNs>::min();
  constexpr DurationNs kMax = std::numeric_limits<DurationNs>::max();
  return Value::Duration(ns == kMin ? kMax : ns < 0 ? -ns : ns);
}
Result<Value> DurationTruncate(const Value& self, Args args) {
  const DurationNs unit = args[0].int_value();
  return Value::Duration(unit <= 0 ? self.int_value() : self.int_value() - self.int_value() % unit);
}
// Half a unit away from zero; what would overflow is the largest.
Result<Value> DurationRound(const Value& self, Args args) {
  const DurationNs unit = args[0].int_value();
  const __int128_t ns = self.int_value();
  if (unit <= 0) return self;
  __int128_t rest = ns % unit;
  __int128_t rounded = ns - rest;
  if (rest < 0) rest = -rest;
  if (rest + rest >= unit) rounded += ns < 0 ? -static_cast<__int128_t>(unit) : unit;
  constexpr DurationNs kMin = std::numeric_limits<DurationNs>::min();
  constexpr DurationNs kMax = std::numeric_limits<DurationNs>::max();
  if (rounded > kMax) return Value::Duration(kMax);
  return Value::Duration(rounded < kMin ? kMin : static_cast<DurationNs>(rounded));
}

constexpr std::array kDurationMethods = {
    Method{"Abs", Takes(), DurationAbs},
    Method{"Hours", Takes(), DurationHours},
    Method{"Microseconds", Takes(), DurationMicroseconds},
    Method{"Milliseconds", Takes(), DurationMilliseconds},
    Method{"Minutes", Takes(), DurationMinutes},
    Method{"Nanoseconds", Takes(), DurationNanoseconds},
    Method{"Round", Takes(kDuration), DurationRound},
    Method{"Seconds", Takes(), DurationSeconds},
    Method{"String", Takes(), DurationString},
    Method{"Truncate", Takes(kDuration), DurationTruncate},
};

// Months and weekdays.
Result<Value> NameString(const Value& self, Args) {
  return Value::String(StringerText(self).value_or(""));
}

constexpr std::array kNameMethods = {Method{"String", Takes(), NameString}};

std::span<const Method> MethodsOf(const Value& value) {
  switch (value.type()) {
    case Type::kTime:
      return kTimeMethods;
    case Type::kDuration:
      return kDurationMethods;
    case Type::kMonth:
    case Type::kWeekday:
      return kNameMethods;
    case Type::kObject:
      return value.object().Methods();
    default:
      return {};
  }
}

}  // namespace

const Method* FindMethod(const Value& value, std::string_view name) {
  for (const Method& method : MethodsOf(value)) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

}  // namespace vigil::tmpl

// SPDX-License-Identifier: Apache-2.0
// See date_time.h.
#include "server/web/date_time.h"

#include <array>
#include <chrono>
#include <optional>

#include "client-lib/base/strings.h"

namespace vigil::web {
namespace {

constexpr int64_t kMsPerDay = 86'400'000;

// Takes parts of a time off the front of a text.
class TimeCursor {
 public:
  explicit TimeCursor(std::string_view text) : rest_(text) {}

  // Exactly so many digits.
  std::optional<int> Digits(size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

struct TimeParts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0;
  int offset_minutes = 0;
};

std::optional<std::chrono::sys_days> DayOf(const TimeParts& parts) {
  const std::chrono::year_month_day day(std::chrono::year(parts.year),
                                        std::chrono::month(static_cast<unsigned>(parts.month)),
                                        std::chrono::day(static_cast<unsigned>(parts.day)));
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day);
}

// .123456789; nothing there is fine. digits: how many there were.
bool TakeFraction(TimeCursor* cursor, TimeParts* parts, size_t* digits) {
  if (!cursor->Take('.')) return true;
  int scale = 100;
  while (const std::optional<int> digit = cursor->Digits(1)) {
    parts->ms += *digit * scale;
    scale /= 10;
    ++*digits;
  }
  return *digits > 0;
}

// Z, +02:00, or nothing; +0200 behind three or six digits only, as upstream's list of formats has
// it.
bool TakeZone(TimeCursor* cursor, size_t fraction_digits, TimeParts* parts) {
  if (cursor->rest().empty() || cursor->Take('Z')) return true;
  const bool negative = cursor->Take('-');
  if (!negative && !cursor->Take('+')) return false;
  const auto hours = cursor->Digits(2);
  const bool colon = cursor->Take(':');
  const auto minutes = cursor->Digits(2);
  if (!hours || !minutes || *hours > 24 || *minutes > 59) return false;
  if (!colon && fraction_digits != 3 && fraction_digits != 6) return false;
  const int offset = *hours * 60 + *minutes;
  parts->offset_minutes = negative ? -offset : offset;
  return true;
}

bool InRange(const TimeParts& parts) {
  return parts.hour < 24 && parts.minute < 60 && parts.second < 60;
}

std::optional<TimestampMs> Parse(std::string_view text) {
  TimeCursor cursor(text);
  TimeParts parts;
  const auto number = [&](size_t count, int* out) {
    const auto value = cursor.Digits(count);
    *out = value.value_or(0);
    return value.has_value();
  };
  if (!number(4, &parts.year) || !cursor.Take('-') || !number(2, &parts.month) ||
      !cursor.Take('-') || !number(2, &parts.day)) {
    return std::nullopt;
  }
  const bool blank = cursor.Take(' ');
  if (!blank && !cursor.Take('T')) return std::nullopt;
  if (!number(2, &parts.hour) || !cursor.Take(':') || !number(2, &parts.minute)) {
    return std::nullopt;
  }
  size_t digits = 0;
  const bool seconds = cursor.Take(':');
  if (seconds && (!number(2, &parts.second) || !TakeFraction(&cursor, &parts, &digits))) {
    return std::nullopt;
  }
  const bool bare = blank || (!seconds && !cursor.rest().starts_with('Z'));
  if (bare ? !cursor.rest().empty() : !TakeZone(&cursor, digits, &parts)) return std::nullopt;
  const auto day = DayOf(parts);
  if (!cursor.rest().empty() || !InRange(parts) || !day) return std::nullopt;
  const int64_t minutes = parts.hour * 60 + parts.minute - parts.offset_minutes;
  return day->time_since_epoch().count() * kMsPerDay + minutes * 60'000 + parts.second * 1000 +
         parts.ms;
}

// A part of Go's layout: its digits, what follows it, the first value too high.
struct LayoutPart {
  size_t digits;
  std::string_view name;
  char separator;
  int limit;
  std::string_view range;
};
constexpr std::array kLayout = {
    LayoutPart{4, "2006", '-', 10'000, ""}, LayoutPart{2, "01", '-', 13, "month"},
    LayoutPart{2, "02", ' ', 100, ""},      LayoutPart{2, "15", ':', 24, "hour"},
    LayoutPart{2, "04", ':', 60, "minute"}, LayoutPart{2, "05", '\0', 60, "second"}};

// Why the last of upstream's formats does not fit.
Error NotATime(std::string_view text) {
  TimeCursor cursor(text);
  const auto cannot = [&](std::string_view what) {
    return BadData("parsing time " + Quote(text) + R"( as "2006-01-02 15:04:05": cannot parse )" +
                   Quote(cursor.rest()) + " as " + Quote(what));
  };
  for (const LayoutPart& part : kLayout) {
    const auto value = cursor.Digits(part.digits);
    if (!value) return cannot(part.name);
    if (*value >= part.limit || (part.range == "month" && *value == 0)) {
      return BadData("parsing time " + Quote(text) + ": " + std::string(part.range) +
                     " out of range");
    }
    // A blank of the layout may be missing at the end.
    const bool may_end = part.separator == ' ' && cursor.rest().empty();
    if (part.separator != '\0' && !may_end && !cursor.Take(part.separator)) {
      return cannot(std::string_view(&part.separator, 1));
    }
  }
  if (cursor.rest().empty()) return BadData("parsing time " + Quote(text) + ": day out of range");
  return BadData("parsing time " + Quote(text) + ": extra text: " + Quote(cursor.rest()));
}

void PutPadded(unsigned value, size_t digits, char* out) {
  for (size_t i = digits; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

Result<TimestampMs> ParseDateTime(std::string_view text) {
  if (text.empty()) return 0;
  const std::optional<TimestampMs> time = Parse(text);
  if (!time) return NotATime(text);
  return *time;
}

void AppendDateTime(TimestampMs time, std::string* out) {
  int64_t days = time / kMsPerDay;
  int64_t ms = time % kMsPerDay;
  if (ms < 0) {
    ms += kMsPerDay;
    --days;
  }
  const std::chrono::year_month_day day(
      std::chrono::sys_days(std::chrono::days(static_cast<int>(days))));
  std::array<char, 24> text = {'0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 'T', '0',
                               '0', ':', '0', '0', ':', '0', '0', '.', '0', '0', '0', 'Z'};
  const auto of_day = static_cast<unsigned>(ms);
  PutPadded(static_cast<unsigned>(int{day.year()}), 4, text.data());
  PutPadded(static_cast<unsigned>(day.month()), 2, text.data() + 5);
  PutPadded(static_cast<unsigned>(day.day()), 2, text.data() + 8);
  PutPadded(of_day / 3'600'000, 2, text.data() + 11);
  PutPadded(of_day / 60'000 % 60, 2, text.data() + 14);
  PutPadded(of_day / 1000 % 60, 2, text.data() + 17);
  PutPadded(of_day % 1000, 3, text.data() + 20);
  out->append(text.data(), text.size());
}

}  // namespace vigil::web

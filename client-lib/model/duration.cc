// SPDX-License-Identifier: Apache-2.0
// Readers and writers of durations, times and sizes in the spellings of configuration files,
// PromQL, Go and the HTTP API.
#include "client-lib/model/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"

namespace vigil {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
};

constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

// From the largest to the smallest: the order in which a duration may name them.
constexpr std::array<Unit, 7> kUnits = {{{"y", 365 * kDay},
                                         {"w", 7 * kDay},
                                         {"d", kDay},
                                         {"h", kHour},
                                         {"m", kMinute},
                                         {"s", kSecond},
                                         {"ms", 1}}};

// Upstream counts nanoseconds in 64 bits: about 292 years.
constexpr uint64_t kMaxDurationMs = std::numeric_limits<int64_t>::max() / 1'000'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the leading characters for which `take` holds off the text.
template <typename F>
std::string_view TakeWhile(std::string_view* text, F take) {
  size_t n = 0;
  while (n < text->size() && take((*text)[n])) ++n;
  const std::string_view taken = text->substr(0, n);
  text->remove_prefix(n);
  return taken;
}

Error NotADuration(std::string_view text) {
  return BadData("not a valid duration string: " + Quote(text));
}

std::optional<size_t> UnitIndex(std::string_view name) {
  for (size_t i = 0; i < kUnits.size(); ++i) {
    if (kUnits[i].name == name) return i;
  }
  return std::nullopt;
}

// A decimal number with an optional fraction, as Go's durations and sizes have it.
std::optional<double> TakeDecimal(std::string_view* text) {
  const std::string_view number = TakeWhile(text, [](char c) { return IsDigit(c) || c == '.'; });
  if (number.empty() || number == ".") return std::nullopt;
  return ParseFloat(number);
}

std::optional<double> GoUnitMs(std::string_view unit) {
  if (unit == "ns") return 1e-6;
  if (unit == "us" || unit == "\u00b5s" || unit == "\u03bcs") return 1e-3;
  if (unit == "ms") return 1;
  if (unit == "s") return kSecond;
  if (unit == "m") return kMinute;
  if (unit == "h") return kHour;
  return std::nullopt;
}

std::optional<double> ByteUnit(std::string_view unit) {
  if (unit == "B") return 1;
  const bool prefixed = unit.size() == 2 || (unit.size() == 3 && unit[1] == 'i');
  if (!prefixed || unit.back() != 'B') return std::nullopt;
  const size_t power = std::string_view("KMGTPE").find(unit[0]);
  if (power == std::string_view::npos) return std::nullopt;
  return std::ldexp(1.0, static_cast<int>(power + 1) * 10);
}

// Two (or four) digits at text[pos], or nothing.
std::optional<int> DigitsAt(std::string_view text, size_t pos, size_t count) {
  if (text.size() < pos + count) return std::nullopt;
  int value = 0;
  for (size_t i = pos; i < pos + count; ++i) {
    if (!IsDigit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// ".123456" or ",5": milliseconds, finer digits cut. Nothing when there are no digits.
std::optional<int64_t> TakeFractionMs(std::string_view* text) {
  if (text->empty() || ((*text)[0] != '.' && (*text)[0] != ',')) return 0;
  text->remove_prefix(1);
  const std::string_view digits = TakeWhile(text, IsDigit);
  if (digits.empty()) return std::nullopt;
  int64_t ms = 0;
  for (size_t i = 0; i < 3; ++i) ms = ms * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  return ms;
}

// "Z" or "+02:00" to the end of the text, in milliseconds east of UTC.
std::optional<int64_t> ParseZoneMs(std::string_view text) {
  if (text == "Z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = DigitsAt(text, 1, 2);
  const auto minutes = DigitsAt(text, 4, 2);
  if (!hours || !minutes || *hours > 24 || *minutes > 60) return std::nullopt;
  const int64_t offset = *hours * kHour + *minutes * kMinute;
  return text[0] == '-' ? -offset : offset;
}

std::optional<int64_t> ParseRfc3339(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() < kForm.size()) return std::nullopt;
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == '0' ? !IsDigit(text[i]) : text[i] != kForm[i]) return std::nullopt;
  }
  namespace chrono = std::chrono;
  const chrono::year_month_day date{chrono::year{*DigitsAt(text, 0, 4)},
                                    chrono::month{static_cast<unsigned>(*DigitsAt(text, 5, 2))},
                                    chrono::day{static_cast<unsigned>(*DigitsAt(text, 8, 2))}};
  const int hour = *DigitsAt(text, 11, 2);
  const int minute = *DigitsAt(text, 14, 2);
  const int second = *DigitsAt(text, 17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  text.remove_prefix(kForm.size());
  const auto fraction = TakeFractionMs(&text);
  const auto zone = ParseZoneMs(text);
  if (!fraction || !zone) return std::nullopt;
  const int64_t days = chrono::sys_days(date).time_since_epoch().count();
  return days * kDay + hour * kHour + minute * kMinute + second * kSecond + *fraction - *zone;
}

}  // namespace

Result<DurationMs> ParseDuration(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty()) return BadData("empty duration string");
  std::string_view rest = text;
  uint64_t total = 0;
  size_t next_unit = 0;
  while (!rest.empty()) {
    const std::string_view number = TakeWhile(&rest, IsDigit);
    const std::string_view name = TakeWhile(&rest, [](char c) { return !IsDigit(c); });
    if (number.empty() || name.empty()) return NotADuration(text);
    const std::optional<size_t> unit = UnitIndex(name);
    if (!unit) {
      return BadData(fmt::format("unknown unit {} in duration {}", Quote(name), Quote(text)));
    }
    if (*unit < next_unit) return NotADuration(text);
    next_unit = *unit + 1;
    const std::optional<uint64_t> count = ParseUint(number);
    if (!count) return NotADuration(text);
    const auto unit_ms = static_cast<uint64_t>(kUnits[*unit].ms);
    if (*count > kMaxDurationMs / unit_ms) return BadData("duration out of range");
    total += *count * unit_ms;
    if (total > kMaxDurationMs) return BadData("duration out of range");
  }
  return static_cast<DurationMs>(total);
}

std::string FormatDuration(DurationMs duration) {
  if (duration == 0) return "0s";
  std::string text = duration < 0 ? "-" : "";
  auto left = duration < 0 ? 0 - static_cast<uint64_t>(duration) : static_cast<uint64_t>(duration);
  for (const Unit& unit : kUnits) {
    const auto unit_ms = static_cast<uint64_t>(unit.ms);
    // Years and weeks only when nothing remains: 90d reads better than 12w6d.
    const bool whole_only = unit.name == "y" || unit.name == "w";
    if (left < unit_ms || (whole_only && left % unit_ms != 0)) continue;
    text += fmt::format("{}{}", left / unit_ms, unit.name);
    left %= unit_ms;
  }
  return text;
}

Result<DurationMs> ParseGoDuration(std::string_view text) {
  const auto invalid = [&] { return BadData("time: invalid duration " + Quote(text)); };
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest[0] == '-';
  if (negative || (!rest.empty() && rest[0] == '+')) rest.remove_prefix(1);
  if (rest == "0") return 0;
  if (rest.empty()) return invalid();
  double total = 0;
  while (!rest.empty()) {
    const std::optional<double> number = TakeDecimal(&rest);
    if (!number) return invalid();
    const std::string_view name = TakeWhile(&rest, [](char c) { return !IsDigit(c) && c != '.'; });
    if (name.empty()) return BadData("time: missing unit in duration " + Quote(text));
    const std::optional<double> unit = GoUnitMs(name);
    if (!unit) {
      return BadData(fmt::format("time: unknown unit {} in duration {}", Quote(name), Quote(text)));
    }
    total += *number * *unit;
  }
  if (!(total <= static_cast<double>(kMaxDurationMs))) return invalid();
  const auto ms = static_cast<DurationMs>(std::round(total));
  return negative ? -ms : ms;
}

std::string FormatGoDuration(DurationMs duration) {
  if (duration == 0) return "0s";
  std::string text = duration < 0 ? "-" : "";
  const auto ms =
      duration < 0 ? 0 - static_cast<uint64_t>(duration) : static_cast<uint64_t>(duration);
  if (ms < kSecond) return text + fmt::format("{}ms", ms);
  const uint64_t hours = ms / kHour;
  const uint64_t minutes = ms / kMinute % 60;
  if (hours > 0) text += fmt::format("{}h", hours);
  if (hours > 0 || minutes > 0) text += fmt::format("{}m", minutes);
  AppendFloatF(static_cast<double>(ms % kMinute) / 1000, &text);
  return text + "s";
}

Result<int64_t> ParseApiTime(std::string_view text) {
  // Upstream's names for "as early and as late as can be"; far enough from the ends of 64 bits
  // that adding a range or an offset cannot overflow.
  constexpr int64_t kMinTimeMs = (std::numeric_limits<int64_t>::min() / 1000 + 62135596801) * 1000;
  constexpr int64_t kMaxTimeMs =
      (std::numeric_limits<int64_t>::max() / 1000 - 62135596801) * 1000 + 999;
  if (text == "-292273086-05-16T16:47:06Z") return kMinTimeMs;
  if (text == "292277025-08-18T07:12:54.999999999Z") return kMaxTimeMs;
  if (const std::optional<double> seconds = ParseFloat(text)) {
    double whole = 0;
    const double fraction_ms = std::round(std::modf(*seconds, &whole) * 1000);
    if (std::abs(whole) <= static_cast<double>(kMaxTimeMs / 1000)) {
      return static_cast<int64_t>(whole) * 1000 + static_cast<int64_t>(fraction_ms);
    }
  } else if (const std::optional<int64_t> time = ParseRfc3339(text)) {
    return *time;
  }
  return BadData(fmt::format("cannot parse {} to a valid timestamp", Quote(text)));
}

std::string FormatRfc3339(int64_t timestamp_ms) {
  namespace chrono = std::chrono;
  int64_t days = timestamp_ms / kDay;
  int64_t ms = timestamp_ms % kDay;
  if (ms < 0) {
    ms += kDay;
    --days;
  }
  // Beyond what the calendar type holds there is no RFC 3339 spelling either.
  constexpr int64_t kLastDay = 11'000'000;
  const int64_t shown = std::min(std::max(days, -kLastDay), kLastDay);
  const chrono::year_month_day date{
      chrono::sys_days{chrono::days{static_cast<chrono::days::rep>(shown)}}};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     ms / kHour, ms / kMinute % 60, ms / kSecond % 60, ms % kSecond);
}

Result<uint64_t> ParseByteSize(std::string_view text) {
  if (text == "0") return 0;
  std::string_view rest = text;
  double total = 0;
  do {
    const std::optional<double> number = TakeDecimal(&rest);
    if (!number) return BadData("units: invalid size " + Quote(text));
    const std::string_view name = TakeWhile(&rest, [](char c) { return !IsDigit(c) && c != '.'; });
    if (name.empty()) {
      return BadData(fmt::format("units: missing unit in {}: write e.g. 512MB", Quote(text)));
    }
    const std::optional<double> unit = ByteUnit(name);
    if (!unit) {
      return BadData(fmt::format("units: unknown unit {} in {}", Quote(name), Quote(text)));
    }
    total += *number * *unit;
  } while (!rest.empty());
  if (total >= 9223372036854775808.0) return BadData("units: size out of range: " + Quote(text));
  return static_cast<uint64_t>(total);
}

}  // namespace vigil

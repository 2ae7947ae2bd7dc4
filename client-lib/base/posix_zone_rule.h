// SPDX-License-Identifier: Apache-2.0
// The rule at the end of a time zone file that says what holds after its last transition, such as
// CET-1CEST,M3.5.0,M10.5.0/3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vigil {

// Threads: any (a plain value).
struct PosixZoneRule {
  struct Change {
    enum class Kind { kJulian, kDayOfYear, kWeekday };
    Kind kind = Kind::kWeekday;
    int month = 1;  // of kWeekday
    int week = 1;   // of kWeekday; 5 is the last
    int day = 0;    // weekday, Julian day from 1 (no 29 February) or day of the year from 0
    int64_t seconds = 7200;  // wall time of the change
  };
  std::string standard_name;    // "CET"
  int64_t standard_offset = 0;  // seconds east
  bool has_summer = false;
  std::string summer_name;
  int64_t summer_offset = 0;
  Change summer_start;
  Change summer_end;

  [[nodiscard]] bool IsSummerAt(int64_t unix_seconds) const;
  [[nodiscard]] int64_t OffsetAt(int64_t unix_seconds) const {
    return IsSummerAt(unix_seconds) ? summer_offset : standard_offset;
  }
};

// Nothing when the text is no such rule.
std::optional<PosixZoneRule> ParsePosixZoneRule(std::string_view text);

}  // namespace vigil

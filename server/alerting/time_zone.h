// SPDX-License-Identifier: Apache-2.0
// Time zones of the system's database: what the clocks on the wall show at an instant.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"

namespace vigil::alerting {

// The date and time of day somewhere.
struct CivilTime {
  int64_t year = 1970;
  int month = 1;    // from 1
  int day = 1;      // from 1
  int weekday = 4;  // Sunday is 0
  int minute_of_day = 0;
};

int DaysInMonth(int64_t year, int month);

// Copies are cheap. Threads: any (immutable).
class TimeZone {
 public:
  static TimeZone Utc();
  // "Europe/Berlin", "UTC", "" (UTC) or "Local" (the machine's). not_found or bad_data.
  static Result<TimeZone> Load(const std::string& name);
  // From the bytes of a TZif file (RFC 8536, versions 1 to 4). bad_data.
  static Result<TimeZone> Parse(std::string_view bytes, const std::string& name);

  [[nodiscard]] const std::string& name() const;
  // Seconds east of UTC.
  [[nodiscard]] int64_t OffsetAt(int64_t unix_seconds) const;
  [[nodiscard]] CivilTime At(TimestampMs time) const;

 private:
  struct Data;
  explicit TimeZone(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

// The date of a number of days since 1970-01-01 (weekday and date are set), and back.
CivilTime CivilFromDays(int64_t days);
int64_t DaysFromCivil(int64_t year, int month, int day);

}  // namespace vigil::alerting

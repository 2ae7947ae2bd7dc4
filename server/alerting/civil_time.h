// SPDX-License-Identifier: Apache-2.0
// What the clocks of a place show at a moment.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/base/time_zone.h"

namespace vigil::alerting {

// The date and time of day somewhere.
struct CivilTime {
  int64_t year = 1970;
  int month = 1;    // from 1
  int day = 1;      // from 1
  int weekday = 4;  // Sunday is 0
  int minute_of_day = 0;
};

CivilTime CivilTimeAt(const TimeZone& zone, TimestampMs time);

// A location of the configuration: "Europe/Berlin", "UTC", "" (UTC) or "Local" (the machine's).
// not_found says what to write.
Result<std::shared_ptr<const TimeZone>> LoadLocation(const std::string& name);

}  // namespace vigil::alerting

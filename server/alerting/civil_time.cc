// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/civil_time.h"

#include <fmt/format.h>

#include "client-lib/base/civil.h"

namespace vigil::alerting {

CivilTime CivilTimeAt(const TimeZone& zone, TimestampMs time) {
  const int64_t utc = FloorDivide(time, 1000);
  const int64_t local = utc + zone.At(utc).seconds;
  const int64_t days = FloorDivide(local, kSecondsPerDay);
  const CivilDate date = CivilFromDays(days);
  return {date.year, date.month, date.day, WeekdayOf(days),
          static_cast<int>((local - days * kSecondsPerDay) / 60)};
}

Result<std::shared_ptr<const TimeZone>> LoadLocation(const std::string& name) {
  auto zone = name == "Local" ? TimeZone::Local() : TimeZone::Load(name);
  if (zone) return zone;
  return NotFound(
      fmt::format("unknown time zone {}: use a name of the system's time zone "
                  "database, such as Europe/Berlin (package tzdata)",
                  name));
}

}  // namespace vigil::alerting

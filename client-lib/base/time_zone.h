// SPDX-License-Identifier: Apache-2.0
// Time zones of the system's tz database (TZif files), with the rule for years behind the table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/posix_zone_rule.h"
#include "client-lib/base/result.h"

namespace vigil {

// What is in force at a moment.
struct ZoneOffset {
  int32_t seconds = 0;  // east of UTC
  std::string name;     // "CET"; empty when only the offset is known
};

// Threads: any (immutable).
class TimeZone {
 public:
  // "" and "UTC" are UTC. not_found, `unknown time zone X`, as Go says it.
  static Result<std::shared_ptr<const TimeZone>> Load(std::string_view name);
  // That of this machine: what TZ names, else /etc/localtime by the name "Local"; UTC when there is
  // none or it cannot be read, as Go does.
  static Result<std::shared_ptr<const TimeZone>> Local();
  // With the value of TZ; null: it is not set.
  static Result<std::shared_ptr<const TimeZone>> LocalOf(const char* variable);
  static std::shared_ptr<const TimeZone> Utc() { return Fixed(0, "UTC"); }
  // A zone that never changes: what a time with a numeric offset has.
  static std::shared_ptr<const TimeZone> Fixed(int32_t seconds, std::string name);
  // The bytes of a TZif file (RFC 8536); bad_data when they are none.
  static Result<std::shared_ptr<const TimeZone>> Parse(std::string_view name,
                                                       std::string_view bytes);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] ZoneOffset At(int64_t unix_seconds) const;
  // The moment at which clocks of this zone show these seconds (counted as if they were UTC's).
  [[nodiscard]] int64_t FromWallClock(int64_t wall_seconds) const;

 private:
  struct Transition {
    int64_t at = 0;
    size_t zone = 0;
  };

  explicit TimeZone(std::string name) : name_(std::move(name)) {}
  bool ReadTable(std::string_view bytes);

  std::string name_;
  std::vector<ZoneOffset> offsets_;
  std::vector<Transition> transitions_;
  std::optional<PosixZoneRule> rule_;
};

}  // namespace vigil

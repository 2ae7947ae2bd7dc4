// SPDX-License-Identifier: Apache-2.0
#include "server/rules/group_schedule.h"

#include "client-lib/model/labels.h"

namespace vigil::rules {

DurationMs SlotOffset(std::string_view file, std::string_view name, DurationMs interval) {
  const uint64_t hash = Labels::Of({{"file", file}, {"name", name}}).Hash();
  return static_cast<DurationMs>(hash % static_cast<uint64_t>(interval));
}

TimestampMs SlotBefore(DurationMs offset, DurationMs interval, TimestampMs now) {
  const TimestampMs shifted = now - offset;
  return shifted - (shifted % interval + interval) % interval + offset;
}

DueRound NextRound(TimestampMs last, DurationMs interval, TimestampMs now) {
  const int64_t passed = now > last ? (now - last) / interval : 1;
  const int64_t missed = passed > 1 ? passed - 1 : 0;
  return {last + (missed + 1) * interval, static_cast<uint64_t>(missed)};
}

}  // namespace vigil::rules

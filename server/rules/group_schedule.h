// SPDX-License-Identifier: Apache-2.0
// When groups are evaluated.
#pragma once

#include <cstdint>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/model/duration.h"

namespace vigil::rules {

// Groups share the interval out among themselves: each has its offset in it, by its file and name,
// the same after every start.
DurationMs SlotOffset(std::string_view file, std::string_view name, DurationMs interval);
// The last slot that is not after `now`.
TimestampMs SlotBefore(DurationMs offset, DurationMs interval, TimestampMs now);

struct DueRound {
  TimestampMs at = 0;
  uint64_t missed = 0;  // rounds between the last one and this that are left out
};
// The round to evaluate at `now`, which is at least an interval after `last`, the one before.
DueRound NextRound(TimestampMs last, DurationMs interval, TimestampMs now);

}  // namespace vigil::rules

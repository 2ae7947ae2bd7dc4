// SPDX-License-Identifier: Apache-2.0
// Times as Alertmanager's API writes them.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"

namespace vigil::web {

// The year 1 in UTC: upstream's "not set".
inline constexpr TimestampMs kZeroTime = -62'135'596'800'000;

// RFC 3339, also without zone (UTC), without seconds, or with a blank between day and time; an
// empty text is the epoch. bad_data in the words of Go.
Result<TimestampMs> ParseDateTime(std::string_view text);

// 2026-01-02T03:04:05.678Z
void AppendDateTime(TimestampMs time, std::string* out);

}  // namespace vigil::web

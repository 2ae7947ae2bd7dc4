// SPDX-License-Identifier: Apache-2.0
// Numbers for people, as Prometheus's and Alertmanager's templates write them.
#pragma once

#include <string>

#include "client-lib/base/result.h"
#include "server/template/value.h"

namespace vigil::tmpl {

std::string Humanize(double value);            // 1.235k, 12m
std::string Humanize1024(double value);        // 1.5Mi
std::string HumanizeDuration(double seconds);  // 1d 2h 3m 4s, 15ms
std::string HumanizePercentage(double ratio);  // 12.35%
// A moment in UTC; bad_data beyond what 64 bits of nanoseconds can say.
Result<std::string> HumanizeTimestamp(double unix_seconds);
// bad_data as well for what is no number.
Result<Time> MomentOf(double unix_seconds);

// What the functions accept as a number: numbers, durations in seconds, text. bad_data with Go's
// texts: `can't convert []string to float`, `strconv.ParseFloat: parsing "x": invalid syntax`.
Result<double> NumberOf(const Value& value);

}  // namespace vigil::tmpl

// SPDX-License-Identifier: Apache-2.0
// Durations as the configuration files and PromQL write them (1h30m), in milliseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil {

using DurationMs = int64_t;

// Units y w d h m s ms, descending, each once: "1h30m", "0". bad_data:
// `not a valid duration string: "x"`, `unknown unit "x" in duration "5x"`, `empty duration string`,
// `duration out of range`.
Result<DurationMs> ParseDuration(std::string_view text);

// Prometheus's canonical spelling: "1h30m", "0s", "1d", "2w", "1y".
std::string FormatDuration(DurationMs duration);

// Go's time.Duration: "1m0s", "1.5s", "100ms" (for web UI, target intervals and errors). Parts of
// a millisecond are rounded.
Result<DurationMs> ParseGoDuration(std::string_view text);
std::string FormatGoDuration(DurationMs duration);

// A time of the HTTP API: float Unix seconds (rounded to ms) or RFC 3339. bad_data otherwise.
Result<int64_t> ParseApiTime(std::string_view text);

// 2026-01-02T03:04:05.678Z
std::string FormatRfc3339(int64_t timestamp_ms);

// "512MB", "1.5GB", "10KiB", "0" as in size limits: powers of 1024 for all units (Go units
// package). bad_data otherwise.
Result<uint64_t> ParseByteSize(std::string_view text);

}  // namespace vigil

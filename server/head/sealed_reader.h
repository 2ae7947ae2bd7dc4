// SPDX-License-Identifier: Apache-2.0
// Reads the samples of one series in memory.
#pragma once

#include "client-lib/base/result.h"
#include "client-lib/model/sample.h"
#include "server/head/sealed_chunk.h"
#include "server/head/series_slots.h"

namespace vigil::head {

// Appends the samples within [min_time, max_time].
Result<void> ReadSealed(const SealedChunk& chunk, TimestampMs min_time, TimestampMs max_time,
                        SampleColumns* out);

// Appends all samples within [min_time, max_time], each kind rising or not.
// REQUIRES: the series is locked.
void ReadAll(const Series& series, TimestampMs min_time, TimestampMs max_time, SampleColumns* out);

}  // namespace vigil::head

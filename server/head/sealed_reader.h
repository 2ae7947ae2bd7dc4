// SPDX-License-Identifier: Apache-2.0
// Reads the samples of sealed chunks.
#pragma once

#include "client-lib/base/result.h"
#include "client-lib/model/sample.h"
#include "server/head/sealed_chunk.h"

namespace vigil::head {

// Appends the samples within [min_time, max_time].
Result<void> ReadSealed(const SealedChunk& chunk, TimestampMs min_time, TimestampMs max_time,
                        SampleColumns* out);

}  // namespace vigil::head

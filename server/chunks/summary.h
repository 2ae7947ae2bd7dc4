// SPDX-License-Identifier: Apache-2.0
// Sums a column of values up for a chunk's header.
#pragma once

#include <span>

#include "server/chunks/chunk.h"

namespace vigil::chunks {

ChunkSummary Summarize(std::span<const double> values);

// What Summarize() gives for count times the same value, except that the sum is rounded once.
ChunkSummary SummarizeConst(double value, uint32_t count);

}  // namespace vigil::chunks

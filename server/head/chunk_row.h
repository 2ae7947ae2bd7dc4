// SPDX-License-Identifier: Apache-2.0
// One chunk of samples that do not go through the head.
#pragma once

#include <span>
#include <string>

#include "client-lib/model/sample.h"
#include "server/storage/backend.h"

namespace vigil::head {

// Fills *row but for its series; row->data is a view of *data. REQUIRES: timestamps strictly
// rising, columns of equal length, 1..chunks::kMaxChunkSamples.
void EncodeChunkRow(std::span<const TimestampMs> times, std::span<const double> values,
                    storage::ChunkRow* row, std::string* data);

}  // namespace vigil::head

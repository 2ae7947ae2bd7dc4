// SPDX-License-Identifier: Apache-2.0
// Judges a batch without taking it: for senders whose batch is taken as a whole or not at all.
#pragma once

#include <cstddef>

#include "server/head/judge.h"
#include "server/head/series_slots.h"
#include "server/storage/storage.h"

namespace vigil::head {

// Adds the verdict on the sample at `index` to the outcome.
void Count(storage::SampleVerdict verdict, size_t index, storage::AppendOutcome* outcome);

// Judges every sample as if those before it had been taken, and takes none.
storage::AppendOutcome CheckBatch(const storage::SampleBatch& batch, const Bounds& bounds,
                                  const SeriesSlots& slots);

}  // namespace vigil::head

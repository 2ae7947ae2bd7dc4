// SPDX-License-Identifier: Apache-2.0
// load_with_nhcb: classic histograms are stored as native ones with custom buckets as well.
#pragma once

#include "client-lib/base/result.h"
#include "tests/support/memory_storage.h"
#include "tests/support/promqltest/script.h"

namespace vigil::tests {

// Adds the native histograms that the _bucket, _count and _sum series of the command make up.
Result<void> LoadCustomBuckets(const LoadCommand& load, MemoryStorage* storage);

}  // namespace vigil::tests

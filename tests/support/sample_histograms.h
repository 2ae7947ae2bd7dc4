// SPDX-License-Identifier: Apache-2.0
// Made-up native histograms for codec tests, fuzzers and benches. The same seed gives the same
// samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "client-lib/model/histogram.h"

namespace vigil::testing {

// Request durations as a client library counts them: counts that rise, a bucket that is new now and
// then, a rare reset. Float counts are fractions.
std::vector<HistogramSample> MakeHistograms(size_t count, bool integer, uint64_t seed);

// Everything that the type can hold: every schema, custom buckets, odd floats, empty and negative
// spans, flags at random; neighbours are alike in some fields.
std::vector<HistogramSample> MakeWildHistograms(size_t count, uint64_t seed);

}  // namespace vigil::testing

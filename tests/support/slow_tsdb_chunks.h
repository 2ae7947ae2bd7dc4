// SPDX-License-Identifier: Apache-2.0
// Decodes chunks of Prometheus's TSDB bit by bit: the slow twin of server/remote/read_chunks.h,
// written from the format's description alone.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "client-lib/model/sample.h"

namespace vigil::testing {

std::vector<Sample> DecodeXorChunk(std::string_view chunk);
// The hints are those a reader gives: the chunk's for the first, not reset (or gauge) for others.
std::vector<HistogramSample> DecodeHistogramChunk(std::string_view chunk, bool integer);

}  // namespace vigil::testing

// SPDX-License-Identifier: Apache-2.0
// Made-up series in the shapes that monitoring has, for codec tests and benches. The same seed
// gives the same samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "client-lib/model/sample.h"

namespace vigil::testing {

enum class Shape {
  kConstant,        // a limit, an info metric
  kCounter,         // whole numbers, uneven increments, a rare reset
  kSecondsCounter,  // cpu seconds: two digits behind the point
  kGauge,           // bytes in steps of 4096
  kDecimalGauge,    // load, temperature: two digits
  kSparse,          // a counter that seldom moves
  kNoise,           // full mantissas, as a rate or an average has
  kMixed,           // with NaNs, infinities, -0 and staleness markers in between
};
inline constexpr Shape kShapes[] = {Shape::kConstant, Shape::kCounter,      Shape::kSecondsCounter,
                                    Shape::kGauge,    Shape::kDecimalGauge, Shape::kSparse,
                                    Shape::kNoise,    Shape::kMixed};
std::string_view ShapeName(Shape shape);

// Timestamps every step_ms from start; jitter_ms > 0 moves each by up to that much.
std::vector<TimestampMs> MakeTimes(size_t count, TimestampMs start, int64_t step_ms,
                                   int64_t jitter_ms, uint64_t seed);
std::vector<double> MakeValues(Shape shape, size_t count, uint64_t seed);

}  // namespace vigil::testing

// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sample_series.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace vigil::testing {
namespace {

using Random = std::mt19937_64;

uint64_t Below(Random& random, uint64_t limit) { return random() % limit; }

double Counter(Random& random, double* value) {
  if (Below(random, 500) == 0) *value = 0;
  *value += static_cast<double>(Below(random, 2000));
  return *value;
}

double Odd(Random& random) {
  switch (Below(random, 8)) {
    case 0:
      return std::numeric_limits<double>::infinity();
    case 1:
      return -std::numeric_limits<double>::infinity();
    case 2:
      return -0.0;
    case 3:
      return NormalNaN();
    case 4:
      return StaleNaN();
    case 5:
      return std::bit_cast<double>(random());
    case 6:
      return std::numeric_limits<double>::denorm_min();
    default:
      return -1e300;
  }
}

double Next(Shape shape, Random& random, double* state) {
  switch (shape) {
    case Shape::kConstant:
      return 67108864;
    case Shape::kCounter:
      return Counter(random, state);
    case Shape::kSecondsCounter:
      *state += static_cast<double>(Below(random, 1500));
      return *state / 100;
    case Shape::kGauge:
      *state += (static_cast<double>(Below(random, 2001)) - 1000) * 4096;
      return 8e9 + *state;
    case Shape::kDecimalGauge:
      return static_cast<double>(Below(random, 400)) / 100;
    case Shape::kSparse:
      if (Below(random, 40) == 0) *state += 1 + static_cast<double>(Below(random, 5));
      return *state;
    case Shape::kNoise:
      return 100 + 50 * std::sin(static_cast<double>(random()) / 1e18);
    case Shape::kMixed:
      return Below(random, 10) == 0 ? Odd(random) : Counter(random, state);
  }
  return 0;
}

}  // namespace

std::string_view ShapeName(Shape shape) {
  switch (shape) {
    case Shape::kConstant:
      return "constant";
    case Shape::kCounter:
      return "counter";
    case Shape::kSecondsCounter:
      return "seconds_counter";
    case Shape::kGauge:
      return "gauge";
    case Shape::kDecimalGauge:
      return "decimal_gauge";
    case Shape::kSparse:
      return "sparse";
    case Shape::kNoise:
      return "noise";
    case Shape::kMixed:
      return "mixed";
  }
  return "unknown";
}

std::vector<TimestampMs> MakeTimes(size_t count, TimestampMs start, int64_t step_ms,
                                   int64_t jitter_ms, uint64_t seed) {
  Random random(seed);
  std::vector<TimestampMs> times;
  times.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const auto jitter =
        jitter_ms == 0 ? 0 : static_cast<int64_t>(Below(random, static_cast<uint64_t>(jitter_ms)));
    times.push_back(start + static_cast<int64_t>(i) * step_ms + jitter);
  }
  return times;
}

std::vector<double> MakeValues(Shape shape, size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<double> values;
  values.reserve(count);
  auto state = static_cast<double>(Below(random, 1'000'000));
  for (size_t i = 0; i < count; ++i) values.push_back(Next(shape, random, &state));
  return values;
}

}  // namespace vigil::testing

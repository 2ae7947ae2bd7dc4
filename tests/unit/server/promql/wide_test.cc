// SPDX-License-Identifier: Apache-2.0
// Two values at a time against one by one.
#include "server/promql/wide.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "client-lib/model/sample.h"

namespace vigil::promql {
namespace {

TEST(Wide, FindsANaNAnywhere) {
  for (size_t size = 0; size < 13; ++size) {
    std::vector<double> values(size, 1.5);
    EXPECT_FALSE(AnyNaN(values)) << size;
    for (size_t i = 0; i < size; ++i) {
      for (const double nan : {StaleNaN(), NormalNaN(), -NormalNaN()}) {
        values[i] = nan;
        EXPECT_TRUE(AnyNaN(values)) << size << " " << i;
      }
      values[i] = i % 2 == 0 ? INFINITY : -0.0;
      EXPECT_FALSE(AnyNaN(values)) << size << " " << i;
    }
  }
}

TEST(Wide, CountsFallsAnywhere) {
  for (size_t size = 1; size < 13; ++size) {
    for (size_t fall = 0; fall < size; ++fall) {
      std::vector<double> values;
      for (size_t i = 0; i < size; ++i) values.push_back(static_cast<double>(i / 2));
      if (fall > 0) values[fall] = values[fall - 1] - 1;
      for (size_t from = 1; from <= size; ++from) {
        size_t want = 0;
        for (size_t i = from; i < size; ++i) want += values[i] < values[i - 1] ? 1 : 0;
        EXPECT_EQ(CountFalls(values.data(), from, size), want)
            << size << " " << fall << " " << from;
      }
    }
  }
  const std::vector<double> numbers = {1, NormalNaN(), 0, 5, NormalNaN()};
  EXPECT_EQ(CountFalls(numbers.data(), 1, numbers.size()), 0);
  const std::vector<double> saw = {3, 1, 3, 1, 3, 1, 0, -1, -1};
  EXPECT_EQ(CountFalls(saw.data(), 1, saw.size()), 5);
}

}  // namespace
}  // namespace vigil::promql

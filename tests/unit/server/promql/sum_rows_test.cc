// SPDX-License-Identifier: Apache-2.0
// Sums of many steps at once against one KahanSum per step: the same bits.
#include "server/promql/sum_rows.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "client-lib/model/sample.h"
#include "server/promql/statistics.h"

namespace vigil::promql {
namespace {

struct SlowCell {
  KahanSum sum;
  bool empty = true;
  void Add(double v) {
    if (empty) {
      sum.sum = v;
      empty = false;
    } else {
      sum.Add(v);
    }
  }
  [[nodiscard]] double Get() const { return empty ? StaleNaN() : sum.sum + sum.c; }
};

// One value in so many is no number, none at all, huge or a zero.
double RandomValue(std::mt19937_64& random, uint64_t odd_in) {
  const std::array<double, 8> kOdd = {StaleNaN(),
                                      std::numeric_limits<double>::infinity(),
                                      -std::numeric_limits<double>::infinity(),
                                      std::numeric_limits<double>::quiet_NaN(),
                                      std::numeric_limits<double>::max(),
                                      -std::numeric_limits<double>::max(),
                                      -0.0,
                                      5e-324};
  if (random() % odd_in == 0) return kOdd[random() % kOdd.size()];
  const auto whole = static_cast<double>(static_cast<int64_t>(random()) >> (random() % 60));
  return whole / (random() % 2 == 0 ? 1 : 3);
}

TEST(SumRows, AgreesWithOneSumPerStep) {
  std::mt19937_64 random(23);
  for (const uint64_t odd_in : {3U, 50U, 1'000'000U}) {
    for (const size_t steps : {1U, 7U, 8U, 9U, 100U}) {
      constexpr size_t kGroups = 3;
      SumRows sums(steps);
      std::vector<SlowCell> slow(kGroups * steps);
      sums.Resize(kGroups);
      std::vector<double> row(steps);
      for (int round = 0; round < 60; ++round) {
        const size_t group = random() % kGroups;
        for (size_t i = 0; i < steps; ++i) {
          row[i] = RandomValue(random, odd_in);
          if (!IsStaleNaN(row[i])) slow[group * steps + i].Add(row[i]);
        }
        sums.AddRow(group, row);
      }
      sums.Add(steps, 4.5);
      slow[steps].Add(4.5);
      for (size_t i = 0; i < slow.size(); ++i) {
        const double want = slow[i].Get();
        const double got = sums.Get(i);
        ASSERT_TRUE(SameBits(want, got) ||
                    (std::isnan(want) && std::isnan(got) && !IsStaleNaN(want) && !IsStaleNaN(got)))
            << i << ": " << got << " instead of " << want;
      }
    }
  }
}

TEST(SumRows, IsEmptyUntilASampleComes) {
  SumRows sums(2);
  sums.Resize(1);
  sums.AddRow(0, std::array<double, 2>{StaleNaN(), 1});
  EXPECT_TRUE(IsStaleNaN(sums.Get(0)));
  EXPECT_EQ(sums.Get(1), 1);
}

}  // namespace
}  // namespace vigil::promql

// SPDX-License-Identifier: Apache-2.0
#include "server/promql/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <vector>

namespace vigil::promql {
namespace {

std::vector<size_t> Rising(size_t n) {
  std::vector<size_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  return numbers;
}

TEST(Workers, TakesPartsInOrder) {
  for (const size_t threads : {0U, 1U, 3U}) {
    Workers workers(threads);
    std::vector<size_t> slots(4);
    std::vector<size_t> taken;
    OrderedParts parts;
    parts.count = 1000;
    parts.ahead = slots.size();
    // A slot is used again only once its part has been taken.
    parts.produce = [&](size_t part) { slots[part % slots.size()] = part; };
    parts.take = [&](size_t part) -> Result<void> {
      taken.push_back(slots[part % slots.size()]);
      return Ok();
    };
    ASSERT_TRUE(RunInOrder(workers, parts).has_value());
    EXPECT_EQ(taken, Rising(1000)) << threads;
  }
}

TEST(Workers, StopsAtTheFirstError) {
  Workers workers(2);
  std::atomic<size_t> produced{0};
  OrderedParts parts;
  parts.count = 1'000'000;
  parts.ahead = 3;
  parts.produce = [&](size_t) { ++produced; };
  parts.take = [&](size_t part) -> Result<void> {
    if (part == 5) return ExecutionError("enough");
    return Ok();
  };
  const Result<void> result = RunInOrder(workers, parts);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, "enough");
  EXPECT_LE(produced.load(), 5 + 3 + 1U);
}

TEST(Workers, RunsManyQueriesAtOnce) {
  Workers workers(2);
  std::atomic<size_t> total{0};
  std::vector<std::thread> queries;
  for (int q = 0; q < 4; ++q) {
    queries.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        size_t sum = 0;
        OrderedParts parts;
        parts.count = 20;
        parts.ahead = 4;
        parts.produce = [](size_t) {};
        parts.take = [&](size_t part) -> Result<void> {
          sum += part;
          return Ok();
        };
        EXPECT_TRUE(RunInOrder(workers, parts).has_value());
        total += sum;
      }
    });
  }
  for (std::thread& query : queries) query.join();
  EXPECT_EQ(total.load(), 4U * 50 * 190);
}

TEST(Workers, NothingToDoIsDoneAtOnce) {
  Workers workers(1);
  OrderedParts parts;
  parts.produce = [](size_t) { FAIL(); };
  parts.take = [](size_t) -> Result<void> { return ExecutionError("taken"); };
  EXPECT_TRUE(RunInOrder(workers, parts).has_value());
}

}  // namespace
}  // namespace vigil::promql

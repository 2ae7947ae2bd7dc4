// SPDX-License-Identifier: Apache-2.0
// Queries that would take too much: samples, memory, labels that grow, trees that are deep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "server/promql/engine.h"
#include "server/promql/parser.h"
#include "server/promql/query_memory.h"
#include "tests/support/big_stack.h"
#include "tests/support/memory_storage.h"

namespace vigil::promql {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kTooManySamples =
    "query processing would load too many samples into memory in query execution";
constexpr std::string_view kTooMuchMemory =
    "query processing would take more memory than the limit of ";

class EngineLimitsTest : public testing::Test {
 protected:
  EngineLimitsTest() {
    options_.parser = ParserOptions::EverythingOn();
    for (int i = 0; i < 100; ++i) {
      const Labels labels = Labels::Of({{"__name__", "m"}, {"i", std::to_string(i)}});
      for (int k = 0; k <= 20; ++k) store_.Add(labels, k * 30'000, k);
    }
  }

  Result<QueryResult> Run(const Engine& engine, std::string text, size_t steps = 11) {
    QueryRequest request;
    request.text = std::move(text);
    request.end = static_cast<TimestampMs>(steps - 1) * 10'000;
    request.step_ms = 10'000;
    return engine.Execute(store_, request);
  }
  std::string ErrorOf(const std::string& text, size_t steps = 11) {
    const Result<QueryResult> result = Run(Engine(options_), text, steps);
    if (result) return "no error";
    EXPECT_EQ(result.error().kind, ErrorKind::kExecution) << text;
    return result.error().message;
  }

  tests::MemoryStorage store_;
  EngineOptions options_;
};

TEST_F(EngineLimitsTest, CountsSamplesThatAreHeldTogether) {
  options_.max_samples = 1'500;
  EXPECT_EQ(ErrorOf("m"), "no error") << "100 series, 11 steps";
  EXPECT_EQ(ErrorOf("m + on (i) m"), kTooManySamples) << "both sides are held";
  EXPECT_EQ(ErrorOf("m", 21), kTooManySamples);
  EXPECT_EQ(ErrorOf("sum(m)", 51), "no error") << "one row at a time";
  EXPECT_EQ(ErrorOf("count_values(\"v\", m)"), "no error");
  EXPECT_EQ(ErrorOf("vector(1)", 2'000), kTooManySamples);
  EXPECT_EQ(ErrorOf("absent(nothing)", 2'000), kTooManySamples);
  EXPECT_EQ(ErrorOf("max_over_time(m[1h:1s])"), kTooManySamples);
}

TEST_F(EngineLimitsTest, NestedSubqueriesHoldTheirStepsTogether) {
  options_.max_samples = 10'000;
  EXPECT_EQ(ErrorOf("max_over_time(vector(1)[1h:1s])"), "no error");
  std::string text = "vector(1)";
  for (int i = 0; i < 3; ++i) text = "max_over_time(" + text + "[1h:1s])";
  EXPECT_EQ(ErrorOf(text), kTooManySamples);
}

TEST_F(EngineLimitsTest, OneQueryStaysWithinItsMemory) {
  options_.max_query_bytes = 1 << 20;
  EXPECT_EQ(ErrorOf("m"), "no error");
  EXPECT_THAT(ErrorOf("m", 1'000), StartsWith(std::string(kTooMuchMemory) + "1 MB for one query"));
  EXPECT_EQ(ErrorOf("sum(m)", 1'000), "no error");
}

TEST_F(EngineLimitsTest, AllQueriesTogetherStayWithinTheirs) {
  // A result is 8 MB of values in about 10 MB of memory, and takes 16 MB while it is made.
  options_.max_memory_bytes = 32 << 20;
  const Engine engine(options_);
  std::optional<QueryResult> held[2];
  for (std::optional<QueryResult>& result : held) {
    Result<QueryResult> made = Run(engine, "m", 10'000);
    ASSERT_TRUE(made) << made.error().message;
    result.emplace(*std::move(made));
  }
  const Result<QueryResult> third = Run(engine, "m", 10'000);
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().message, HasSubstr("32 MB for all queries"));
  held[0].reset();  // its answer was written
  EXPECT_TRUE(Run(engine, "m", 10'000));
}

TEST(QueryMemory, GivesBackWhatItTook) {
  const auto pool = std::make_shared<MemoryPool>(64 << 20);
  {
    QueryMemory memory(pool, 0);
    EXPECT_TRUE(memory.Reach(1));
    EXPECT_GE(pool->held(), 1U);
    QueryMemory moved = std::move(memory);
    EXPECT_TRUE(moved.Reach(40 << 20));
    EXPECT_TRUE(moved.Reach(1)) << "it stays what it was at most";
    EXPECT_GE(pool->held(), size_t{40} << 20);
    QueryMemory other(pool, 0);
    EXPECT_FALSE(other.Reach(40 << 20));
    EXPECT_TRUE(other.Reach(8 << 20));
  }
  EXPECT_EQ(pool->held(), 0U);
}

// What is taken from the pool ahead of need must not be what refuses the last query that fits.
TEST(QueryMemory, TakesExactlyWhatItNeedsWhereRoundingDoesNotFit) {
  const auto pool = std::make_shared<MemoryPool>(5 << 20);
  QueryMemory first(pool, 0);
  EXPECT_TRUE(first.Reach(3 << 20));
  EXPECT_EQ(pool->held(), size_t{4} << 20);
  QueryMemory second(pool, 0);
  EXPECT_TRUE(second.Reach(1 << 20));
  EXPECT_EQ(pool->held(), size_t{5} << 20);
  EXPECT_FALSE(second.Reach((1 << 20) + 1));
  first.ShrinkTo(1 << 20);
  EXPECT_EQ(pool->held(), size_t{2} << 20);
  EXPECT_TRUE(second.Reach((1 << 20) + 1));
}

// What was held on the way is not held with the result.
TEST_F(EngineLimitsTest, AResultHoldsWhatItIsMadeOf) {
  options_.max_memory_bytes = 64 << 20;
  const Engine engine(options_);
  // Both sides of the join are held: 2 * 100 rows of 10,000 steps.
  Result<QueryResult> joined = Run(engine, "sum(m + on (i) m)", 10'000);
  ASSERT_TRUE(joined) << joined.error().message;
  QueryMemory rest = engine.MakeMemory();
  EXPECT_TRUE(rest.Reach((64 << 20) - (1 << 20))) << "the result takes less than a megabyte";
}

TEST_F(EngineLimitsTest, SelectedSeriesAreHeldWhileTheyAreRead) {
  // 100 series take 25,600 bytes; each row of the second query comes on top of that.
  options_.max_query_bytes = 28 * 1024;
  EXPECT_EQ(ErrorOf("sum(m)", 2), "no error");
  EXPECT_THAT(ErrorOf("m", 2), StartsWith(kTooMuchMemory));
}

// Helper threads read series whose samples alone are too many.
TEST_F(EngineLimitsTest, SamplesThatHelpersReadCountToo) {
  const Labels labels = Labels::Of({{"__name__", "m"}, {"i", "0"}});
  for (int k = 0; k < 50'000; ++k) store_.Add(labels, k * 10, k);
  options_.helper_threads = 2;
  options_.max_samples = 60'000;
  EXPECT_EQ(ErrorOf("sum(sum_over_time(m[1m]))", 200), kTooManySamples);
  options_.max_samples = 200'000;
  EXPECT_EQ(ErrorOf("sum(sum_over_time(m[1m]))", 200), "no error");
}

TEST_F(EngineLimitsTest, LabelsDoNotGrowWithoutEnd) {
  std::string join = "m{i=\"7\"}";
  std::string replace = join;
  for (int i = 0; i < 60; ++i) {
    join = "label_join(" + join + ", \"i\", \"\", \"i\", \"i\")";
    replace = "label_replace(" + replace + ", \"i\", \"$1$1\", \"i\", \"(.*)\")";
  }
  EXPECT_EQ(ErrorOf(join), "label_join() makes a value of more than 1048576 bytes for label i");
  EXPECT_EQ(ErrorOf(replace),
            "label_replace() makes a value of more than 1048576 bytes for label i");
  std::string references;
  for (int i = 0; i < 10'000; ++i) references += "$0";
  EXPECT_EQ(ErrorOf("label_replace(label_replace(m, \"i\", \"" + references +
                    "\", \"i\", \".*\"), \"i\", \"" + references + "\", \"i\", \".*\")"),
            "label_replace() makes a value of more than 1048576 bytes for label i");
}

TEST_F(EngineLimitsTest, LabelsCountAgainstMemory) {
  options_.max_query_bytes = 8 << 20;
  std::string text = "m";
  for (int i = 0; i < 17; ++i) text = "label_join(" + text + ", \"i\", \"\", \"i\", \"i\")";
  EXPECT_THAT(ErrorOf(text), StartsWith(kTooMuchMemory));
}

TEST(ParserLimits, ExpressionsAreBounded) {
  const auto error = [](const std::string& text) {
    const auto expr = ParseExpr(text);
    return expr ? std::string("no error") : expr.error().message;
  };
  std::string matchers;
  for (int i = 0; i < 1'000; ++i) matchers += "a=~\"x.*y\",";
  EXPECT_EQ(error("{" + matchers + "}"), "no error");
  EXPECT_THAT(error("{" + matchers + "b!~\"z.*\"}"),
              HasSubstr("parse error: more than 1000 regular expressions"));
  EXPECT_THAT(error("1" + std::string(9 << 20, ' ')), HasSubstr("has more than 8388608 bytes"));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
constexpr size_t kStackBytes = tests::kBigStackBytes;
#else
constexpr size_t kStackBytes = 8 << 20;  // what threads have
#endif

// The deepest trees that the parser takes are evaluated and printed on a stack of the usual size.
TEST_F(EngineLimitsTest, DeepTreesFitTheStack) {
  const auto nested = [](std::string_view before, std::string_view inner, std::string_view behind) {
    std::string text;
    constexpr size_t kLevels = 990;
    for (size_t i = 0; i < kLevels; ++i) text += before;
    text += inner;
    for (size_t i = 0; i < kLevels; ++i) text += behind;
    return text;
  };
  constexpr std::string_view kOne = "m{i=\"1\"}";
  const std::string texts[] = {
      nested("(", kOne, ")"),
      nested("abs(", kOne, ")"),
      nested("sum(", kOne, ")"),
      nested("quantile(0.5,", kOne, ")"),
      nested("", kOne, " + on (i) m{i=\"1\"}"),
      nested("m{i=\"1\"} ^ on (i) ", kOne, ""),
      nested("m{i=\"1\"} or ", kOne, ""),
      nested("1 + ", "1", ""),
      nested("sort_desc(", kOne, ")"),
      nested("label_replace(", kOne, ",\"a\",\"b\",\"c\",\"d\")"),
      nested("-", kOne, ""),
      "m[" + nested("(", "5m", ")") + "]",
      "m offset " + nested("(", "5m", ")"),
  };
  for (const std::string& text : texts) {
    const auto work = [&] {
      const auto expr = ParseExpr(text, options_.parser);
      ASSERT_TRUE(expr) << text.substr(0, 80) << expr.error().message.substr(0, 200);
      EXPECT_FALSE(Print(**expr).empty());
      QueryRequest request;
      request.text = text;
      request.start = request.end = 300'000;
      const Result<QueryResult> result = Engine(options_).Execute(store_, request);
      EXPECT_TRUE(result) << text.substr(0, 80) << result.error().message.substr(0, 200);
    };
    tests::RunOnBigStack(work, kStackBytes);
  }
}

}  // namespace
}  // namespace vigil::promql

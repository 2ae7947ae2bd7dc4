// SPDX-License-Identifier: Apache-2.0
// Result, Error and TRY.
#include "client-lib/base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace vigil {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return BadData("odd number " + std::to_string(n));
  return n / 2;
}
Result<int> Quarter(int n) { return TRY(Half(TRY(Half(n)))); }
Result<void> CheckEven(int n) {
  TRY_CONTEXT(Half(n), "checking");
  return Ok();
}
Result<std::unique_ptr<int>> Own(int n) {
  CheckEven(n).value();
  return std::make_unique<int>(TRY(Half(n)));
}

TEST(Result, TryPassesValuesAndErrors) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).error().message, "odd number 3");
  EXPECT_EQ(Quarter(5).error().kind, ErrorKind::kBadData);
}

TEST(Result, ContextGoesInFront) {
  EXPECT_TRUE(CheckEven(2));
  EXPECT_EQ(CheckEven(3).error().message, "checking: odd number 3");
  const Error error = NotFound("x").Prefixed("loading a").Prefixed("b");
  EXPECT_EQ(error.message, "b: loading a: x");
  EXPECT_EQ(error.kind, ErrorKind::kNotFound);
}

TEST(Result, MovesOnlyTypes) { EXPECT_EQ(**Own(4), 2); }

TEST(Result, KindsHaveTheWordsOfTheApi) {
  EXPECT_EQ(ErrorKindName(ErrorKind::kBadData), "bad_data");
  EXPECT_EQ(ErrorKindName(ErrorKind::kExecution), "execution");
  EXPECT_EQ(ErrorKindName(ErrorKind::kCanceled), "canceled");
  EXPECT_EQ(ErrorKindName(ErrorKind::kTimeout), "timeout");
  EXPECT_EQ(ErrorKindName(ErrorKind::kNotFound), "not_found");
  EXPECT_EQ(ErrorKindName(ErrorKind::kNotAcceptable), "not_acceptable");
  EXPECT_EQ(ErrorKindName(ErrorKind::kInternal), "internal");
  EXPECT_EQ(ErrorKindName(ErrorKind::kUnavailable), "unavailable");
}

TEST(ResultDeathTest, ValueOfAnErrorEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(static_cast<void>(Half(1).value()), "check failed: has_value\\(\\)");
}

}  // namespace
}  // namespace vigil

// SPDX-License-Identifier: Apache-2.0
#include "server/web/query_gate.h"

#include <gtest/gtest.h>

#include <thread>

namespace vigil::web {
namespace {

constexpr int64_t kLong = 60'000;

TEST(QueryGate, TurnsAwayWhoWaitsTooLong) {
  QueryGate gate(1);
  ASSERT_TRUE(gate.Enter(kLong, {}).has_value());
  const Result<void> late = gate.Enter(1, {});
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(late.error().message, "query timed out in query queue");
  gate.Leave();
  EXPECT_TRUE(gate.Enter(1, {}).has_value());
}

TEST(QueryGate, LetsGoOfWhoIsCanceled) {
  QueryGate gate(1);
  ASSERT_TRUE(gate.Enter(kLong, {}).has_value());
  std::stop_source stop;
  std::thread canceler([&] { stop.request_stop(); });
  const Result<void> canceled = gate.Enter(kLong, stop.get_token());
  canceler.join();
  ASSERT_FALSE(canceled.has_value());
  EXPECT_EQ(canceled.error().kind, ErrorKind::kCanceled);
  EXPECT_EQ(canceled.error().message, "query was canceled in query queue");
  gate.Leave();
}

TEST(QueryGate, GivesAFreePlaceToWhoWaits) {
  QueryGate gate(1);
  ASSERT_TRUE(gate.Enter(kLong, {}).has_value());
  std::thread leaver([&] { gate.Leave(); });
  EXPECT_TRUE(gate.Enter(kLong, {}).has_value());
  leaver.join();
}

}  // namespace
}  // namespace vigil::web

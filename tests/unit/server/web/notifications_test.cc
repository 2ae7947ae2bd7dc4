// SPDX-License-Identifier: Apache-2.0
#include "server/web/notifications.h"

#include <gtest/gtest.h>

#include <vector>

namespace vigil::web {
namespace {

class NotificationsTest : public ::testing::Test {
 protected:
  std::string List() {
    const http::Request http;
    const ApiRequest request{http, {}};
    std::string out;
    JsonWriter json(&out);
    EXPECT_TRUE(notifications_.List(request, json).has_value());
    return out;
  }
  ManualClock clock_{1'700'000'000'000};
  std::stop_source stop_;
  Notifications notifications_{clock_, stop_.get_token()};
};

TEST_F(NotificationsTest, ListsWhatIsActive) {
  EXPECT_EQ(List(), "[]");
  notifications_.Set(kReloadFailed, true);
  clock_.Advance(1000);
  notifications_.Set(kReloadFailed, true);
  EXPECT_EQ(List(),
            R"([{"text":"Configuration reload has failed.","date":"2023-11-14T22:13:20.000Z",)"
            R"("active":true}])");
  notifications_.Set(kReloadFailed, false);
  notifications_.Set(kReloadFailed, false);
  EXPECT_EQ(List(), "[]");
}

TEST_F(NotificationsTest, StreamsWhatIsActiveAndEveryChange) {
  notifications_.Set("first", true);
  http::Response response = notifications_.Live();
  EXPECT_EQ(response.content_type, "text/event-stream");
  std::vector<std::string> events;
  response.stream([&](std::string_view text) {
    events.emplace_back(text);
    if (events.size() == 1) {
      notifications_.Set("first", false);
      notifications_.Set("second", true);
      return true;
    }
    return false;
  });
  ASSERT_EQ(events.size(), 2u);
  const std::string date = R"(,"date":"2023-11-14T22:13:20.000Z","active":)";
  EXPECT_EQ(events[0], R"(data: {"text":"first")" + date + "true}\n\n");
  EXPECT_EQ(events[1], R"(data: {"text":"first")" + date + "false}\n\n" +
                           R"(data: {"text":"second")" + date + "true}\n\n");
}

TEST_F(NotificationsTest, StreamsEndWithTheServer) {
  http::Response response = notifications_.Live();
  stop_.request_stop();
  EXPECT_TRUE(response.stream([](std::string_view) { return true; }));
}

TEST_F(NotificationsTest, TooManyReadersAre204) {
  std::vector<http::Response> readers;
  for (size_t i = 0; i < Notifications::kMaxSubscribers; ++i) {
    readers.push_back(notifications_.Live());
    EXPECT_EQ(readers.back().status, 200);
  }
  EXPECT_EQ(notifications_.Live().status, 204);
  readers.pop_back();
  EXPECT_EQ(notifications_.Live().status, 200);
}

}  // namespace
}  // namespace vigil::web

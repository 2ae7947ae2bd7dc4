// SPDX-License-Identifier: Apache-2.0
#include "pushgateway/group_store.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "pushgateway/page.h"

namespace vigil::pushgateway {
namespace {

class GroupStoreTest : public testing::Test {
 protected:
  static constexpr auto kPost = GroupStore::Mode::kPost;

  // The error, empty when the push was taken.
  std::string Push(std::string_view path, std::string_view body,
                   GroupStore::Mode mode = GroupStore::Mode::kPut) {
    const GroupingKey key = *GroupingKey::Parse(path);
    const auto parsed = ParsePush(body, key);
    EXPECT_TRUE(parsed) << parsed.error().message;
    now_ += 1000;
    const auto pushed = store_.Push(key, *parsed, mode, now_);
    return pushed ? "" : pushed.error().message;
  }

  // The page without comments and push times.
  std::string Samples() {
    const auto page = RenderMetrics("", store_.TakeSnapshot(), true);
    EXPECT_TRUE(page) << page.error().message;
    std::string out;
    size_t begin = 0;
    while (begin < page->size()) {
      const size_t end = page->find('\n', begin) + 1;
      const std::string line = page->substr(begin, end - begin);
      if (!line.starts_with("#") && !line.starts_with("push_")) out += line;
      begin = end;
    }
    return out;
  }

  GroupStore store_;
  TimestampMs now_ = 0;
};

TEST_F(GroupStoreTest, PutReplacesTheGroup) {
  EXPECT_EQ(Push("job/j", "a 1\nb 2\n"), "");
  EXPECT_EQ(Push("job/j", "b 3\n"), "");
  EXPECT_EQ(Samples(), "b{instance=\"\",job=\"j\"} 3\n");
}

TEST_F(GroupStoreTest, PostReplacesFamiliesOnly) {
  EXPECT_EQ(Push("job/j", "a{x=\"1\"} 1\nb 2\n"), "");
  EXPECT_EQ(Push("job/j", "a{x=\"2\"} 3\n", kPost), "");
  EXPECT_EQ(Samples(), "a{instance=\"\",job=\"j\",x=\"2\"} 3\nb{instance=\"\",job=\"j\"} 2\n");
}

TEST_F(GroupStoreTest, EmptyPutKeepsTheGroupsTimes) {
  EXPECT_EQ(Push("job/j", "a 1\n"), "");
  EXPECT_EQ(Push("job/j", ""), "");
  const Snapshot groups = store_.TakeSnapshot();
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_TRUE(groups[0]->members.empty());
  EXPECT_EQ(groups[0]->push_time_line, "push_time_seconds{instance=\"\",job=\"j\"} 2\n");
}

TEST_F(GroupStoreTest, DeleteRemovesExactlyThatGroup) {
  EXPECT_EQ(Push("job/j", "a 1\n"), "");
  EXPECT_EQ(Push("job/j/x/y", "a 2\n"), "");
  store_.Delete(*GroupingKey::Parse("job/j"));
  store_.Delete(*GroupingKey::Parse("job/nobody"));
  EXPECT_EQ(Samples(), "a{instance=\"\",job=\"j\",x=\"y\"} 2\n");
  // Its names and series are free again.
  store_.Delete(*GroupingKey::Parse("job/j/x/y"));
  EXPECT_EQ(Push("job/j", "# TYPE a counter\na 1\n"), "");
}

TEST_F(GroupStoreTest, TypesMustAgreeAcrossGroups) {
  EXPECT_EQ(Push("job/j", "# TYPE a counter\na 1\n"), "");
  EXPECT_EQ(Push("job/k", "a 1\n"),
            "pushed metrics are invalid or inconsistent with existing metrics: metric \"a\" is "
            "pushed as untyped, but \"a\" exists as counter");
  EXPECT_EQ(Push("job/j", "# TYPE a gauge\na 1\n"), "");  // nobody else uses it
  EXPECT_EQ(Push("job/k", "# TYPE a gauge\na 1\n"), "");
  EXPECT_NE(Push("job/j", "# TYPE a counter\na 1\n"), "");
}

TEST_F(GroupStoreTest, HistogramPartsAreReserved) {
  EXPECT_EQ(Push("job/j", "h_bucket 1\n"), "");
  EXPECT_NE(Push("job/k", "# TYPE h histogram\nh_count 1\n"), "");
  EXPECT_EQ(Push("job/j", "# TYPE h histogram\nh_count 1\n"), "");
  EXPECT_NE(Push("job/k", "h_sum 1\n"), "");
  EXPECT_NE(Push("job/j", "h_bucket 1\n", kPost), "");
}

TEST_F(GroupStoreTest, SeriesMustDifferAcrossGroups) {
  EXPECT_EQ(Push("job/j/x/y", "a 1\n"), "");
  EXPECT_EQ(Push("job/j", "a{x=\"y\"} 2\n"),
            "pushed metrics are invalid or inconsistent with existing metrics: series "
            "a{instance=\"\",job=\"j\",x=\"y\"} is already in another group");
  EXPECT_EQ(Push("job/j/x/y", "b 1\n"), "");
  EXPECT_EQ(Push("job/j", "a{x=\"y\"} 2\n"), "");
}

TEST_F(GroupStoreTest, OwnFamiliesAreReserved) {
  store_.ReserveOwn({{"process_open_fds", exposition::MetricType::kGauge}});
  EXPECT_NE(Push("job/j", "process_open_fds 1\n"), "");
  EXPECT_EQ(Push("job/j", "# TYPE process_open_fds gauge\nprocess_open_fds 1\n"), "");
  EXPECT_EQ(Push("job/j", ""), "");
  EXPECT_NE(Push("job/j", "process_open_fds 1\n"), "");
}

TEST_F(GroupStoreTest, ARefusedPushIsRememberedAndKeepsTheMetrics) {
  EXPECT_EQ(Push("job/j", "a 1\n"), "");
  EXPECT_NE(Push("job/j", "a 1 99\n"), "");
  EXPECT_NE(Push("job/new", "b 1 99\n"), "");
  const Snapshot groups = store_.TakeSnapshot();
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_FALSE(groups[0]->last_push_successful());
  EXPECT_EQ(groups[0]->failure_time_line, "push_failure_time_seconds{instance=\"\",job=\"j\"} 2\n");
  EXPECT_EQ(groups[1]->push_time_line, "push_time_seconds{instance=\"\",job=\"new\"} 0\n");
  EXPECT_EQ(Samples(), "a{instance=\"\",job=\"j\"} 1\n");
}

TEST_F(GroupStoreTest, WipeFreesAll) {
  EXPECT_EQ(Push("job/j", "# TYPE a counter\na 1\n"), "");
  store_.Wipe();
  EXPECT_TRUE(store_.TakeSnapshot().empty());
  EXPECT_EQ(Push("job/k", "# TYPE a gauge\na 1\n"), "");
}

TEST(GroupStore, WithoutChecksTheScrapeSaysWhatIsWrong) {
  GroupStore store(GroupStore::Check::kOff);
  for (const char* path : {"job/j", "job/k"}) {
    const GroupingKey key = *GroupingKey::Parse(path);
    const std::string type = std::string(path) == "job/j" ? "gauge" : "counter";
    const auto parsed = ParsePush("# TYPE a " + type + "\na 1\n", key);
    ASSERT_TRUE(store.Push(key, *parsed, GroupStore::Mode::kPut, 1000));
  }
  const auto page = RenderMetrics("", store.TakeSnapshot(), true);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().message, "metric \"a\" was pushed as counter and as gauge of \"a\"");
  store.Delete(*GroupingKey::Parse("job/k"));
  EXPECT_TRUE(RenderMetrics("", store.TakeSnapshot(), true));
}

TEST(GroupStore, TakesPushesFromManyThreads) {
  GroupStore store;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&store, t] {
      for (int i = 0; i < 200; ++i) {
        const GroupingKey key =
            *GroupingKey::Parse("job/j" + std::to_string((i + t) % 5) + "/t/" + std::to_string(t));
        const auto parsed = ParsePush("# TYPE a gauge\na " + std::to_string(i) + "\n", key);
        EXPECT_TRUE(store.Push(key, *parsed, GroupStore::Mode::kPut, i));
        if (i % 50 == 0) {
          EXPECT_TRUE(RenderMetrics("", store.TakeSnapshot(), true));
        }
        if (i % 70 == 0) store.Delete(key);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(RenderMetrics("", store.TakeSnapshot(), true));
}

}  // namespace
}  // namespace vigil::pushgateway

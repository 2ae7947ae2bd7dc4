// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/member_list.h"

#include <gtest/gtest.h>

namespace vigil::cluster {
namespace {

class MemberListTest : public testing::Test {
 protected:
  ManualClock clock_;
  Result<std::vector<postgres::Member>> found_ = std::vector<postgres::Member>{};
  int questions_ = 0;
  MemberList list_{[this] {
                     ++questions_;
                     return found_;
                   },
                   clock_};
};

TEST_F(MemberListTest, AsksAgainOnceTheAnswerIsOld) {
  found_ = std::vector<postgres::Member>{{"http://a", "a:1", "leader", 0, 0}};
  ASSERT_EQ(list_.Get().size(), 1U);
  found_ = std::vector<postgres::Member>{};
  clock_.Advance(1'999);
  EXPECT_EQ(list_.Get().size(), 1U);
  EXPECT_EQ(questions_, 1);
  clock_.Advance(1);
  EXPECT_TRUE(list_.Get().empty());
  EXPECT_EQ(questions_, 2);
}

TEST_F(MemberListTest, RemembersThemWhileTheDatabaseIsAway) {
  found_ = std::vector<postgres::Member>{{"http://a", "a:1", "leader", 0, 0}};
  ASSERT_EQ(list_.Get().size(), 1U);
  found_ = Unavailable("the database is away");
  clock_.Advance(60'000);
  ASSERT_EQ(list_.Get().size(), 1U);
  EXPECT_EQ(list_.Get()[0].url, "http://a");
  // Whoever looks does not wait for it each time.
  EXPECT_EQ(questions_, 2);
}

TEST_F(MemberListTest, KnowsNobodyWhenItCouldNeverAsk) {
  found_ = Unavailable("the database is away");
  EXPECT_TRUE(list_.Get().empty());
  EXPECT_TRUE(list_.Get().empty());
  EXPECT_EQ(questions_, 1);
}

}  // namespace
}  // namespace vigil::cluster

// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/owned_notifier.h"

#include <gtest/gtest.h>

#include <vector>

namespace vigil::cluster {
namespace {

class CountingNotifier final : public alerting::Notifier {
 public:
  void Send(alerting::Outgoing message, Done done) override {
    sent.push_back(message.id);
    done(message.id, {}, {});
  }
  Result<void> Apply(std::shared_ptr<const alerting::AlertingConfig>) override { return Ok(); }
  void Stop() override {}

  std::vector<uint64_t> sent;
};

class OwnedNotifierTest : public testing::Test {
 protected:
  // Sends one message; the verdict.
  alerting::SendVerdict Try(uint64_t id) {
    alerting::Outgoing message;
    message.id = id;
    alerting::SendVerdict verdict = alerting::SendVerdict::kFinal;
    int calls = 0;
    notifier_.Send(std::move(message),
                   [&](uint64_t answered, const alerting::SendOutcome& outcome, const auto&) {
                     EXPECT_EQ(answered, id);
                     verdict = outcome.verdict;
                     ++calls;
                   });
    EXPECT_EQ(calls, 1);
    return verdict;
  }

  ManualClock clock_;
  CountingNotifier inner_;
  Result<void> answer_ = Ok();
  int64_t answer_takes_ms_ = 0;
  int questions_ = 0;
  OwnedNotifier notifier_{inner_,
                          [this] {
                            ++questions_;
                            clock_.Advance(answer_takes_ms_);
                            return answer_;
                          },
                          1'000, clock_};
};

TEST_F(OwnedNotifierTest, AsksWhenTheLastAnswerIsOld) {
  EXPECT_EQ(Try(1), alerting::SendVerdict::kSent);
  clock_.Advance(999);
  EXPECT_EQ(Try(2), alerting::SendVerdict::kSent);
  EXPECT_EQ(questions_, 0);
  clock_.Advance(1);
  EXPECT_EQ(Try(3), alerting::SendVerdict::kSent);
  EXPECT_EQ(Try(4), alerting::SendVerdict::kSent);
  EXPECT_EQ(questions_, 1);
  EXPECT_EQ(inner_.sent, (std::vector<uint64_t>{1, 2, 3, 4}));
}

TEST_F(OwnedNotifierTest, SendsNothingOnceAnotherServerHasTheDatabase) {
  clock_.Advance(60'000);
  answer_ = NotFound("another one");
  EXPECT_EQ(Try(1), alerting::SendVerdict::kRetry);
  EXPECT_EQ(Try(2), alerting::SendVerdict::kRetry);
  EXPECT_TRUE(inner_.sent.empty());
}

TEST_F(OwnedNotifierTest, SendsWhileNobodyCanTellAndDoesNotAskEachTime) {
  clock_.Advance(60'000);
  answer_ = Unavailable("the database is away");
  answer_takes_ms_ = 2'000;
  for (uint64_t id = 0; id < 10; ++id) EXPECT_EQ(Try(id), alerting::SendVerdict::kSent);
  EXPECT_EQ(questions_, 1);
  clock_.Advance(OwnedNotifier::kAskAgainMs);
  EXPECT_EQ(Try(10), alerting::SendVerdict::kSent);
  EXPECT_EQ(questions_, 2);
}

// An answer holds from the moment of its question: the server may have hung in between.
TEST_F(OwnedNotifierTest, AsksAgainAfterAnAnswerThatTookLong) {
  clock_.Advance(60'000);
  answer_takes_ms_ = 5'000;
  EXPECT_EQ(Try(1), alerting::SendVerdict::kSent);
  answer_ = NotFound("another one");
  EXPECT_EQ(Try(2), alerting::SendVerdict::kRetry);
}

}  // namespace
}  // namespace vigil::cluster

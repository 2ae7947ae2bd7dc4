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
  PeersSay peers_say_ = PeersSay::kNothing;
  int questions_to_others_ = 0;
  OwnerGate gate_{[this] {
                    ++questions_;
                    clock_.Advance(answer_takes_ms_);
                    return answer_;
                  },
                  [this] {
                    ++questions_to_others_;
                    return peers_say_;
                  },
                  1'000, clock_};
  OwnedNotifier notifier_{inner_, [this] { return gate_.Owned(); }};
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
  EXPECT_EQ(questions_to_others_, 0);
}

TEST_F(OwnedNotifierTest, SendsWhileNobodyCanTellAndDoesNotAskEachTime) {
  clock_.Advance(60'000);
  answer_ = Unavailable("the database is away");
  answer_takes_ms_ = 2'000;
  for (uint64_t id = 0; id < 10; ++id) EXPECT_EQ(Try(id), alerting::SendVerdict::kSent);
  EXPECT_EQ(questions_, 1);
  clock_.Advance(OwnerGate::kAskAgainMs);
  EXPECT_EQ(Try(10), alerting::SendVerdict::kSent);
  EXPECT_EQ(questions_, 2);
  EXPECT_EQ(questions_to_others_, 2);
}

// Cut off: the other server has taken over and speaks.
TEST_F(OwnedNotifierTest, SendsNothingWhileAnotherServerSaysThatItLeads) {
  clock_.Advance(60'000);
  answer_ = Unavailable("no route to the database");
  EXPECT_EQ(Try(1), alerting::SendVerdict::kSent);
  peers_say_ = PeersSay::kAnotherLeads;
  clock_.Advance(OwnerGate::kAskAgainMs - 1);
  EXPECT_EQ(Try(2), alerting::SendVerdict::kSent);
  clock_.Advance(1);
  for (uint64_t id = 3; id < 10; ++id) EXPECT_EQ(Try(id), alerting::SendVerdict::kRetry);
  EXPECT_EQ(questions_to_others_, 2);
  // Its answer does not hold for ever.
  clock_.Advance(OwnerGate::kAskAgainMs);
  peers_say_ = PeersSay::kNothing;
  EXPECT_EQ(Try(10), alerting::SendVerdict::kSent);
  EXPECT_EQ(inner_.sent, (std::vector<uint64_t>{1, 2, 10}));
}

TEST_F(OwnedNotifierTest, SpeaksAgainOnceTheDatabaseConfirmsIt) {
  clock_.Advance(60'000);
  answer_ = Unavailable("no route to the database");
  peers_say_ = PeersSay::kAnotherLeads;
  EXPECT_EQ(Try(1), alerting::SendVerdict::kRetry);
  answer_ = Ok();
  clock_.Advance(OwnerGate::kAskAgainMs);
  EXPECT_EQ(Try(2), alerting::SendVerdict::kSent);
  EXPECT_EQ(Try(3), alerting::SendVerdict::kSent);
  EXPECT_EQ(questions_to_others_, 1);
}

// The one that stands by takes over a moment later: both would speak until it is asked again.
TEST_F(OwnedNotifierTest, AsksOneThatStoodBySoonButNotTheDatabase) {
  clock_.Advance(60'000);
  answer_ = Unavailable("no route to the database");
  peers_say_ = PeersSay::kStandBy;
  EXPECT_EQ(Try(1), alerting::SendVerdict::kSent);
  peers_say_ = PeersSay::kAnotherLeads;
  clock_.Advance(OwnerGate::kAskStandbyAgainMs - 1);
  EXPECT_EQ(Try(2), alerting::SendVerdict::kSent);
  EXPECT_EQ(questions_to_others_, 1);
  clock_.Advance(1);
  EXPECT_EQ(Try(3), alerting::SendVerdict::kRetry);
  EXPECT_EQ(questions_to_others_, 2);
  EXPECT_EQ(questions_, 1);
}

TEST_F(OwnedNotifierTest, IsSilencedFromTheAnswerOnUntilAnotherOne) {
  clock_.Advance(60'000);
  answer_ = Unavailable("no route to the database");
  peers_say_ = PeersSay::kAnotherLeads;
  // Whoever only wants to know does not ask before there was a message.
  EXPECT_FALSE(gate_.Silenced());
  EXPECT_EQ(questions_, 0);
  EXPECT_EQ(Try(1), alerting::SendVerdict::kRetry);
  EXPECT_TRUE(gate_.Silenced());
  EXPECT_EQ(questions_, 1);
  // Also when no message comes any more.
  clock_.Advance(OwnerGate::kAskAgainMs);
  EXPECT_TRUE(gate_.Silenced());
  EXPECT_TRUE(gate_.Silenced());
  EXPECT_EQ(questions_, 2);
  clock_.Advance(OwnerGate::kAskAgainMs);
  answer_ = Ok();
  EXPECT_FALSE(gate_.Silenced());
  EXPECT_EQ(questions_, 3);
  EXPECT_EQ(Try(2), alerting::SendVerdict::kSent);
}

TEST_F(OwnedNotifierTest, HandsTheMessageBackAsItWas) {
  clock_.Advance(60'000);
  answer_ = NotFound("another one");
  alerting::Outgoing message;
  message.id = 7;
  message.receiver_data = {{"thread", "1"}};
  bool done = false;
  notifier_.Send(std::move(message), [&](uint64_t id, const alerting::SendOutcome& outcome,
                                         const alerting::StringMap& data) {
    done = true;
    EXPECT_EQ(id, 7U);
    EXPECT_NE(outcome.error.find("taken the database over"), std::string::npos);
    EXPECT_EQ(data, (alerting::StringMap{{"thread", "1"}}));
  });
  EXPECT_TRUE(done);
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

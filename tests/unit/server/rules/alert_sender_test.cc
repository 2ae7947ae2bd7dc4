// SPDX-License-Identifier: Apache-2.0
#include "server/rules/alert_sender.h"

#include <gtest/gtest.h>

#include "tests/unit/server/rules/rule_rig.h"

namespace vigil::rules {
namespace {

alerting::PostedAlert AlertWith(std::initializer_list<LabelView> labels) {
  alerting::PostedAlert alert;
  alert.labels = Labels::Of(labels);
  return alert;
}

class FailingSink : public alerting::AlertSink {
 public:
  Result<void> Post(const std::vector<alerting::PostedAlert>&) override {
    return Unavailable("away");
  }
};

TEST(AlertSender, AddsExternalLabelsThenRelabels) {
  AlertSender sender;
  SpySink sink;
  sender.Add(sink);
  RelabelFields drop;
  drop.source_labels = {"site"};
  drop.regex = "south";
  drop.action = RelabelAction::kDrop;
  RelabelFields forget;
  forget.regex = "replica";
  forget.action = RelabelAction::kLabelDrop;
  sender.Configure(Labels::Of({{"replica", "1"}, {"site", "south"}}),
                   {RelabelRule::Create(drop).value(), RelabelRule::Create(forget).value()});
  ASSERT_TRUE(sender.Post(
      {AlertWith({{"alertname", "a"}, {"site", "north"}}), AlertWith({{"alertname", "b"}})}));
  ASSERT_EQ(sink.posted.size(), 1U);
  EXPECT_EQ(sink.posted[0].labels.ToString(), R"({alertname="a", site="north"})");
  EXPECT_EQ(sender.dropped(), 1U);
}

TEST(AlertSender, PendingAlertsLookAsTheyWillWhenTheyAreSent) {
  AlertSender sender;
  SpySink sink;
  sender.Add(sink);
  sender.Configure(Labels::Of({{"site", "north"}}), {});
  sender.NotePending({AlertWith({{"alertname", "a"}})});
  ASSERT_EQ(sink.pending.size(), 1U);
  EXPECT_EQ(sink.pending[0].labels.ToString(), R"({alertname="a", site="north"})");
  EXPECT_TRUE(sink.posted.empty());
}

TEST(AlertSender, EachSinkGetsAllWhateverTheOthersSay) {
  AlertSender sender;
  FailingSink failing;
  SpySink sink;
  sender.Add(failing);
  sender.Add(sink);
  const auto posted = sender.Post({AlertWith({{"alertname", "a"}})});
  ASSERT_FALSE(posted);
  EXPECT_EQ(posted.error().message, "away");
  EXPECT_EQ(sink.posted.size(), 1U);
}

}  // namespace
}  // namespace vigil::rules

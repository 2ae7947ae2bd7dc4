// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/dispatcher.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "server/alerting/config_loader.h"
#include "server/alerting/pipeline.h"

namespace vigil::alerting {
namespace {

constexpr TimestampMs kDispatchStart = 1'700'000'000'000;

AlertSlotPtr InSlot(AlertPtr alert) { return std::make_shared<AlertSlot>(std::move(alert)); }

AlertSlotPtr DispatchedAlert(const char* name, TimestampMs now, TimestampMs ends_at) {
  PostedAlert posted;
  posted.labels = Labels::Of({{"alertname", name}});
  posted.starts_at = std::min(now, ends_at);
  posted.ends_at = ends_at;
  return InSlot(std::make_shared<const Alert>(*AcceptAlert(posted, now, 0)));
}

AlertingConfig DispatchConfig(const std::string& more = "") {
  Result<AlertingConfig> config = LoadAlertingText(
      "route: {receiver: r, group_by: [alertname], group_wait: 1s, group_interval: 10s}\n"
      "receivers: [{name: r, webhook_configs: [{url: 'http://h/'}]}]\n" +
          more,
      "a.yml");
  EXPECT_TRUE(config);
  return *std::move(config);
}

TEST(Dispatcher, FlushesAGroupOnceAtATime) {
  Dispatcher dispatcher(std::make_shared<RouteTree>(DispatchConfig().route), {});
  TimestampMs now = kDispatchStart;
  EXPECT_EQ(dispatcher.NextDeadline(), kNever);
  dispatcher.Process(DispatchedAlert("a", now, now + 3'600'000), now);
  EXPECT_EQ(dispatcher.NextDeadline(), now + 1'000);
  now += 1'000;
  const std::vector<Flush> first = dispatcher.Advance(now);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].group_key, R"({}:{alertname="a"})");
  EXPECT_EQ(first[0].deadline, now + 10'000);
  // It takes longer than the interval: the next flush comes when it has ended.
  now += 15'000;
  EXPECT_TRUE(dispatcher.Advance(now).empty());
  dispatcher.Finished(first[0], true, {}, now);
  EXPECT_EQ(dispatcher.NextDeadline(), now);
  EXPECT_EQ(dispatcher.Advance(now).size(), 1U);
}

TEST(Dispatcher, DropsGroupsThatAreEmpty) {
  Dispatcher dispatcher(std::make_shared<RouteTree>(DispatchConfig().route), {});
  TimestampMs now = kDispatchStart;
  dispatcher.Process(DispatchedAlert("a", now, now), now);
  now += 1'000;
  std::vector<Flush> flushes = dispatcher.Advance(now);
  ASSERT_EQ(flushes.size(), 1U);
  dispatcher.Finished(flushes[0], true, {}, now);
  EXPECT_TRUE(dispatcher.Groups().empty());
  EXPECT_EQ(dispatcher.group_count(), 1U);
  dispatcher.Advance(kDispatchStart + 30'000);
  EXPECT_EQ(dispatcher.group_count(), 0U);
  EXPECT_EQ(dispatcher.NextDeadline(), kNever);
}

TEST(Dispatcher, KeepsAlertsThatChangedOrAreOwed) {
  Dispatcher dispatcher(std::make_shared<RouteTree>(DispatchConfig().route), {});
  TimestampMs now = kDispatchStart;
  const AlertSlotPtr alert = DispatchedAlert("a", now, now);
  dispatcher.Process(alert, now);
  now += 1'000;
  std::vector<Flush> flushes = dispatcher.Advance(now);
  ASSERT_EQ(flushes.size(), 1U);
  dispatcher.Finished(flushes[0], false, {}, now);
  EXPECT_EQ(dispatcher.Groups().size(), 1U);  // nobody was told
  flushes = dispatcher.Advance(now + 10'000);
  dispatcher.Finished(flushes[0], true, {alert->alert()->Hash()}, now);
  EXPECT_EQ(dispatcher.Groups().size(), 1U);  // owed
  flushes = dispatcher.Advance(now + 20'000);
  dispatcher.Process(DispatchedAlert("a", now + 20'001, now + 20'001), now + 20'001);
  dispatcher.Finished(flushes[0], true, {}, now + 20'002);
  EXPECT_EQ(dispatcher.Groups().size(), 1U);  // it changed meanwhile
}

TEST(Dispatcher, TakesTimersOverARestart) {
  const AlertingConfig config = DispatchConfig();
  Dispatcher before(std::make_shared<RouteTree>(config.route), {});
  TimestampMs now = kDispatchStart;
  before.Process(DispatchedAlert("a", now, now + 3'600'000), now);
  const std::vector<Flush> flushes = before.Advance(now + 1'000);
  std::vector<GroupState> states = before.Export();
  ASSERT_EQ(states.size(), 1U);
  // Nobody knows yet who was told: it is due at once.
  EXPECT_EQ(states[0].next_flush, 0);
  EXPECT_FALSE(states[0].flushed);
  before.Finished(flushes.at(0), true, {}, now + 1'000);
  states = before.Export();
  states.push_back({"{}/{gone=\"route\"}/0", Labels(), now, true});
  Dispatcher after(std::make_shared<RouteTree>(config.route), {});
  after.Import(states, now + 1'000);
  now += 5'000;
  after.Process(DispatchedAlert("a", now, now + 3'600'000), now);
  EXPECT_EQ(after.group_count(), 1U);
  EXPECT_EQ(after.NextDeadline(), kDispatchStart + 11'000);
}

TEST(Dispatcher, WaitsForItsStart) {
  Dispatcher::Options options;
  options.no_flush_before = kDispatchStart + 60'000;
  Dispatcher dispatcher(std::make_shared<RouteTree>(DispatchConfig().route), options);
  dispatcher.Process(DispatchedAlert("a", kDispatchStart - 99'000, kDispatchStart + 3'600'000),
                     kDispatchStart);
  EXPECT_TRUE(dispatcher.Advance(kDispatchStart + 59'999).empty());
  EXPECT_EQ(dispatcher.Advance(kDispatchStart + 60'000).size(), 1U);
}

// The slow twin: every firing alert is looked at as a source of every rule.
TEST(Inhibitor, AgreesWithLookingAtAll) {
  const AlertingConfig config = DispatchConfig(
      "inhibit_rules:\n"
      "- {source_matchers: ['s=~\"1|2\"'], target_matchers: ['s=~\"2|3\"'], equal: [a, b]}\n"
      "- {source_matchers: ['c=x'], target_matchers: ['c=y']}\n");
  Inhibitor inhibitor(config.inhibit_rules);
  std::mt19937 random(7);
  std::vector<AlertPtr> alerts;
  for (int i = 0; i < 400; ++i) {
    PostedAlert posted;
    posted.labels = Labels::Of({{"id", std::to_string(random() % 150)},
                                {"s", std::to_string(random() % 5)},
                                {"a", random() % 3 == 0 ? "" : std::to_string(random() % 4)},
                                {"b", random() % 2 == 0 ? "" : "1"},
                                {"c", random() % 40 == 0 ? "x" : "z"}});
    posted.starts_at = kDispatchStart;
    posted.ends_at = kDispatchStart + (random() % 2 == 0 ? 100 : 9'000);
    alerts.push_back(std::make_shared<const Alert>(*AcceptAlert(posted, kDispatchStart, 0)));
    inhibitor.Process(InSlot(alerts.back()));
  }
  // Of each label set the last report counts.
  std::map<uint64_t, AlertPtr> last;
  for (const AlertPtr& alert : alerts) last[alert->fingerprint] = alert;
  const TimestampMs now = kDispatchStart + 1'000;
  size_t muted = 0;
  for (int round = 0; round < 2; ++round) {
    for (const auto& [fingerprint, target] : last) {
      bool expected = false;
      for (const InhibitRuleConfig& rule : config.inhibit_rules) {
        if (!MatchesLabels(rule.target, target->labels)) continue;
        for (const auto& [unused, source] : last) {
          bool equal = true;
          for (const std::string& name : rule.equal) {
            equal = equal && source->labels.Get(name) == target->labels.Get(name);
          }
          const bool both = MatchesLabels(rule.source, target->labels) &&
                            MatchesLabels(rule.target, source->labels);
          expected = expected || (equal && !both && !source->ResolvedAt(now) &&
                                  MatchesLabels(rule.source, source->labels));
        }
      }
      EXPECT_EQ(inhibitor.Find(target->labels, now).has_value(), expected)
          << target->labels.ToString();
      muted += expected ? 1 : 0;
    }
    inhibitor.CollectGarbage(now);
  }
  EXPECT_GT(muted, 20U);
}

TEST(MutingIntervals, NamesWhatRests) {
  const AlertingConfig config = DispatchConfig(
      "time_intervals:\n- {name: always, time_intervals: [{}]}\n"
      "- {name: never, time_intervals: [{years: ['1999']}]}\n"
      "- {name: empty, time_intervals: []}\n");
  const IntervalMap intervals = MapIntervals(config);
  Route route;
  using Names = std::vector<std::string>;
  EXPECT_EQ(MutingIntervals(route, intervals, kDispatchStart), Names());
  route.mute_time_intervals = {"never", "always", "empty"};
  EXPECT_EQ(MutingIntervals(route, intervals, kDispatchStart), Names{"always"});
  route.mute_time_intervals = {};
  route.active_time_intervals = {"never", "empty"};
  EXPECT_EQ(MutingIntervals(route, intervals, kDispatchStart), (Names{"never", "empty"}));
  route.active_time_intervals = {"never", "always"};
  EXPECT_EQ(MutingIntervals(route, intervals, kDispatchStart), Names());
}

}  // namespace
}  // namespace vigil::alerting

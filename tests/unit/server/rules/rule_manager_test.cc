// SPDX-License-Identifier: Apache-2.0
// Schedule, reload and what survives a restart; nothing sleeps, the clock is set.
#include "server/rules/rule_manager.h"

#include <gtest/gtest.h>

#include <memory>

#include "server/rules/group_schedule.h"
#include "tests/unit/server/rules/rule_rig.h"

namespace vigil::rules {
namespace {

constexpr TimestampMs kMinute = 60'000;

TEST(GroupSchedule, SlotsAreShiftedMultiplesOfTheInterval) {
  const DurationMs offset = SlotOffset("r.yml", "g", kMinute);
  EXPECT_GE(offset, 0);
  EXPECT_LT(offset, kMinute);
  EXPECT_NE(offset, SlotOffset("r.yml", "h", kMinute));
  EXPECT_EQ(SlotBefore(10, 60, 130), 130);
  EXPECT_EQ(SlotBefore(10, 60, 129), 70);
  EXPECT_EQ(SlotBefore(10, 60, 5), -50);
}

TEST(GroupSchedule, LateRoundsAreLeftOutAndCounted) {
  EXPECT_EQ(NextRound(100, 60, 160).at, 160);
  EXPECT_EQ(NextRound(100, 60, 160).missed, 0U);
  EXPECT_EQ(NextRound(100, 60, 219).at, 160);
  EXPECT_EQ(NextRound(100, 60, 220).at, 220);
  EXPECT_EQ(NextRound(100, 60, 220).missed, 1U);
  EXPECT_EQ(NextRound(100, 60, 401).at, 400);
  EXPECT_EQ(NextRound(100, 60, 401).missed, 4U);
}

// A server's life with one rule file, from one start to the next.
struct ManagedRules {
  RuleRig& rig;
  std::unique_ptr<RuleManager> manager;

  ManagedRules(RuleRig& r, storage::RuleStateTable* table, std::string_view yaml) : rig(r) {
    manager = std::make_unique<RuleManager>(rig.World(), table, RuleManager::Options{0});
    manager->Start(GroupsOf(yaml), {});
  }
  // Moves on until the first group was evaluated again; the time of that round.
  TimestampMs Round() {
    const uint64_t before = manager->Groups()[0]->report().iterations;
    while (manager->Groups()[0]->report().iterations == before) {
      rig.clock.Advance(1000);
      manager->RunDueForTest();
    }
    return rig.clock.Now();
  }
  [[nodiscard]] std::vector<ActiveAlert> Alerts() const {
    std::vector<ActiveAlert> alerts;
    for (const auto& group : manager->Groups()) {
      for (const auto& rule : group->rules()) {
        if (rule->alerting() == nullptr) continue;
        rule->alerting()->LookAtAlerts([&](const ActiveAlert& a) { alerts.push_back(a); });
      }
    }
    return alerts;
  }
};

constexpr std::string_view kDown =
    "groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 30m, labels: {a: b}}]}]";

TEST(RuleManager, EvaluatesGroupsInTheirSlots) {
  RuleRig rig;
  ManagedRules rules(rig, nullptr,
                     "groups: [{name: g, rules: [{record: r, expr: vector(1)}]},"
                     "{name: h, interval: 10s, rules: [{record: s, expr: vector(1)}]}]");
  for (int i = 0; i < 120; ++i) {
    rig.clock.Advance(1000);
    rules.manager->RunDueForTest();
  }
  const auto groups = rules.manager->Groups();
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0]->report().iterations, 2U);
  EXPECT_EQ(groups[1]->report().iterations, 12U);
  EXPECT_EQ(groups[1]->report().missed, 0U);
  rig.clock.Advance(100'000);
  rules.manager->RunDueForTest();
  EXPECT_EQ(groups[1]->report().missed, 9U);
  EXPECT_EQ(groups[1]->report().iterations, 22U);
  EXPECT_EQ(rules.manager->rule_durations().Read().count, 2 + 12 + 1 + 1U);
}

TEST(RuleManager, AClockThatIsSetBackDoesNotStopTheGroups) {
  RuleRig rig;
  rig.clock.JumpTo(100 * kMinute);
  ManagedRules rules(rig, nullptr, kDown);
  rules.Round();
  rig.clock.JumpTo(10 * kMinute);
  EXPECT_LE(rules.Round(), 11 * kMinute + 1000);
}

TEST(RuleManager, UnchangedGroupsGoOnAndChangedOnesKeepTheirAlerts) {
  RuleRig rig;
  rig.Load(kMinute, "up{job=\"x\"} 0x100");
  ManagedRules rules(rig, nullptr, kDown);
  rules.Round();
  const auto group = rules.manager->Groups()[0];
  rules.manager->Apply(GroupsOf(kDown), {});
  EXPECT_EQ(rules.manager->Groups()[0], group);
  const TimestampMs since = rules.Alerts().at(0).active_at;
  // Another expression and text, the same name and labels.
  rules.manager->Apply(
      GroupsOf("groups: [{name: g, rules: [{alert: Down, expr: up < 1, for: 30m, labels: {a: b}, "
               "annotations: {text: new}}]}]"),
      {});
  EXPECT_NE(rules.manager->Groups()[0], group);
  rules.Round();
  ASSERT_EQ(rules.Alerts().size(), 1U);
  EXPECT_EQ(rules.Alerts()[0].active_at, since);
  EXPECT_EQ(rules.Alerts()[0].annotations.Get("text"), "new");
}

TEST(RuleManager, ForThatBecomesLongerMakesFiringAlertsPending) {
  RuleRig rig;
  rig.Load(kMinute, "up 0x100");
  ManagedRules rules(rig, nullptr, "groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]");
  rules.manager->Apply(GroupsOf("groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]"), {});
  rules.Round();
  EXPECT_EQ(rules.Alerts().at(0).state, AlertState::kFiring);
  rules.manager->Apply(GroupsOf("groups: [{name: g, rules: [{alert: A, expr: up == 0, for: 5m}]}]"),
                       {});
  rules.Round();
  EXPECT_EQ(rules.Alerts().at(0).state, AlertState::kPending);
}

TEST(RuleManager, SeriesOfRemovedRulesAndGroupsEnd) {
  RuleRig rig;
  ManagedRules rules(rig, nullptr,
                     "groups: [{name: g, rules: [{record: a, expr: vector(1)}, "
                     "{record: b, expr: vector(1)}]}, {name: h, rules: "
                     "[{record: c, expr: vector(1)}, {record: moved, expr: vector(1)}]}]");
  rig.clock.Advance(2 * kMinute);
  rules.manager->RunDueForTest();
  rules.manager->Apply(GroupsOf("groups: [{name: g, rules: [{record: a, expr: vector(1)}]}, "
                                "{name: i, rules: [{record: moved, expr: vector(1)}]}]"),
                       {});
  rig.appender.written.clear();
  rules.Round();
  const auto& written = rig.appender.written;
  EXPECT_EQ(std::count(written.begin(), written.end(), "b stale"), 1);
  EXPECT_EQ(std::count(written.begin(), written.end(), "c stale"), 0);
  rig.clock.Advance(2 * kMinute);
  rules.manager->RunDueForTest();
  EXPECT_EQ(std::count(written.begin(), written.end(), "c stale"), 1);
  // The marker of what another group writes now is older than its samples, and not taken.
  promql::QueryRequest request;
  request.text = "moved";
  request.start = request.end = rig.clock.Now();
  EXPECT_EQ(rig.engine.Execute(rig.store, request)->series.size(), 1U);
  request.text = "c";
  EXPECT_EQ(rig.engine.Execute(rig.store, request)->series.size(), 0U);
}

// Writes what the manager noted: without threads nobody else does.
void Shutdown(ManagedRules* rules) { rules->manager->WriteStatesForTest(); }

TEST(RuleManager, PendingFiringAndKeptAlertsSurviveARestartExactly) {
  RuleRig rig;
  SpyStates states;
  rig.Load(kMinute, "up{job=\"pending\"} 0x200");
  rig.Load(kMinute, "old 0x200");
  rig.Load(kMinute, "kept 1 1 1 0x200");
  const std::string yaml =
      "groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 30m},"
      "{alert: Old, expr: old == 0, for: 1m},"
      "{alert: Kept, expr: kept == 1, keep_firing_for: 1h, annotations: {v: '{{ $value }}'}}]}]";
  std::vector<ActiveAlert> before;
  {
    ManagedRules rules(rig, &states, yaml);
    for (int i = 0; i < 10; ++i) rules.Round();
    before = rules.Alerts();
    Shutdown(&rules);
  }
  ASSERT_EQ(before.size(), 3U);
  EXPECT_EQ(states.rows.size(), 3U);
  rig.clock.Advance(5 * kMinute);
  ManagedRules rules(rig, &states, yaml);
  const auto expect_same = [&](const std::vector<ActiveAlert>& after) {
    ASSERT_EQ(after.size(), before.size());
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_EQ(after[i].labels.ToString(), before[i].labels.ToString());
      EXPECT_EQ(after[i].annotations, before[i].annotations);
      EXPECT_EQ(after[i].state, before[i].state) << before[i].labels.ToString();
      EXPECT_EQ(after[i].active_at, before[i].active_at);
      EXPECT_EQ(after[i].fired_at, before[i].fired_at);
      EXPECT_EQ(after[i].keep_firing_since, before[i].keep_firing_since);
      EXPECT_EQ(after[i].value, before[i].value);
    }
  };
  expect_same(rules.Alerts());
  rig.appender.written.clear();
  rules.Round();
  expect_same(rules.Alerts());
  // No gap in the series either: they are written from the first round on.
  EXPECT_EQ(rig.appender.written.size(), 6U);
}

TEST(RuleManager, AfterALongOutageAlertsWaitForTheirSeriesBeforeTheyResolve) {
  RuleRig rig;
  SpyStates states;
  rig.Load(kMinute, "up{job=\"back\"} 0x10 _x14 0x20");
  rig.Load(kMinute, "up{job=\"gone\"} 0x10");
  const std::string yaml = "groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 1m}]}]";
  {
    ManagedRules rules(rig, &states, yaml);
    for (int i = 0; i < 8; ++i) rules.Round();
    Shutdown(&rules);
  }
  rig.clock.JumpTo(25 * kMinute);
  ManagedRules rules(rig, &states, yaml);
  rules.Round();
  EXPECT_EQ(rules.Alerts().size(), 2U);
  for (int i = 0; i < 3; ++i) rules.Round();
  ASSERT_EQ(rules.Alerts().size(), 1U);
  EXPECT_EQ(rules.Alerts()[0].labels.Get("job"), "back");
  EXPECT_LT(rules.Alerts()[0].active_at, 2 * kMinute);
  EXPECT_EQ(rules.Alerts()[0].state, AlertState::kFiring);
}

TEST(RuleManager, StateThatIsTooOldOrOfNoRuleIsDropped) {
  RuleRig rig;
  SpyStates states;
  rig.Load(kMinute, "up{job=\"x\"} 0x500");
  {
    ManagedRules rules(rig, &states, kDown);
    rules.Round();
    Shutdown(&rules);
  }
  EXPECT_EQ(states.rows.size(), 1U);
  {
    ManagedRules rules(rig, &states, "groups: [{name: g, rules: [{alert: Other, expr: up == 0}]}]");
    EXPECT_TRUE(rules.Alerts().empty());
    Shutdown(&rules);
  }
  EXPECT_TRUE(states.rows.empty());
  {
    ManagedRules rules(rig, &states, kDown);
    rules.Round();
    Shutdown(&rules);
  }
  rig.clock.Advance(61 * kMinute);
  ManagedRules rules(rig, &states, kDown);
  EXPECT_TRUE(rules.Alerts().empty());
}

TEST(RuleManager, StateThatCouldNotBeReadDoesNotComeBackLater) {
  RuleRig rig;
  SpyStates states;
  rig.Load(kMinute, "up{job=\"x\"} 0x500");
  {
    ManagedRules rules(rig, &states, kDown);
    rules.Round();
    Shutdown(&rules);
  }
  ASSERT_EQ(states.rows.size(), 1U);
  const storage::StoredAlert::Key old = states.rows.begin()->first;
  states.error = "away";
  ManagedRules rules(rig, &states, "groups: [{name: g, rules: [{alert: Other, expr: up == 0}]}]");
  rules.Round();
  Shutdown(&rules);
  EXPECT_EQ(states.rows.count(old), 1U);
  states.error.clear();
  Shutdown(&rules);
  ASSERT_EQ(states.rows.size(), 1U);
  EXPECT_EQ(states.rows.count(old), 0U);
  // Once: what is written from now on stays.
  Shutdown(&rules);
  EXPECT_EQ(states.rows.size(), 1U);
}

TEST(RuleManager, ChangesWaitWhileTheDatabaseIsAway) {
  RuleRig rig;
  SpyStates states;
  rig.Load(kMinute, "up{job=\"x\"} 0x500");
  RuleStateLog log(states, rig.clock);
  storage::StoredAlert alert;
  alert.rule =
      std::make_shared<const storage::RuleIdentity>(storage::RuleIdentity{7, "f", "g", "r"});
  alert.labels = Labels::Of({{"a", "b"}});
  alert.active_at = 1;
  log.Note({{alert}, {}});
  states.error = "away";
  EXPECT_FALSE(log.Write());
  alert.active_at = 2;
  log.Note({{alert}, {}});
  EXPECT_FALSE(log.Write());
  states.error.clear();
  EXPECT_TRUE(log.Write());
  ASSERT_EQ(states.rows.size(), 1U);
  EXPECT_EQ(states.rows.begin()->second.active_at, 2);
  log.Note({{}, {alert.key()}});
  EXPECT_TRUE(log.Write());
  EXPECT_TRUE(states.rows.empty());
}

// Without stored state: upstream's way.
TEST(RuleManager, RestoresFromSeriesAfterTwoRoundsWhenNothingIsStored) {
  RuleRig rig;
  rig.Load(kMinute, "up{job=\"x\"} 0x500");
  TimestampMs since = 0;
  TimestampMs down_at = 0;
  {
    ManagedRules rules(rig, nullptr, kDown);
    for (int i = 0; i < 8; ++i) down_at = rules.Round();
    since = rules.Alerts().at(0).active_at;
  }
  rig.clock.Advance(10 * kMinute);
  ManagedRules rules(rig, nullptr, kDown);
  rig.appender.written.clear();
  const TimestampMs first = rules.Round();
  EXPECT_GT(rules.Alerts().at(0).active_at, since);
  EXPECT_TRUE(rig.appender.written.empty()) << "written before the restore";
  const TimestampMs second = rules.Round();
  EXPECT_GT(second, first);
  // 30m minus some 7m pending remain: the start is moved by the time it was down.
  const TimestampMs expected = since + (second - down_at);
  EXPECT_NEAR(static_cast<double>(rules.Alerts().at(0).active_at), static_cast<double>(expected),
              2000);
  rules.Round();
  EXPECT_EQ(rig.appender.written.size(), 2U);
}

TEST(RuleManager, RestoredAlertsThatWereFiringFireAtOnceAndOthersAfterTheGracePeriod) {
  for (const int minutes_before : {40, 26}) {
    RuleRig rig;
    rig.Load(kMinute, "up{job=\"x\"} 0x500");
    {
      ManagedRules rules(rig, nullptr, kDown);
      for (int i = 0; i < minutes_before; ++i) rules.Round();
    }
    rig.clock.Advance(10 * kMinute);
    ManagedRules rules(rig, nullptr, kDown);
    rules.Round();
    const TimestampMs restored = rules.Round();
    const TimestampMs third = rules.Round();
    const ActiveAlert alert = rules.Alerts().at(0);
    if (minutes_before == 40) {
      EXPECT_EQ(alert.state, AlertState::kFiring);
      EXPECT_EQ(alert.fired_at / kMinute, third / kMinute);
    } else {
      EXPECT_EQ(alert.state, AlertState::kPending);
      EXPECT_EQ(alert.active_at, restored + 10 * kMinute - 30 * kMinute);
    }
  }
}

TEST(DurationSummary, ShowsCountSumAndQuantiles) {
  DurationSummary summary;
  EXPECT_EQ(summary.Read().count, 0U);
  for (int i = 1; i <= 100; ++i) summary.Observe(i);
  const DurationSummary::View view = summary.Read();
  EXPECT_EQ(view.count, 100U);
  EXPECT_EQ(view.sum, 5050);
  EXPECT_EQ(view.quantiles[2], 51);
  EXPECT_EQ(view.quantiles[4], 100);
  for (int i = 0; i < 2000; ++i) summary.Observe(7);
  EXPECT_EQ(summary.Read().quantiles[0], 7);
}

}  // namespace
}  // namespace vigil::rules

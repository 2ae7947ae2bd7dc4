// SPDX-License-Identifier: Apache-2.0
// tests/scripts/rules/groups: a rule file, then after --- what is in the store and when the groups
// are evaluated, and what came of it: alerts, samples written, alerts sent, errors.
//   load 1m         samples of the series on the indented lines, one each minute from 0 on
//   at 0s 1m        evaluates at these times
#include "server/rules/rule_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "server/rules/recording_rule.h"
#include "server/rules/rule_dependencies.h"
#include "tests/support/script_cases.h"
#include "tests/unit/server/rules/rule_rig.h"

namespace vigil::rules {
namespace {

std::string TimeText(TimestampMs at) {
  return at < 0 ? "-" + FormatDuration(-at) : FormatDuration(at);
}

class GroupScript {
 public:
  std::vector<std::string> Run(const testing_support::ScriptCase& one) {
    const auto border = std::find(one.input.begin(), one.input.end(), "---");
    const std::vector<std::string> yaml(one.input.begin(), border);
    GroupDefaults defaults;
    defaults.external_labels = Labels::Of({{"site", "north"}});
    for (GroupSpec& spec : GroupsOf(Join(yaml, "\n") + "\n")) {
      groups_.push_back(std::make_unique<RuleGroup>(std::move(spec), defaults, world_));
      groups_.back()->SetRestored();
    }
    DurationMs gap = 0;
    for (auto line = border + 1; line < one.input.end(); ++line) {
      if (line->starts_with("load ")) {
        gap = ParseDuration(line->substr(5)).value();
      } else if (line->starts_with("  ")) {
        rig_.Load(gap, TrimSpace(*line));
      } else {
        const std::vector<std::string_view> words = Fields(*line);
        EXPECT_EQ(words[0], "at");
        for (size_t i = 1; i < words.size(); ++i) At(ParseDuration(words[i]).value());
      }
    }
    return out_;
  }

 private:
  void At(TimestampMs at) {
    rig_.clock.JumpTo(at);
    const std::string when = TimeText(at) + " ";
    for (const auto& group : groups_) {
      group->Evaluate(at);
      for (const auto& rule : group->rules()) Report(when, *rule);
    }
    std::sort(rig_.appender.written.begin(), rig_.appender.written.end());
    for (const std::string& sample : rig_.appender.written)
      out_.push_back(when + "wrote " + sample);
    rig_.appender.written.clear();
    for (const alerting::PostedAlert& alert : rig_.sink.posted) {
      out_.push_back(when + "sent " + alert.labels.ToString() + " from " +
                     TimeText(*alert.starts_at) + " to " + TimeText(*alert.ends_at));
    }
    rig_.sink.posted.clear();
    for (const alerting::PostedAlert& alert : rig_.sink.pending) {
      out_.push_back(when + "noted pending " + alert.labels.ToString() + " since " +
                     TimeText(*alert.starts_at));
    }
    rig_.sink.pending.clear();
  }
  void Report(const std::string& when, const Rule& rule) {
    if (rule.report().health == RuleHealth::kBad) {
      out_.push_back(when + "error " + rule.spec().name() + ": " + rule.report().last_error);
    }
    if (rule.alerting() == nullptr) return;
    rule.alerting()->LookAtAlerts([&](const ActiveAlert& alert) {
      std::string line = when + std::string(AlertStateName(alert.state)) + " " +
                         alert.labels.ToString() + " since " + TimeText(alert.active_at) +
                         " value " + FormatFloatG(alert.value);
      if (alert.keep_firing_since != storage::kNever) {
        line += " kept since " + TimeText(alert.keep_firing_since);
      }
      if (!alert.annotations.empty()) line += " " + alert.annotations.ToString();
      out_.push_back(line);
    });
  }

  RuleRig rig_;
  RuleWorld world_ = rig_.World();
  std::vector<std::unique_ptr<RuleGroup>> groups_;
  std::vector<std::string> out_;
};

TEST(RuleGroup, FollowsTheScripts) {
  testing_support::RunScripts("rules/groups", [](const testing_support::ScriptCase& one) {
    return GroupScript().Run(one);
  });
}

TEST(RuleGroup, AFailedAppendIsReportedAndMarkersAreNotLost) {
  RuleRig rig;
  const RuleWorld world = rig.World();
  rig.Load(60'000, "up{job=\"a\"} 1 1 _ _");
  auto specs =
      GroupsOf("groups: [{name: g, rules: [{record: r, expr: 'last_over_time(up[1m])'}]}]");
  RuleGroup group(std::move(specs[0]), {}, world);
  group.Evaluate(0);
  rig.appender.error = "no room";
  group.Evaluate(180'000);
  EXPECT_EQ(group.rules()[0]->report().last_error, "no room");
  EXPECT_EQ(group.report().failures, 1U);
  rig.appender.error.clear();
  rig.appender.written.clear();
  group.Evaluate(240'000);
  EXPECT_EQ(rig.appender.written, std::vector<std::string>{"r{job=\"a\"} stale"});
}

TEST(RuleGroup, MarkersOfAlertsComeLaterWhenTheStoreTakesNothing) {
  RuleRig rig;
  const RuleWorld world = rig.World();
  rig.Load(60'000, "up{job=\"a\"} 0 1 1");
  auto specs = GroupsOf("groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]");
  RuleGroup group(std::move(specs[0]), {}, world);
  group.SetRestored();
  group.Evaluate(0);
  rig.appender.error = "no room";
  group.Evaluate(60'000);
  rig.appender.error.clear();
  rig.appender.written.clear();
  group.Evaluate(120'000);
  EXPECT_EQ(
      rig.appender.written,
      (std::vector<std::string>{R"(ALERTS{alertname="A", alertstate="firing", job="a"} stale)",
                                R"(ALERTS_FOR_STATE{alertname="A", job="a"} stale)"}));
}

TEST(RuleGroup, ASeriesWithoutRoomDoesNotKeepTheOthersOut) {
  RuleRig rig;
  const RuleWorld world = rig.World();
  rig.Load(60'000, "up{job=\"a\"} 1");
  rig.Load(60'000, "up{job=\"b\"} 1");
  rig.appender.full = "a";
  auto specs = GroupsOf(
      "groups: [{name: g, rules: [{record: r, expr: up}, {alert: A, expr: up, labels: {x: y}}]}]");
  RuleGroup group(std::move(specs[0]), {}, world);
  group.SetRestored();
  group.Evaluate(0);
  for (const auto& rule : group.rules()) {
    EXPECT_EQ(rule->report().last_error, "no room for a");
  }
  EXPECT_EQ(rig.appender.written.size(), 3U);
}

TEST(RuleGroup, SeriesThatTheStoreForgotAreResolvedAgain) {
  RuleRig rig;
  const RuleWorld world = rig.World();
  auto specs = GroupsOf(
      "groups: [{name: g, rules: [{record: r, expr: 'vector(1)'}, {alert: A, expr: "
      "'vector(1)'}]}]");
  RuleGroup group(std::move(specs[0]), {}, world);
  group.SetRestored();
  group.Evaluate(0);
  rig.store.Clear();
  rig.appender.written.clear();
  group.Evaluate(60'000);
  EXPECT_EQ(group.report().failures, 0U);
  const auto names = rig.store.LabelValues("__name__", {}, 0, 60'000);
  EXPECT_EQ(*names, (std::vector<std::string>{"ALERTS", "ALERTS_FOR_STATE", "r"}));
}

TEST(RuleGroup, EditedAnnotationsReachAnAlertWithoutLabels) {
  RuleRig rig;
  const RuleWorld world = rig.World();
  rig.Load(60'000, "up{job=\"a\"} 0 0");
  const auto make = [&](const std::string& text) {
    auto specs = GroupsOf("groups: [{name: g, rules: [{alert: A, expr: 'sum(up) < 1', " +
                          ("annotations: {text: " + text + "}}]}]"));
    auto group = std::make_unique<RuleGroup>(std::move(specs[0]), GroupDefaults{}, world);
    group->SetRestored();
    return group;
  };
  const auto old = make("old");
  old->Evaluate(0);
  const auto edited = make("edited");
  edited->Adopt(*old);
  edited->Evaluate(60'000);
  std::vector<std::string> seen;
  edited->rules()[0]->alerting()->LookAtAlerts([&](const ActiveAlert& alert) {
    seen.emplace_back(alert.annotations.Get("text"));
    EXPECT_EQ(alert.active_at, 0);
  });
  EXPECT_EQ(seen, std::vector<std::string>{"edited"});
}

TEST(RuleGroup, AFailingRecordingRuleDoesNotRememberEverySeries) {
  RuleRig rig;
  const RuleWorld world = rig.World();
  rig.store.Add(Labels::Of({{"__name__", "up"}, {"job", "first"}}), 0, 1);
  constexpr int kRounds = 200;
  for (int i = 1; i <= kRounds; ++i) {
    for (const char* name : {"a", "b"}) {
      const std::string job = name + std::to_string(i);
      rig.store.Add(Labels::Of({{"__name__", "up"}, {"job", job}}), i * 60'000, 1);
    }
  }
  auto specs = GroupsOf(
      "groups: [{name: g, limit: 1, rules: [{record: r, expr: 'last_over_time(up[30s])'}]}]");
  RuleGroup group(std::move(specs[0]), {}, world);
  for (int i = 0; i <= kRounds; ++i) group.Evaluate(i * 60'000);
  EXPECT_EQ(group.report().failures, uint64_t{kRounds});
  EXPECT_LT(dynamic_cast<RecordingRule&>(*group.rules()[0]).outputs(), 50U);
  rig.appender.written.clear();
  group.Evaluate((kRounds + 1) * 60'000);
  EXPECT_EQ(rig.appender.written, std::vector<std::string>{"r{job=\"first\"} stale"});
}

TEST(RuleBatches, FollowWhatRulesNeed) {
  const auto batches = [](std::string_view rules) {
    return RuleBatches(
        GroupsOf("groups: [{name: g, rules: [" + std::string(rules) + "]}]")[0].rules);
  };
  using Batches = std::vector<std::vector<size_t>>;
  EXPECT_EQ(batches("{record: a, expr: x}, {record: b, expr: sum(y)}"), (Batches{{0, 1}}));
  EXPECT_EQ(batches("{record: d, expr: c}, {record: c, expr: 'rate(b[5m])'}, {record: a, expr: x},"
                    "{record: b, expr: y}, {alert: E, expr: c > 1}"),
            (Batches{{2, 3}, {1}, {0, 4}}));
  EXPECT_EQ(batches("{record: a, expr: x}, {record: b, expr: '{__name__=~\"a|z\"}'}"),
            (Batches{{0}, {1}}));
  EXPECT_EQ(batches("{record: a, expr: a}"), (Batches{{0}})) << "it needs what it wrote before";
  // What may be read is not known.
  EXPECT_EQ(batches("{record: a, expr: x}, {record: b, expr: '{job=\"j\"}'}"), (Batches{{0}, {1}}));
  EXPECT_EQ(batches("{record: a, expr: x}, {alert: B, expr: count(ALERTS)}"), (Batches{{0}, {1}}));
}

// The store of the rig takes one append at a time. The first waits for a second thread.
class MeetingAppender : public storage::Appender {
 public:
  explicit MeetingAppender(storage::Appender& appender) : appender_(appender) {}
  Result<storage::SeriesRef> Resolve(const Labels& labels) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return appender_.Resolve(labels);
  }
  Result<storage::AppendOutcome> Append(const storage::SampleBatch& batch,
                                        storage::AppendMode mode) override {
    std::unique_lock<std::mutex> lock(mutex_);
    ++inside_;
    met = met || inside_ == 2;
    changed_.notify_all();
    if (wait) wait = changed_.wait_for(lock, std::chrono::seconds(20), [this] { return met; });
    --inside_;
    return appender_.Append(batch, mode);
  }
  Result<void> WaitDurable(storage::JournalPosition, int64_t) override { return Ok(); }

  bool wait = true;  // once in vain is enough
  bool met = false;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t inside_ = 0;
  storage::Appender& appender_;
};

class GuardedSink : public alerting::AlertSink {
 public:
  Result<void> Post(const std::vector<alerting::PostedAlert>& alerts) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    posted += alerts.size();
    return Ok();
  }
  size_t posted = 0;

 private:
  std::mutex mutex_;
};

// Queries of constants: the store must not be read while it is written.
std::string IndependentRules() {
  std::string yaml = "groups: [{name: g, rules: [{alert: A, expr: vector(1)},";
  for (int i = 0; i < 12; ++i) {
    yaml += "{record: r" + std::to_string(i) + ", expr: 'vector(" + std::to_string(i) + ")'},";
  }
  return yaml + "{alert: B, expr: vector(2)}, {record: all, expr: 'r1 + r11'}]}]";
}

TEST(RuleGroup, EvaluatesRulesAtOnceThatDoNotNeedEachOther) {
  RuleRig rig;
  MeetingAppender appender(rig.appender);
  GuardedSink sink;
  RuleWorld world{rig.engine, rig.store, appender, rig.clock};
  world.sink = &sink;
  world.helpers = std::make_shared<HelperSlots>(3);
  auto specs = GroupsOf(IndependentRules());
  RuleGroup group(std::move(specs[0]), {}, world);
  group.SetRestored();
  size_t observed = 0;
  EXPECT_TRUE(group.Evaluate(60'000, [&observed](double) { ++observed; }));
  EXPECT_TRUE(appender.met) << "two threads at least";
  EXPECT_EQ(world.helpers->free(), 3U) << "all slots were given back";
  EXPECT_EQ(observed, 15U);
  EXPECT_EQ(sink.posted, 2U);
  EXPECT_EQ(rig.appender.written.back(), "all 12") << "behind those that it needs";
  std::sort(rig.appender.written.begin(), rig.appender.written.end());
  const auto& written = rig.appender.written;
  EXPECT_EQ(std::count(written.begin(), written.end(), "r0 0"), 1);
  group.StopEvaluating();
  EXPECT_FALSE(group.Evaluate(120'000));
}

TEST(RuleGroup, GoesOnAloneWhenOthersHaveTheHelpers) {
  RuleRig rig;
  MeetingAppender appender(rig.appender);
  appender.wait = false;
  RuleWorld world{rig.engine, rig.store, appender, rig.clock};
  world.helpers = std::make_shared<HelperSlots>(1);
  ASSERT_TRUE(world.helpers->TryTake());
  auto specs = GroupsOf(IndependentRules());
  RuleGroup group(std::move(specs[0]), {}, world);
  group.SetRestored();
  size_t observed = 0;
  EXPECT_TRUE(group.Evaluate(60'000, [&observed](double) { ++observed; }));
  EXPECT_EQ(observed, 15U);
  EXPECT_FALSE(appender.met);
  EXPECT_EQ(world.helpers->free(), 0U);
}

TEST(RuleGroup, StopsBehindTheRuleThatRuns) {
  RuleRig rig;
  const RuleWorld world = rig.World();
  auto specs = GroupsOf(
      "groups: [{name: g, rules: [{record: a, expr: vector(1)}, {record: b, expr: vector(1)}]}]");
  RuleGroup group(std::move(specs[0]), {}, world);
  EXPECT_TRUE(group.Evaluate(0));
  rig.appender.written.clear();
  EXPECT_FALSE(group.Evaluate(60'000, [&](double) { group.StopEvaluating(); }));
  EXPECT_FALSE(group.Evaluate(120'000));
  EXPECT_EQ(rig.appender.written, std::vector<std::string>{"a 1"});
  EXPECT_EQ(group.report().iterations, 1U);
}

TEST(RuleGroup, AlertsThatStayAreNotDescribedAgain) {
  RuleRig rig;
  const RuleWorld world = rig.World();
  rig.Load(60'000, "load{host=\"a\"} 1 1 2");
  auto specs = GroupsOf(
      "groups: [{name: g, rules: [{alert: A, expr: load, annotations: "
      "{host: 'on {{ $labels.host }}', much: '{{ $value }}'}}]}]");
  RuleGroup group(std::move(specs[0]), {}, world);
  group.SetRestored();
  const auto annotations = [&] {
    Labels found;
    group.rules()[0]->alerting()->LookAtAlerts(
        [&](const ActiveAlert& alert) { found = alert.annotations; });
    return found;
  };
  group.Evaluate(0);
  EXPECT_EQ(annotations().ToString(), R"({host="on a", much="1"})");
  group.Evaluate(60'000);
  EXPECT_EQ(annotations().ToString(), R"({host="on a", much="1"})");
  group.Evaluate(120'000);
  EXPECT_EQ(annotations().ToString(), R"({host="on a", much="2"})");
}

}  // namespace
}  // namespace vigil::rules

// SPDX-License-Identifier: Apache-2.0
// The fast ways of a repeated alert (AlertRouter::Refresh), by what a report says and by its text,
// beside the general one: the same alerts, messages and rows, whatever is posted when.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "server/alerting/alert_ledger.h"
#include "server/alerting/alert_router.h"
#include "server/alerting/config_loader.h"

namespace vigil::alerting {
namespace {

constexpr TimestampMs kRefreshStart = 1'700'000'000'000;

constexpr const char* kRefreshConfig = R"(
route:
  receiver: r
  group_by: [job]
  group_wait: 3s
  group_interval: 20s
  repeat_interval: 1m
  routes:
    - {matchers: [job="1"], receiver: s, continue: true, group_by: [alertname]}
inhibit_rules:
  - {source_matchers: [alertname="0"], target_matchers: [alertname="1"], equal: [job]}
receivers:
  - {name: r, webhook_configs: [{url: 'http://h/'}]}
  - {name: s, webhook_configs: [{url: 'http://h/', send_resolved: false}]}
)";

std::string AlertLine(const Alert& alert) {
  return FingerprintText(alert.fingerprint) + " " + alert.annotations.ToString() + " " +
         std::string(alert.generator_url.view()) + " " +
         std::to_string(alert.starts_at - kRefreshStart) + " " +
         std::to_string(alert.ends_at - kRefreshStart) + " " +
         std::to_string(alert.updated_at - kRefreshStart) + " " + std::to_string(alert.timeout);
}

// Which ways a router may take: texts stand before reports as in a request.
enum class RefreshWays { kGeneral, kReports, kTexts };

// A router and what storage was told. Threads: owner thread only.
class RefreshSide {
 public:
  RefreshSide(const std::shared_ptr<const AlertingConfig>& config, RefreshWays ways)
      : ways_(ways), router_(config, Options(), kRefreshStart) {}

  // from_text: by a request, else by a rule.
  void Post(const PostedAlert& posted, bool from_text, TimestampMs now) {
    TextKey text;
    if (ways_ == RefreshWays::kTexts && from_text) {
      text = KeyOfText(
          posted.labels.ToString() + posted.annotations.ToString() + posted.generator_url, 7);
      if (router_.alerts().texts().Find(text) != nullptr &&
          router_.Refresh(AlertText{text, posted.starts_at, posted.ends_at}, now)) {
        ++refreshed_;
        return;
      }
    }
    if (ways_ == RefreshWays::kGeneral) {
      Say("post " + std::to_string(router_.Post(posted, now).has_value()));
      return;
    }
    const std::vector<LabelView> labels(posted.labels.begin(), posted.labels.end());
    const std::vector<LabelView> annotations(posted.annotations.begin(), posted.annotations.end());
    const AlertReport report{labels,           annotations,    posted.generator_url,
                             posted.starts_at, posted.ends_at, text};
    const uint64_t fingerprint = Fingerprint(report.labels);
    if (router_.Refresh(report, fingerprint, now)) {
      refreshed_ += ways_ == RefreshWays::kReports ? 1 : 0;
      return;
    }
    // Rules post alerts, requests reports.
    const Result<void> posted_one =
        from_text ? router_.Post(report, fingerprint, now) : router_.Post(posted, now);
    Say("post " + std::to_string(posted_one.has_value()));
  }

  void Advance(TimestampMs now) {
    for (const Outgoing& message : router_.Advance(now)) {
      std::string line = message.integration.receiver + " " + message.group_key;
      for (const AlertPtr& alert : message.alerts) line += "\n  " + AlertLine(*alert);
      Say(line);
      router_.Sent(message.id, SendOutcome{}, now);
    }
  }

  // As the service does, with or without what nobody reports any more.
  void Gather(TimestampMs now, bool sweep) {
    AlertingChanges changes = router_.TakeChanges();
    for (const AlertPtr& alert : changes.alerts) Note(alert, now);
    if (sweep) {
      std::vector<AlertPtr> ended;
      for (const AlertSlotPtr& slot : router_.alerts().All()) {
        if (slot->times().ResolvedAt(now)) ended.push_back(slot->alert());
      }
      for (const AlertPtr& alert : ended) Note(alert, now);
    }
    for (const uint64_t gone : changes.gone_alerts) {
      ledger_.Forget(gone);
      Say("gone " + FingerprintText(gone));
    }
  }

  std::vector<std::string> Take() {
    for (const AlertSlotPtr& slot : router_.alerts().All()) Say(AlertLine(*slot->alert()));
    return std::exchange(said_, {});
  }
  AlertRouter& router() { return router_; }
  [[nodiscard]] bool IsOpen(uint64_t fingerprint) const { return ledger_.IsOpen(fingerprint); }
  [[nodiscard]] size_t refreshed() const { return refreshed_; }

 private:
  static AlertRouter::Options Options() {
    AlertRouter::Options options;
    options.gc_interval = 60'000;
    return options;
  }
  void Say(std::string line) { said_.push_back(std::move(line)); }
  void Note(const AlertPtr& alert, TimestampMs now) {
    if (router_.IsOutdated(*alert, now)) return;
    const AlertLedger::Noted noted = ledger_.Note(alert, now);
    if (noted.change != AlertLedger::Change::kNone) {
      Say("change " + std::to_string(static_cast<int>(noted.change)) + " " + AlertLine(*alert));
    }
    if (noted.to_store != nullptr) Say("store " + AlertLine(*noted.to_store));
    if (noted.renewed) Say("renewed " + FingerprintText(alert->fingerprint));
  }

  const RefreshWays ways_;
  AlertRouter router_;
  AlertLedger ledger_;
  std::vector<std::string> said_;
  size_t refreshed_ = 0;
};

PostedAlert RandomReport(TimestampMs now, std::mt19937* random) {
  const auto pick = [&](int most) {
    return static_cast<int>((*random)() % static_cast<unsigned>(most));
  };
  PostedAlert posted;
  posted.labels = Labels::Of({{"alertname", std::to_string(pick(3))},
                              {"job", std::to_string(pick(3))},
                              {"x", std::to_string(pick(2))}});
  posted.annotations = Labels::Of({{"a", pick(60) == 0 ? "changed" : "same"}});
  posted.generator_url = pick(80) == 0 ? "/other" : "/same";
  if (pick(2) == 0) posted.starts_at = kRefreshStart - pick(3) * 1'000;
  if (pick(3) != 0) posted.ends_at = now + 30'000 - pick(8) * 1'000;
  if (pick(12) == 0) posted.ends_at = now - pick(3) * 1'000;
  return posted;
}

TEST(AlertRefresh, DoesTheSameAsTheGeneralWay) {
  const auto config =
      std::make_shared<const AlertingConfig>(*LoadAlertingText(kRefreshConfig, "a.yml"));
  size_t reports = 0;
  size_t texts = 0;
  for (unsigned seed = 0; seed < 6; ++seed) {
    std::mt19937 random(seed);
    RefreshSide by_text(config, RefreshWays::kTexts);
    RefreshSide by_report(config, RefreshWays::kReports);
    RefreshSide slow(config, RefreshWays::kGeneral);
    TimestampMs now = kRefreshStart;
    for (int step = 0; step < 400; ++step) {
      // Some runs repeat often, in others alerts end in between.
      now += static_cast<TimestampMs>(random() % (seed % 3 == 0 ? 300 : 4'000));
      if (random() % 50 == 0) now -= static_cast<TimestampMs>(random() % 9'000);  // set back
      const bool reload = random() % 400 == 0;
      const PostedAlert posted = RandomReport(now, &random);
      const bool sweep = random() % 5 == 0;
      const bool from_text = random() % 6 != 0;
      for (RefreshSide* side : {&by_text, &by_report, &slow}) {
        if (reload) side->router().Reload(config, now);
        side->Post(posted, from_text, now);
        side->Advance(now);
        side->Gather(now, sweep);
      }
      std::vector<std::string> expected = slow.Take();
      // A refresh says nothing by itself.
      std::erase(expected, "post 1");
      for (RefreshSide* side : {&by_text, &by_report}) {
        std::vector<std::string> got = side->Take();
        std::erase(got, "post 1");
        ASSERT_EQ(got, expected) << "seed " << seed << " step " << step;
        ASSERT_EQ(side->router().NextDeadline(), slow.router().NextDeadline());
      }
    }
    texts += by_text.refreshed();
    reports += by_report.refreshed();
  }
  EXPECT_GT(texts, 200U);
  EXPECT_GT(reports, 300U);
}

// Nobody gathers for long: what waits for it does not grow with the reports.
TEST(AlertRefresh, RepeatedReportsWaitAsOne) {
  const auto config =
      std::make_shared<const AlertingConfig>(*LoadAlertingText(kRefreshConfig, "a.yml"));
  RefreshSide side(config, RefreshWays::kGeneral);
  PostedAlert posted;
  TimestampMs now = kRefreshStart;
  for (int step = 0; step < 300; ++step) {
    posted.labels = Labels::Of({{"alertname", std::to_string(step % 3)}});
    posted.starts_at = kRefreshStart;
    posted.ends_at = (now += 10) + 30'000;
    side.Post(posted, true, now);
  }
  AlertingChanges changes = side.router().TakeChanges();
  ASSERT_EQ(changes.alerts.size(), 3U);
  for (const AlertPtr& alert : changes.alerts) EXPECT_GE(alert->ends_at, now + 30'000 - 30);
  // An end is told, and what comes after it.
  posted.ends_at = now + 1;
  side.Post(posted, true, now += 2);
  posted.starts_at = now;
  posted.ends_at = now + 30'000;
  side.Post(posted, true, now);
  changes = side.router().TakeChanges();
  ASSERT_EQ(changes.alerts.size(), 2U);
  EXPECT_TRUE(changes.alerts[0]->ResolvedAt(now));
  EXPECT_FALSE(changes.alerts[1]->ResolvedAt(now));
}

// Gathering comes so late that the versions which waited for it are over by then.
TEST(AlertRefresh, ALateGatherEndsNothing) {
  const auto config =
      std::make_shared<const AlertingConfig>(*LoadAlertingText(kRefreshConfig, "a.yml"));
  RefreshSide side(config, RefreshWays::kTexts);
  PostedAlert posted;
  posted.labels = Labels::Of({{"alertname", "9"}});
  posted.starts_at = kRefreshStart;
  const auto post = [&](TimestampMs now) {
    posted.ends_at = now + 30'000;
    side.Post(posted, true, now);
  };
  post(kRefreshStart);
  side.Advance(kRefreshStart + 5'000);
  side.Gather(kRefreshStart + 5'000, true);
  post(kRefreshStart + 10'000);
  post(kRefreshStart + 25'000);
  post(kRefreshStart + 40'000);
  EXPECT_EQ(side.refreshed(), 2U);
  side.Take();
  side.Gather(kRefreshStart + 60'000, true);
  EXPECT_TRUE(side.IsOpen(Fingerprint(posted.labels)));
  for (const std::string& line : side.Take()) EXPECT_FALSE(line.starts_with("change")) << line;
}

TEST(AlertRefresh, ALateGatherKnowsWhatIsOpen) {
  const auto config =
      std::make_shared<const AlertingConfig>(*LoadAlertingText(kRefreshConfig, "a.yml"));
  RefreshSide side(config, RefreshWays::kTexts);
  std::mt19937 random(7);
  TimestampMs now = kRefreshStart;
  for (int step = 0; step < 2'000; ++step) {
    now += static_cast<TimestampMs>(random() % 4'000);
    side.Post(RandomReport(now, &random), true, now);
    if (random() % 8 != 0) continue;
    side.Gather(now, true);
    side.Advance(now);
    side.Gather(now, false);
    for (const AlertSlotPtr& slot : side.router().alerts().All()) {
      ASSERT_EQ(side.IsOpen(slot->fingerprint()), !slot->times().ResolvedAt(now)) << step;
    }
  }
  EXPECT_GT(side.refreshed(), 50U);
}

TEST(AlertRefresh, LeavesWhatIsNewOrWrongToTheGeneralWay) {
  const auto config =
      std::make_shared<const AlertingConfig>(*LoadAlertingText(kRefreshConfig, "a.yml"));
  AlertRouter router(config, {}, kRefreshStart);
  const std::vector<LabelView> labels = {{"alertname", "9"}, {"job", "9"}};
  AlertReport report;
  report.labels = labels;
  report.ends_at = kRefreshStart + 60'000;
  report.starts_at = kRefreshStart;
  const uint64_t fingerprint = Fingerprint(report.labels);
  EXPECT_FALSE(router.Refresh(report, fingerprint, kRefreshStart));
  ASSERT_TRUE(router.Post(report, fingerprint, kRefreshStart));
  EXPECT_TRUE(router.Refresh(report, fingerprint, kRefreshStart + 1));
  report.ends_at = kRefreshStart + 1;
  EXPECT_FALSE(router.Refresh(report, fingerprint, kRefreshStart + 2));  // it is over
  report.ends_at = kRefreshStart - 1;
  EXPECT_FALSE(router.Refresh(report, fingerprint, kRefreshStart + 2));  // ends before it starts
  report.ends_at = kRefreshStart + 60'000;
  report.generator_url = "/x";
  EXPECT_FALSE(router.Refresh(report, fingerprint, kRefreshStart + 2));
}

}  // namespace
}  // namespace vigil::alerting

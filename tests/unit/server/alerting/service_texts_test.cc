// SPDX-License-Identifier: Apache-2.0
// AlertingService::PostTexts: requests that are not read.
#include <gtest/gtest.h>

#include <span>
#include <string_view>
#include <vector>

#include "server/alerting/config_loader.h"
#include "server/alerting/service.h"
#include "tests/support/memory_state_store.h"

namespace vigil::alerting {
namespace {

constexpr TimestampMs kTextsStart = 1'700'000'000'000;

// Alerts a, b, c, as reports and as texts.
struct RepeatedAlerts {
  std::vector<std::vector<LabelView>> labels;
  std::vector<AlertReport> reports;
  std::vector<AlertText> texts;

  RepeatedAlerts() : reports(3), texts(3) {
    for (const std::string_view name : {"a", "b", "c"}) labels.push_back({{"alertname", name}});
    for (size_t i = 0; i < 3; ++i) {
      reports[i].labels = labels[i];
      reports[i].text = texts[i].key = {i + 1, 0};
      reports[i].starts_at = texts[i].starts_at = kTextsStart;
      reports[i].ends_at = texts[i].ends_at = kTextsStart + 100'000;
    }
  }
};

// A service that is started.
struct TextsRig {
  ManualClock clock{kTextsStart};
  MemoryStateStore store;
  FakeNotifier notifier;
  AlertingService service{Config(), Options(), store, notifier, clock};

  TextsRig() { CHECK(service.Start().has_value()); }
  static std::shared_ptr<const AlertingConfig> Config() {
    return std::make_shared<const AlertingConfig>(
        *LoadAlertingText("route: {receiver: r}\nreceivers: [{name: r}]\n", "a.yml"));
  }
  static AlertingService::Options Options() {
    AlertingService::Options options;
    options.own_thread = false;
    return options;
  }
  std::vector<TimestampMs> Ends() const {
    std::vector<TimestampMs> ends;
    service.Look([&](const AlertRouter& router, TimestampMs) {
      for (const AlertSlotPtr& slot : router.alerts().All()) {
        ends.push_back(slot->alert()->ends_at - kTextsStart);
      }
    });
    return ends;
  }
};

TEST(ServiceTexts, AreDoneUntilOneSaysMore) {
  TextsRig rig;
  RepeatedAlerts alerts;
  ASSERT_TRUE(rig.service.PostReports(std::span(alerts.reports).first(2)));
  EXPECT_EQ(rig.service.PostTexts(alerts.texts), 0U);  // nobody has read the third
  EXPECT_EQ(rig.service.PostTexts(std::span(alerts.texts).first(2)), 2U);
  ASSERT_TRUE(rig.service.PostReports(alerts.reports));
  rig.clock.Advance(1'000);
  for (AlertText& text : alerts.texts) *text.ends_at += 50'000;
  EXPECT_EQ(rig.service.PostTexts(alerts.texts), 3U);
  EXPECT_EQ(rig.Ends(), (std::vector<TimestampMs>{150'000, 150'000, 150'000}));
  alerts.texts[1].ends_at = rig.clock.Now();  // it is over
  EXPECT_EQ(rig.service.PostTexts(alerts.texts), 1U);
  EXPECT_EQ(rig.service.Stats().counters.received_firing, 2U + 2 + 3 + 3 + 1);
}

TEST(ServiceTexts, AreForgottenWithTheirAlerts) {
  TextsRig rig;
  RepeatedAlerts alerts;
  ASSERT_TRUE(rig.service.PostReports(alerts.reports));
  EXPECT_EQ(rig.service.PostTexts(alerts.texts), 3U);
  // Long after their ends.
  for (int i = 0; i < 3; ++i) {
    rig.clock.Advance(1'800'000);
    static_cast<void>(rig.service.RunOnce());
  }
  EXPECT_TRUE(rig.Ends().empty());
  EXPECT_EQ(rig.service.PostTexts(alerts.texts), 0U);
}

TEST(ServiceTexts, AreRefusedOnceTheDatabaseIsLost) {
  TextsRig rig;
  RepeatedAlerts alerts;
  ASSERT_TRUE(rig.service.PostReports(alerts.reports));
  rig.store.taken_over = true;
  ASSERT_FALSE(rig.service.Acknowledge(Fingerprint(alerts.labels[0]), "me", ""));
  EXPECT_EQ(rig.service.PostTexts(alerts.texts), 0U);
}

}  // namespace
}  // namespace vigil::alerting

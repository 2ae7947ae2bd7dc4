// SPDX-License-Identifier: Apache-2.0
// State and history of alerting on a real PostgreSQL.
#include "server/postgres/alerting_store.h"

#include <algorithm>

#include "client-lib/base/clock.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

using alerting::AlertEvent;
using alerting::AlertEventKind;
using alerting::AlertingChanges;
using alerting::AlertingState;
using alerting::GroupState;
using alerting::HistoryQuery;
using alerting::LabelMatcher;
using alerting::LogEntry;
using alerting::NotificationEvent;
using alerting::Silence;

constexpr TimestampMs kAlertStart = kStart + 1'234;

// One database for all: the tests look at what they wrote themselves.
class AlertingStoreTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    path_ = new TemporaryPath();
    managed_ = StartManaged(path_->path()).release();
    ASSERT_NE(managed_, nullptr);
    clock_ = new ManualClock(kAlertStart);
    DatabaseOptions options = OptionsFor(managed_->conninfo());
    options.clock = clock_;
    database_ = OpenDatabase(options).release();
  }
  static void TearDownTestSuite() {
    delete database_;
    delete managed_;
    delete clock_;
    delete path_;
  }
  void SetUp() override {
    ASSERT_NE(database_, nullptr);
    sql_ = Connect(managed_->conninfo());
    ASSERT_NE(sql_, nullptr);
    ASSERT_OK(
        sql_->Execute("TRUNCATE vigil.alert_data, vigil.silence_data, vigil.notification_log_data, "
                      "vigil.alert_group_data, vigil.acknowledgement_data, "
                      "vigil.alert_history_data, vigil.notification_history_data",
                      60'000));
  }
  static PostgresAlertingStore& store() { return database_->alerting(); }
  static void Save(const AlertingChanges& changes) { ASSERT_OK(store().Save(changes)); }
  static AlertingState Load() {
    auto state = store().Load();
    EXPECT_TRUE(state) << state.error().message;
    return state ? *std::move(state) : AlertingState();
  }

  static inline TemporaryPath* path_ = nullptr;
  static inline ManagedPostgres* managed_ = nullptr;
  static inline ManualClock* clock_ = nullptr;
  static inline Database* database_ = nullptr;
  std::unique_ptr<Connection> sql_;
};

alerting::AlertPtr AlertToStore(std::string_view name, std::string_view job, TimestampMs ends_at) {
  alerting::Alert alert;
  alert.labels = Labels::Of({{"alertname", name}, {"job", job}});
  alert.annotations = Labels::Of({{"summary", "{\"a\", b\\}"}});
  alert.generator_url = "http://x/graph?a=1";
  alert.starts_at = kAlertStart;
  alert.updated_at = kAlertStart + 1;
  alert.ends_at = ends_at;
  alert.timeout = true;
  alert.fingerprint = alerting::Fingerprint(alert.labels);
  return std::make_shared<const alerting::Alert>(std::move(alert));
}

TEST_F(AlertingStoreTest, AlertsComeBackAsTheyWere) {
  AlertingChanges changes;
  changes.alerts = {AlertToStore("a", "x", kAlertStart + 60'000),
                    AlertToStore("a", "y", kAlertStart)};
  Save(changes);
  AlertingChanges later;
  later.alerts = {AlertToStore("a", "x", kAlertStart + 70'000)};
  later.renewed = {later.alerts[0]->fingerprint};
  later.gone_alerts = {changes.alerts[1]->fingerprint};
  Save(later);
  const AlertingState state = Load();
  ASSERT_EQ(state.alerts.size(), 1U);
  const alerting::Alert& alert = state.alerts[0];
  EXPECT_EQ(alert.labels, later.alerts[0]->labels);
  EXPECT_EQ(alert.annotations, later.alerts[0]->annotations);
  EXPECT_EQ(alert.generator_url, "http://x/graph?a=1");
  EXPECT_EQ(alert.starts_at, kAlertStart);
  EXPECT_EQ(alert.ends_at, kAlertStart + 70'000);
  EXPECT_EQ(alert.updated_at, kAlertStart + 1);
  EXPECT_TRUE(alert.timeout);
  EXPECT_EQ(alert.fingerprint, later.alerts[0]->fingerprint);
  EXPECT_EQ(state.renewed, std::vector<uint64_t>{alert.fingerprint});
  EXPECT_EQ(Ask(sql_.get(),
                "SELECT concat_ws(' ', fingerprint, alertname, labels->>'job', firing, "
                "starts_at = '2023-11-15 00:00:01.234+00', ends_at IS NULL) FROM vigil.alert"),
            alerting::FingerprintText(alert.fingerprint) + " a x t t t");
}

TEST_F(AlertingStoreTest, SilencesAndLogComeBackAsTheyWere) {
  AlertingChanges changes;
  Silence& silence = changes.silences.emplace_back();
  silence.id = "11111111-2222-4333-8444-555555555555";
  silence.matchers = {*LabelMatcher::Create(MatchType::kRegexp, "job", "a|\"b\""),
                      *LabelMatcher::Create(MatchType::kNotEqual, "x y", "")};
  silence.starts_at = kAlertStart;
  silence.ends_at = kAlertStart + kHour;
  silence.updated_at = kAlertStart + 5;
  silence.created_by = "me";
  silence.comment = std::string("a\0b", 3);
  silence.annotations = {{"ticket", "T-1"}};
  LogEntry& entry = changes.log.emplace_back();
  entry.group_key = "{}:{a=\"" + std::string(5'000, 'x') + "\"}";  // more than an index takes
  entry.integration = "r/slack/0";
  entry.timestamp = kAlertStart;
  entry.expires_at = kAlertStart + kDay;
  entry.firing = {1, ~uint64_t{0}};
  entry.owed = {7};
  entry.receiver_data = {{"ts", "12.5"}};
  Save(changes);
  entry.timestamp += 10;
  entry.firing.clear();
  entry.resolved = {1};
  Save(changes);
  AlertingState state = Load();
  ASSERT_EQ(state.silences.size(), 1U);
  EXPECT_EQ(state.silences[0].matchers, silence.matchers);
  EXPECT_EQ(state.silences[0].comment, "a\uFFFDb");
  EXPECT_EQ(state.silences[0].annotations, silence.annotations);
  EXPECT_EQ(state.silences[0].ends_at, silence.ends_at);
  ASSERT_EQ(state.log.size(), 1U);
  EXPECT_EQ(state.log[0].group_key, entry.group_key);
  EXPECT_EQ(state.log[0].timestamp, kAlertStart + 10);
  EXPECT_TRUE(state.log[0].firing.empty());
  EXPECT_EQ(state.log[0].resolved, entry.resolved);
  EXPECT_EQ(state.log[0].owed, entry.owed);
  EXPECT_EQ(state.log[0].receiver_data, entry.receiver_data);
  EXPECT_EQ(Ask(sql_.get(), "SELECT concat_ws(' ', state, matchers) FROM vigil.silence"),
            R"(expired {"job=~\"a|\\\"b\\\"\"","x y!=\"\""})");
  EXPECT_EQ(Ask(sql_.get(),
                "SELECT concat_ws(' ', integration, firing, resolved, owed, "
                "receiver_data->>'ts') FROM vigil.notification_log"),
            "r/slack/0 0 1 1 12.5");
  AlertingChanges gone;
  gone.gone_silences = {silence.id};
  gone.gone_log = {entry};
  Save(gone);
  state = Load();
  EXPECT_TRUE(state.silences.empty());
  EXPECT_TRUE(state.log.empty());
}

TEST_F(AlertingStoreTest, AcknowledgementsComeAndGo) {
  AlertingChanges changes;
  changes.alerts = {AlertToStore("a", "x", kAlertStart + 60'000)};
  const uint64_t fingerprint = changes.alerts[0]->fingerprint;
  changes.acknowledgements = {{fingerprint, kAlertStart, "me", "on it"}};
  Save(changes);
  Save(changes);
  AlertingState state = Load();
  ASSERT_EQ(state.acknowledgements.size(), 1U);
  EXPECT_EQ(state.acknowledgements[0].fingerprint, fingerprint);
  EXPECT_EQ(state.acknowledgements[0].at, kAlertStart);
  EXPECT_EQ(Ask(sql_.get(),
                "SELECT concat_ws(' ', alertname, labels->>'job', who, comment) "
                "FROM vigil.acknowledgement"),
            "a x me on it");
  AlertingChanges gone;
  gone.gone_acknowledgements = {fingerprint};
  Save(gone);
  EXPECT_TRUE(Load().acknowledgements.empty());
}

TEST_F(AlertingStoreTest, TimersOfGroupsAreReplaced) {
  const std::vector<GroupState> groups = {{"{}/0", Labels::Of({{"a", "b"}}), kAlertStart, true},
                                          {"{}/1", Labels(), kAlertStart + 1, false}};
  ASSERT_OK(store().SaveGroups(groups));
  ASSERT_OK(store().SaveGroups(groups));
  const AlertingState state = Load();
  ASSERT_EQ(state.groups.size(), 2U);
  EXPECT_EQ(state.groups[0].route_id, "{}/0");
  EXPECT_EQ(state.groups[0].labels, groups[0].labels);
  EXPECT_EQ(state.groups[1].next_flush, kAlertStart + 1);
  EXPECT_FALSE(state.groups[1].flushed);
}

AlertEvent HistoryEvent(TimestampMs at, AlertEventKind kind, std::string_view job) {
  const alerting::AlertPtr alert = AlertToStore("a", job, at);
  AlertEvent event;
  event.at = at;
  event.kind = kind;
  event.fingerprint = alert->fingerprint;
  event.labels = alert->labels;
  event.annotations = alert->annotations;
  event.starts_at = kAlertStart;
  return event;
}

TEST_F(AlertingStoreTest, HistoryIsReadByMatcherTimeAndReceiver) {
  AlertingChanges changes;
  changes.alert_events = {HistoryEvent(kAlertStart, AlertEventKind::kFiring, "x"),
                          HistoryEvent(kAlertStart + 1, AlertEventKind::kMuted, "y"),
                          HistoryEvent(kAlertStart + 1, AlertEventKind::kResolved, "x")};
  changes.alert_events[1].receiver = "r";
  changes.alert_events[1].silences = {"s1", "s2"};
  changes.alert_events[2].ends_at = kAlertStart + 1;
  Save(changes);
  HistoryQuery query;
  query.end = kAlertStart + kHour;
  auto found = store().ReadAlerts(query);
  ASSERT_OK(found);
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[0].kind, AlertEventKind::kResolved);
  EXPECT_EQ((*found)[0].ends_at, kAlertStart + 1);
  EXPECT_EQ((*found)[1].silences, (std::vector<std::string>{"s1", "s2"}));
  EXPECT_EQ((*found)[2].labels, changes.alert_events[0].labels);
  query.matchers = {{*LabelMatcher::Create(MatchType::kEqual, "job", "x")}};
  EXPECT_EQ(store().ReadAlerts(query)->size(), 2U);
  query.limit = 1;
  EXPECT_EQ(store().ReadAlerts(query)->size(), 1U);
  query = HistoryQuery{.end = kAlertStart};
  EXPECT_EQ(store().ReadAlerts(query)->size(), 1U);
  query = HistoryQuery{.end = kAlertStart + 1, .receiver = "r"};
  EXPECT_EQ(store().ReadAlerts(query)->size(), 1U);
  query = HistoryQuery{.end = kAlertStart + 1,
                       .fingerprint = alerting::FingerprintText(found->at(0).fingerprint)};
  EXPECT_EQ(store().ReadAlerts(query)->size(), 2U);
  EXPECT_EQ(Ask(sql_.get(),
                "SELECT string_agg(event || ' ' || (labels->>'job'), ', ' ORDER BY "
                "\"time\", event) FROM vigil.alert_history"),
            "firing x, muted y, resolved x");
}

TEST_F(AlertingStoreTest, HistoryPagesThroughManyRowsOfOneMoment) {
  AlertingChanges changes;
  for (int i = 0; i < 5'001; ++i) {
    changes.alert_events.push_back(
        HistoryEvent(kAlertStart, AlertEventKind::kFiring, std::to_string(i)));
  }
  Save(changes);
  HistoryQuery query{.end = kAlertStart, .limit = 10'000};
  EXPECT_EQ(store().ReadAlerts(query)->size(), 5'001U);
  query.matchers = {{*LabelMatcher::Create(MatchType::kEqual, "job", "0")}};
  EXPECT_EQ(store().ReadAlerts(query)->size(), 1U);  // the last page
}

TEST_F(AlertingStoreTest, NotificationsComeBackAsTheyWere) {
  AlertingChanges changes;
  NotificationEvent& event = changes.notification_events.emplace_back();
  event.at = kAlertStart + 7;
  event.flushed_at = kAlertStart;
  event.group_key = "{}:{a=\"b\"}";
  event.group_labels = Labels::Of({{"a", "b"}});
  event.common_labels = Labels::Of({{"a", "b"}, {"c", "d"}});
  event.integration = {"r", "webhook", 2, false};
  event.reason = alerting::NotifyReason::kNewAlerts;
  event.result = alerting::NotificationResult::kFailed;
  event.tries = 3;
  event.status = 503;
  event.error = "unexpected status code 503";
  event.firing = {1, ~uint64_t{0}};
  Save(changes);
  HistoryQuery query{.end = kAlertStart + kHour, .receiver = "r"};
  query.matchers = {{*LabelMatcher::Create(MatchType::kEqual, "c", "d")}};
  query.fingerprint = "ffffffffffffffff";
  auto found = store().ReadNotifications(query);
  ASSERT_OK(found);
  ASSERT_EQ(found->size(), 1U);
  const NotificationEvent& read = found->front();
  EXPECT_EQ(read.at, event.at);
  EXPECT_EQ(read.group_labels, event.group_labels);
  EXPECT_EQ(read.common_labels, event.common_labels);
  EXPECT_EQ(alerting::IntegrationKey(read.integration), "r/webhook/2");
  EXPECT_EQ(read.reason, event.reason);
  EXPECT_EQ(read.result, event.result);
  EXPECT_EQ(read.tries, 3U);
  EXPECT_EQ(read.status, 503);
  EXPECT_EQ(read.error, event.error);
  EXPECT_EQ(read.firing, event.firing);
  EXPECT_TRUE(read.resolved.empty());
  query.fingerprint = "0000000000000002";
  EXPECT_TRUE(store().ReadNotifications(query)->empty());
  EXPECT_EQ(Ask(sql_.get(),
                "SELECT concat_ws(' ', receiver, integration, position, reason, result, tries, "
                "status, n_firing, firing, resolved) FROM vigil.notification_history"),
            "r webhook 2 new alerts added failed 3 503 2 {0000000000000001,ffffffffffffffff} {}");
}

TEST_F(AlertingStoreTest, OldDaysOfHistoryAreDropped) {
  AlertingChanges changes;
  changes.alert_events = {HistoryEvent(clock_->Now(), AlertEventKind::kFiring, "x")};
  Save(changes);
  store().SetHistoryRetention(2 * kDay);
  const auto days = [&] {
    return Ask(sql_.get(),
               "SELECT count(*)::text FROM pg_class WHERE relname ~ '^alert_history_d[0-9]+$'");
  };
  const int before = std::stoi(days());
  clock_->Advance(2 * kDay);
  changes.alert_events[0].at = clock_->Now();
  Save(changes);
  EXPECT_EQ(Ask(sql_.get(), "SELECT count(*)::text FROM vigil.alert_history"), "2");
  clock_->Advance(kDay);
  changes.alert_events[0].at = clock_->Now();
  Save(changes);
  EXPECT_EQ(Ask(sql_.get(), "SELECT count(*)::text FROM vigil.alert_history"), "2");
  EXPECT_LE(std::stoi(days()), before + 3);
  store().SetHistoryRetention(0);
}

TEST_F(AlertingStoreTest, ASaveThatFailsStoresNothingAndTheNextOneWorks) {
  AlertingChanges changes;
  changes.alerts = {AlertToStore("a", "x", kAlertStart)};
  ASSERT_OK(sql_->Execute("ALTER TABLE vigil.notification_log_data RENAME TO hidden", 60'000));
  LogEntry& entry = changes.log.emplace_back();
  entry.group_key = "{}:{}";
  EXPECT_FALSE(store().Save(changes));
  ASSERT_OK(sql_->Execute("ALTER TABLE vigil.hidden RENAME TO notification_log_data", 60'000));
  EXPECT_TRUE(Load().alerts.empty());
  Save(changes);
  EXPECT_EQ(Load().alerts.size(), 1U);
  // A connection that is gone is replaced.
  Ask(sql_.get(),
      "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity WHERE "
      "application_name = 'vigil-alerting'");
  EXPECT_FALSE(store().Save(changes));
  Save(changes);
}

TEST_F(AlertingStoreTest, AServerThatWasReplacedStoresNothing) {
  DatabaseOptions options = OptionsFor(managed_->conninfo());
  ASSERT_OK(sql_->Execute("UPDATE vigil.ingester SET epoch = epoch + 1", 60'000));
  AlertingChanges changes;
  changes.alerts = {AlertToStore("a", "x", kAlertStart)};
  EXPECT_FALSE(store().Save(changes));
  ASSERT_OK(sql_->Execute("UPDATE vigil.ingester SET epoch = epoch - 1", 60'000));
  Save(changes);
}

TEST_F(AlertingStoreTest, ManyAlertsAreAFewStatements) {
  AlertingChanges changes;
  for (int i = 0; i < 20'000; ++i) {
    changes.alerts.push_back(AlertToStore("many", std::to_string(i), kAlertStart + 60'000));
  }
  const int64_t began = Clock::System().MonotonicNs();
  Save(changes);
  const int64_t saved = Clock::System().MonotonicNs();
  EXPECT_EQ(Load().alerts.size(), 20'000U);
  const int64_t loaded = Clock::System().MonotonicNs();
  RecordProperty("save_ms", static_cast<int>((saved - began) / 1'000'000));
  RecordProperty("load_ms", static_cast<int>((loaded - saved) / 1'000'000));
  EXPECT_LT(std::stoi(Ask(sql_.get(),
                          "SELECT (pg_total_relation_size('vigil.alert_data') / "
                          "1000000)::text")),
            20);
}

}  // namespace
}  // namespace vigil::postgres

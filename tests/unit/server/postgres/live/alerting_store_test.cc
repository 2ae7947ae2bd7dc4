// SPDX-License-Identifier: Apache-2.0
// State and history of alerting on a real PostgreSQL.
#include "server/postgres/alerting_store.h"

#include <signal.h>

#include <algorithm>

#include "client-lib/base/clock.h"
#include "server/postgres/alerting_history.h"
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
        sql_->Execute("TRUNCATE vigil.alert_page, vigil.silence_data, vigil.notification_log_data, "
                      "vigil.alert_group_data, vigil.heartbeat_data, vigil.acknowledgement_data, "
                      "vigil.alert_history_page, vigil.notification_history_data",
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

TEST_F(AlertingStoreTest, AnAlertThatCameBackAfterItWentIsNewAndNotRenewed) {
  AlertingChanges changes;
  changes.alerts = {AlertToStore("a", "x", kAlertStart + 60'000)};
  changes.renewed = {changes.alerts[0]->fingerprint};
  Save(changes);
  AlertingChanges gone;
  gone.gone_alerts = changes.renewed;
  Save(gone);
  EXPECT_TRUE(Load().alerts.empty());
  changes.renewed.clear();
  Save(changes);
  const AlertingState state = Load();
  EXPECT_EQ(state.alerts.size(), 1U);
  EXPECT_TRUE(state.renewed.empty());
}

TEST_F(AlertingStoreTest, PagesAreFoldedToWhatStands) {
  AlertingChanges changes;
  for (int i = 0; i < 1'200; ++i) {
    changes.alerts.push_back(AlertToStore("a", std::to_string(i), kAlertStart + 60'000));
  }
  changes.renewed = {changes.alerts[3]->fingerprint};
  changes.known_alerts = 1'200;
  Save(changes);
  AlertingChanges gone;
  gone.gone_alerts = {changes.alerts[7]->fingerprint};
  Save(gone);
  changes.alerts.erase(changes.alerts.begin() + 7);
  changes.renewed.clear();
  for (int i = 0; i < 6; ++i) {
    Save(changes);
    store().TidyUp();
  }
  const AlertingState state = Load();
  EXPECT_EQ(state.alerts.size(), 1'199U);
  EXPECT_EQ(state.renewed, std::vector<uint64_t>{changes.alerts[3]->fingerprint});
  // People see the same through the view.
  EXPECT_EQ(Ask(sql_.get(),
                "SELECT concat_ws(' ', count(*), count(DISTINCT fingerprint), "
                "count(*) FILTER (WHERE renewed)) FROM vigil.alert_data"),
            "1199 1199 1");
  EXPECT_EQ(Ask(sql_.get(),
                "SELECT concat_ws(' ', sum(cardinality(fingerprint)), sum(cardinality(gone)), "
                "sum(cardinality(renewed))) FROM vigil.alert_page"),
            "3597 0 1");
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

// One row that somebody wrote by hand must not keep the server from starting.
TEST_F(AlertingStoreTest, ASilenceThatCannotBeReadIsLeftOut) {
  AlertingChanges changes;
  for (const char* id : {"broken", "good"}) {
    Silence& silence = changes.silences.emplace_back();
    silence.id = id;
    silence.matchers = {*LabelMatcher::Create(MatchType::kEqual, "a", "b")};
    silence.ends_at = kAlertStart + kHour;
  }
  Save(changes);
  ASSERT_OK(sql_->Execute("UPDATE vigil.silence_data SET matchers = '{a,=~,(}' WHERE id = 'broken'",
                          60'000));
  const AlertingState state = Load();
  ASSERT_EQ(state.silences.size(), 1U);
  EXPECT_EQ(state.silences[0].id, "good");
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

TEST_F(AlertingStoreTest, HeartbeatsAreReplaced) {
  AlertingChanges changes;
  changes.heartbeats = {{"{}/{a=\"b\"}/0", 5'000}, {"gone", 0}};
  Save(changes);
  Save({});
  EXPECT_EQ(Load().heartbeats.size(), 2U);
  changes.heartbeats.pop_back();
  changes.heartbeats[0].silent_for = 7'000;
  Save(changes);
  const auto heartbeats = Load().heartbeats;
  ASSERT_EQ(heartbeats.size(), 1U);
  EXPECT_EQ(heartbeats[0].route_id, "{}/{a=\"b\"}/0");
  EXPECT_EQ(heartbeats[0].silent_for, 7'000);
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

// Of the partitions of notifications, by whatever way.
int64_t NotificationRowsRead(Connection* sql) {
  Ask(sql, "SELECT pg_stat_force_next_flush()::text");
  return std::stoll(Ask(sql,
                        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int8::text "
                        "FROM pg_stat_user_tables WHERE relname LIKE 'notification_history_d%'"));
}

TEST_F(AlertingStoreTest, MessagesOfAGroupAreFoundAmongMany) {
  AlertingChanges changes;
  NotificationEvent event;
  event.at = kAlertStart;
  event.group_key = "{}:{a=\"b\"}";
  event.integration = {"r", "webhook", 0, true};
  event.firing = {17};
  changes.notification_events.assign(4, event);
  changes.notification_events[1].at = kAlertStart + 5;
  changes.notification_events[2].group_key = std::string(5'000, 'x');  // no index takes it whole
  changes.notification_events[3].firing = {18};
  Save(changes);
  ASSERT_OK(sql_->Execute(
      "INSERT INTO vigil.notification_history_data (t, flushed_at, position, send_resolved, tries, "
      "status, group_key, group_labels, labels, receiver, integration, reason, result, error, "
      "firing, resolved) SELECT t + 1 + n % 60000, t, 0, true, 1, 200, 'other ' || n % 100, '{}', "
      "'{}', 'r', 'webhook', 'first', 'sent', '', '{17}', '{}' "
      "FROM generate_series(1, 20000) n, (SELECT " +
          std::to_string(kAlertStart) + "::int8 AS t) AS x",
      60'000));
  HistoryQuery query{.end = kAlertStart + kHour};
  query.fingerprint = "0000000000000011";
  query.limit = 50;
  query.group_keys = {event.group_key, "none", std::string(5'000, 'x')};
  const int64_t before = NotificationRowsRead(sql_.get());
  const auto found = ReadNotificationHistory(sql_.get(), query, 60'000);
  ASSERT_OK(found);
  EXPECT_LT(NotificationRowsRead(sql_.get()) - before, 100);
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[0].at, kAlertStart + 5);
  EXPECT_EQ((*found)[1].at, kAlertStart);
  EXPECT_EQ((*found)[1].firing, event.firing);
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
      "SELECT count(pg_terminate_backend(pid, 10000))::text FROM pg_stat_activity WHERE "
      "application_name = 'vigil-alerting'");
  Save(changes);
}

// Messages wait for what is stored before they go out: not for a database that hangs.
TEST_F(AlertingStoreTest, ASaveToADatabaseThatHangsFailsSoon) {
  AlertingChanges changes;
  changes.heartbeats = {{"r", 1}};
  Save(changes);
  const pid_t session = std::stoi(
      Ask(sql_.get(),
          "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'vigil-alerting'"));
  ASSERT_EQ(kill(session, SIGSTOP), 0);
  const int64_t began_ns = Clock::System().MonotonicNs();
  const Result<void> saved = store().Save(changes);
  const int64_t took_ms = (Clock::System().MonotonicNs() - began_ns) / 1'000'000;
  EXPECT_EQ(kill(session, SIGCONT), 0);
  ASSERT_FALSE(saved);
  EXPECT_LT(took_ms, 8'000);  // a statement may take 10 s
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
                          "SELECT (pg_total_relation_size('vigil.alert_page') / "
                          "1000000)::text")),
            5);
}

}  // namespace
}  // namespace vigil::postgres

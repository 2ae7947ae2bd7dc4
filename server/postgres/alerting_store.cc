// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/alerting_store.h"

#include <bit>
#include <utility>

#include "client-lib/base/log.h"
#include "server/postgres/alerting_history.h"
#include "server/postgres/alerting_pages.h"
#include "server/postgres/alerting_rows.h"
#include "server/postgres/transaction.h"

namespace vigil::postgres {
namespace {

using alerting::AlertingChanges;
using alerting::GroupState;
using alerting::LogEntry;
using alerting::Silence;

constexpr TimestampMs kHourMs = 3'600'000;
// What looks at all alerts may take so many times as long as a statement of every day.
constexpr int64_t kLoadFactor = 6;

// Pages are folded once what they say is so much, and twice as much as what stands.
constexpr int64_t kFoldAfter = 5'000;
constexpr const char* kUpsertLog =
    "INSERT INTO vigil.notification_log_data (key, t, expires_at, group_key, integration, firing, "
    "resolved, owed, receiver_data) "
    "SELECT md5(g || chr(10) || i)::uuid, t, x, g, i, f::int8[], r::int8[], o::int8[], d::text[] "
    "FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::text[], $6::text[], "
    "$7::text[], $8::text[]) AS n (t, x, g, i, f, r, o, d) "
    "ON CONFLICT (key) DO UPDATE SET t = excluded.t, expires_at = excluded.expires_at, "
    "firing = excluded.firing, resolved = excluded.resolved, owed = excluded.owed, "
    "receiver_data = excluded.receiver_data";
constexpr const char* kDeleteLog =
    "DELETE FROM vigil.notification_log_data WHERE key IN "
    "(SELECT md5(g || chr(10) || i)::uuid FROM unnest($1::text[], $2::text[]) AS n (g, i))";
constexpr const char* kUpsertSilences =
    "INSERT INTO vigil.silence_data (starts_at, ends_at, updated_at, id, matchers, created_by, "
    "comment, annotations) "
    "SELECT s, e, u, id, m::text[], c, o, a::text[] FROM unnest($1::int8[], $2::int8[], $3::int8[],"
    " $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) "
    "AS x (s, e, u, id, m, c, o, a) "
    "ON CONFLICT (id) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at, "
    "updated_at = excluded.updated_at, matchers = excluded.matchers, "
    "created_by = excluded.created_by, comment = excluded.comment, "
    "annotations = excluded.annotations";
constexpr const char* kDeleteSilences =
    "DELETE FROM vigil.silence_data WHERE id = ANY ($1::text[])";
constexpr const char* kUpsertAcknowledgements =
    "INSERT INTO vigil.acknowledgement_data (fingerprint, t, who, comment) "
    "SELECT f, t, w, c FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[]) "
    "AS x (f, t, w, c) "
    "ON CONFLICT (fingerprint) DO UPDATE SET t = excluded.t, who = excluded.who, "
    "comment = excluded.comment";
constexpr const char* kDeleteAcknowledgements =
    "DELETE FROM vigil.acknowledgement_data WHERE fingerprint = ANY ($1::int8[])";
constexpr const char* kInsertGroups =
    "INSERT INTO vigil.alert_group_data (next_flush, flushed, route_id, labels) "
    "SELECT n, f <> 0, r, l::text[] FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[]) "
    "AS x (n, f, r, l)";

constexpr const char* kInsertHeartbeats =
    "INSERT INTO vigil.heartbeat_data (silent_for, route_id) "
    "SELECT s, r FROM unnest($1::int8[], $2::text[]) AS x (s, r)";

int64_t Signed(uint64_t number) { return std::bit_cast<int64_t>(number); }

std::vector<int64_t> AllSigned(const std::vector<uint64_t>& numbers) {
  std::vector<int64_t> out;
  for (const uint64_t number : numbers) out.push_back(Signed(number));
  return out;
}

Result<void> LoadLog(Connection* connection, int64_t timeout_ms, alerting::AlertingState* state) {
  const Rows rows = TRY(connection->Query(
      "SELECT t, expires_at, group_key, integration, firing, resolved, owed, receiver_data "
      "FROM vigil.notification_log_data",
      timeout_ms));
  for (int i = 0; i < rows.size(); ++i) {
    LogEntry& entry = state->log.emplace_back();
    entry.timestamp = rows.Int(i, 0);
    entry.expires_at = rows.Int(i, 1);
    entry.group_key = ReadString(rows, i, 2);
    entry.integration = ReadString(rows, i, 3);
    entry.firing = TRY(ReadNumbers(rows, i, 4));
    entry.resolved = TRY(ReadNumbers(rows, i, 5));
    entry.owed = TRY(ReadNumbers(rows, i, 6));
    entry.receiver_data = TRY(ReadMap(rows, i, 7));
  }
  return Ok();
}

Result<void> LoadSilences(Connection* connection, int64_t timeout_ms,
                          alerting::AlertingState* state) {
  const Rows rows = TRY(connection->Query(
      "SELECT starts_at, ends_at, updated_at, id, matchers, created_by, comment, annotations "
      "FROM vigil.silence_data",
      timeout_ms));
  for (int i = 0; i < rows.size(); ++i) {
    auto matchers = ReadMatchers(rows, i, 4);
    if (!matchers) {
      // One row that somebody wrote by hand must not keep the server from starting.
      log::Error("alerting", "a stored silence is left out: its matchers cannot be read",
                 {{"id", ReadString(rows, i, 3)}, {"err", matchers.error()}});
      continue;
    }
    Silence& silence = state->silences.emplace_back();
    silence.starts_at = rows.Int(i, 0);
    silence.ends_at = rows.Int(i, 1);
    silence.updated_at = rows.Int(i, 2);
    silence.id = ReadString(rows, i, 3);
    silence.matchers = *std::move(matchers);
    silence.created_by = ReadString(rows, i, 5);
    silence.comment = ReadString(rows, i, 6);
    silence.annotations = TRY(ReadMap(rows, i, 7));
  }
  return Ok();
}

Result<void> LoadAcknowledgements(Connection* connection, int64_t timeout_ms,
                                  alerting::AlertingState* state) {
  const Rows rows = TRY(connection->Query(
      "SELECT fingerprint, t, who, comment FROM vigil.acknowledgement_data", timeout_ms));
  for (int i = 0; i < rows.size(); ++i) {
    state->acknowledgements.push_back({std::bit_cast<uint64_t>(rows.Int(i, 0)), rows.Int(i, 1),
                                       ReadString(rows, i, 2), ReadString(rows, i, 3)});
  }
  return Ok();
}

Result<void> LoadGroups(Connection* connection, int64_t timeout_ms,
                        alerting::AlertingState* state) {
  const Rows rows = TRY(connection->Query(
      "SELECT next_flush, flushed, route_id, labels FROM vigil.alert_group_data", timeout_ms));
  for (int i = 0; i < rows.size(); ++i) {
    GroupState& group = state->groups.emplace_back();
    group.next_flush = rows.Int(i, 0);
    group.flushed = rows.Bool(i, 1);
    group.route_id = ReadString(rows, i, 2);
    group.labels = TRY(ReadLabels(rows, i, 3));
  }
  return Ok();
}

Result<void> LoadHeartbeats(Connection* connection, int64_t timeout_ms,
                            alerting::AlertingState* state) {
  const Rows rows =
      TRY(connection->Query("SELECT silent_for, route_id FROM vigil.heartbeat_data", timeout_ms));
  for (int i = 0; i < rows.size(); ++i) {
    state->heartbeats.push_back({ReadString(rows, i, 1), rows.Int(i, 0)});
  }
  return Ok();
}

Result<void> WriteHeartbeats(Connection* connection, const AlertingChanges& changes,
                             int64_t timeout_ms) {
  if (changes.heartbeats.empty()) return Ok();
  TRY(connection->Execute("DELETE FROM vigil.heartbeat_data", timeout_ms));
  return WriteRows(connection, kInsertHeartbeats, changes.heartbeats, ColumnSet(1, 1), timeout_ms,
                   [](const alerting::Heartbeat& one, ColumnSet* columns) {
                     columns->Add({one.silent_for}, {StorableText(one.route_id)});
                   });
}

Result<void> WriteLog(Connection* connection, const AlertingChanges& changes, int64_t timeout_ms) {
  TRY(WriteRows(
      connection, kDeleteLog, changes.gone_log, ColumnSet(0, 2), timeout_ms,
      [](const LogEntry& entry, ColumnSet* columns) {
        columns->Add({}, {StorableText(entry.group_key), StorableText(entry.integration)});
      }));
  return WriteRows(connection, kUpsertLog, changes.log, ColumnSet(2, 6), timeout_ms,
                   [](const LogEntry& entry, ColumnSet* columns) {
                     columns->Add({entry.timestamp, entry.expires_at},
                                  {StorableText(entry.group_key), StorableText(entry.integration),
                                   NumbersLiteral(entry.firing), NumbersLiteral(entry.resolved),
                                   NumbersLiteral(entry.owed), PairsLiteral(entry.receiver_data)});
                   });
}

Result<void> WriteSilences(Connection* connection, const AlertingChanges& changes,
                           int64_t timeout_ms) {
  if (!changes.gone_silences.empty()) {
    Parameters parameters;
    parameters.TextArray(changes.gone_silences);
    TRY(connection->Query(kDeleteSilences, parameters, timeout_ms));
  }
  return WriteRows(connection, kUpsertSilences, changes.silences, ColumnSet(3, 5), timeout_ms,
                   [](const Silence& silence, ColumnSet* columns) {
                     columns->Add({silence.starts_at, silence.ends_at, silence.updated_at},
                                  {StorableText(silence.id), MatchersLiteral(silence.matchers),
                                   StorableText(silence.created_by), StorableText(silence.comment),
                                   PairsLiteral(silence.annotations)});
                   });
}

Result<void> WriteAcknowledgements(Connection* connection, const AlertingChanges& changes,
                                   int64_t timeout_ms) {
  if (!changes.gone_acknowledgements.empty()) {
    Parameters parameters;
    parameters.Int8Array(AllSigned(changes.gone_acknowledgements));
    TRY(connection->Query(kDeleteAcknowledgements, parameters, timeout_ms));
  }
  return WriteRows(connection, kUpsertAcknowledgements, changes.acknowledgements, ColumnSet(2, 2),
                   timeout_ms, [](const alerting::Acknowledgement& one, ColumnSet* columns) {
                     columns->Add({Signed(one.fingerprint), one.at},
                                  {StorableText(one.by), StorableText(one.comment)});
                   });
}

}  // namespace

Result<void> PostgresAlertingStore::Connect() {
  // A database that hangs is found out here, and not by a statement that may take long: messages
  // wait for what is stored before they go out.
  if (connection_ != nullptr && !connection_->broken()) {
    Result<void> there = connection_->Execute("SELECT", options_.probe_ms);
    if (there) return Ok();
    connection_.reset();
    days_.clear();
    in_doubt_ = true;
    if (there.error().kind == ErrorKind::kTimeout) return there;
  }
  const int64_t limit_ms =
      in_doubt_ ? std::min(options_.probe_ms, kConnectTimeoutMs) : kConnectTimeoutMs;
  connection_ =
      TRY(Connection::Open(options_.conninfo, "vigil-alerting", kWriterSession, limit_ms));
  return Ok();
}

template <typename F>
Result<void> PostgresAlertingStore::Transact(F&& body) {
  TRY(Connect());
  Result<void> done =
      InTransaction(connection_.get(), "", options_.timeout_ms, std::forward<F>(body));
  if (!done) {
    connection_.reset();
    days_.clear();
  }
  in_doubt_ = !done;
  return done;
}

Result<void> PostgresAlertingStore::Fence() {
  return HoldFence(connection_.get(), options_.owner, options_.timeout_ms);
}

Result<alerting::AlertingState> PostgresAlertingStore::Load() {
  TRY(Connect());
  alerting::AlertingState state;
  // A hundred thousand alerts take longer than a statement of every day.
  const int64_t timeout_ms = kLoadFactor * options_.timeout_ms;
  said_ = TRY(LoadAlertPages(connection_.get(), timeout_ms, &state));
  TRY(LoadLog(connection_.get(), timeout_ms, &state));
  TRY(LoadSilences(connection_.get(), timeout_ms, &state));
  TRY(LoadAcknowledgements(connection_.get(), timeout_ms, &state));
  TRY(LoadGroups(connection_.get(), timeout_ms, &state));
  TRY(LoadHeartbeats(connection_.get(), timeout_ms, &state));
  return state;
}

Result<void> PostgresAlertingStore::Save(const AlertingChanges& changes) {
  TRY(Connect());
  if (clock_.Now() >= kept_up_at_ + kHourMs) KeepUpHistory();
  TRY(Transact([&]() -> Result<void> {
    TRY(Fence());
    TRY(WriteAlertPages(connection_.get(), changes, options_.timeout_ms));
    TRY(WriteLog(connection_.get(), changes, options_.timeout_ms));
    TRY(WriteSilences(connection_.get(), changes, options_.timeout_ms));
    TRY(WriteAcknowledgements(connection_.get(), changes, options_.timeout_ms));
    TRY(WriteHeartbeats(connection_.get(), changes, options_.timeout_ms));
    return WriteHistory(changes);
  }));
  said_ += static_cast<int64_t>(changes.alerts.size() + changes.renewed.size() +
                                changes.gone_alerts.size());
  fold_due_ = said_ > kFoldAfter && said_ > fold_at_ && changes.known_alerts &&
              said_ > 2 * static_cast<int64_t>(*changes.known_alerts);
  return Ok();
}

// Keeps the pages of alerts in proportion to the alerts that stand. The fence is asked for last:
// who takes over must not wait for what takes long.
void PostgresAlertingStore::TidyUp() {
  if (!std::exchange(fold_due_, false)) return;
  int64_t left = 0;
  Result<void> folded = Transact([&]() -> Result<void> {
    left = TRY(FoldAlertPages(connection_.get(), kLoadFactor * options_.timeout_ms));
    return Fence();
  });
  if (folded) {
    said_ = left;
    fold_at_ = 0;
    return;
  }
  // Nothing is wrong with the pages as they are: tried again when there are twice as many.
  fold_at_ = 2 * said_;
  log::Warn("alerting", "the pages of stored alerts stay as they are for a while",
            {{"err", folded.error()}});
}

Result<void> PostgresAlertingStore::SaveGroups(const std::vector<GroupState>& groups) {
  return Transact([&]() -> Result<void> {
    TRY(Fence());
    TRY(connection_->Execute("DELETE FROM vigil.alert_group_data", options_.timeout_ms));
    return WriteRows(connection_.get(), kInsertGroups, groups, ColumnSet(2, 2), options_.timeout_ms,
                     [](const GroupState& group, ColumnSet* columns) {
                       columns->Add({group.next_flush, group.flushed ? 1 : 0},
                                    {StorableText(group.route_id), PairsLiteral(group.labels)});
                     });
  });
}

Result<void> PostgresAlertingStore::WriteHistory(const AlertingChanges& changes) {
  TRY(OpenDays(changes));
  return InsertHistory(connection_.get(), changes, options_.timeout_ms);
}

Result<void> PostgresAlertingStore::OpenDays(const AlertingChanges& changes) {
  std::set<int64_t> days;
  for (const auto& event : changes.alert_events) days.insert(HistoryDay(event.at));
  for (const auto& event : changes.notification_events) days.insert(HistoryDay(event.at));
  for (const int64_t day : days) TRY(OpenDay(day));
  return Ok();
}

Result<void> PostgresAlertingStore::OpenDay(int64_t day) {
  if (days_.contains(day)) return Ok();
  TRY(CreateHistoryDay(connection_.get(), day, options_.timeout_ms));
  days_.insert(day);
  return Ok();
}

// A new partition locks the table, which a long query may hold: tomorrow's is made today, and what
// fails is tried again an hour later, or when a row needs it.
void PostgresAlertingStore::KeepUpHistory() {
  const TimestampMs now = clock_.Now();
  kept_up_at_ = now;
  const int64_t today = HistoryDay(now);
  const int64_t retention = history_retention_ms_;
  for (const int64_t day : {today, today + 1}) {
    Result<void> made = InTransaction(connection_.get(), kShortLocks, options_.timeout_ms, [&] {
      return CreateHistoryDay(connection_.get(), day, options_.timeout_ms);
    });
    if (made) days_.insert(day);
  }
  if (retention == 0) return;
  Result<void> dropped = DropOldDays(now - retention);
  if (!dropped) {
    log::Warn("alerting", "old days of alert history stay for another hour",
              {{"err", dropped.error()}});
  }
}

Result<void> PostgresAlertingStore::DropOldDays(TimestampMs before) {
  return InTransaction(connection_.get(), kShortLocks, options_.timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection_.get(), options_.owner, options_.timeout_ms));
    days_.erase(days_.begin(), days_.lower_bound(HistoryDay(before)));
    return DropHistoryDays(connection_.get(), HistoryDay(before), options_.timeout_ms);
  });
}

Result<std::vector<alerting::AlertEvent>> PostgresAlertingStore::ReadAlerts(
    const alerting::HistoryQuery& query) {
  auto connection =
      TRY(Connection::Open(options_.conninfo, "vigil-history", {}, kConnectTimeoutMs));
  return ReadAlertHistory(connection.get(), query, 6 * options_.timeout_ms);
}

Result<std::vector<alerting::NotificationEvent>> PostgresAlertingStore::ReadNotifications(
    const alerting::HistoryQuery& query) {
  auto connection =
      TRY(Connection::Open(options_.conninfo, "vigil-history", {}, kConnectTimeoutMs));
  return ReadNotificationHistory(connection.get(), query, 6 * options_.timeout_ms);
}

}  // namespace vigil::postgres

// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/alerting_history.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string>

#include "client-lib/base/clock.h"
#include "server/postgres/alerting_rows.h"

namespace vigil::postgres {
namespace {

using alerting::AlertEvent;
using alerting::AlertEventKind;
using alerting::HistoryQuery;
using alerting::NotificationEvent;
using alerting::NotificationResult;
using alerting::NotifyReason;

constexpr int64_t kHistoryDayMs = int64_t{24} * 3'600'000;
// Rows that are read at once, to be looked at by what SQL cannot decide.
constexpr int64_t kHistoryPage = 2'000;
constexpr int64_t kNsPerMs = 1'000'000;

constexpr std::array<std::string_view, 2> kHistoryTables = {"alert_history",
                                                            "notification_history"};

constexpr const char* kInsertAlertEvents =
    "INSERT INTO vigil.alert_history_data (t, fingerprint, starts_at, ends_at, event, labels, "
    "annotations, group_key, receiver, silences, inhibited_by, intervals, who, comment) "
    "SELECT t, f, s, e, v, l::text[], a::text[], g, r, i::text[], h::text[], n::text[], w, c "
    "FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::text[], $6::text[], "
    "$7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], "
    "$14::text[]) AS x (t, f, s, e, v, l, a, g, r, i, h, n, w, c)";
constexpr const char* kInsertNotifications =
    "INSERT INTO vigil.notification_history_data (t, flushed_at, position, send_resolved, tries, "
    "status, group_key, group_labels, labels, receiver, integration, reason, result, error, "
    "firing, resolved) "
    "SELECT t, f, p, s <> 0, n, c, g, gl::text[], l::text[], r, i, w, o, e, fi::int8[], "
    "re::int8[] FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], "
    "$6::int8[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], "
    "$13::text[], $14::text[], $15::text[], $16::text[]) "
    "AS x (t, f, p, s, n, c, g, gl, l, r, i, w, o, e, fi, re)";

template <typename Enum, typename Namer>
Enum EnumOf(std::string_view text, Enum last, Namer&& name) {
  for (int i = 0; i < static_cast<int>(last); ++i) {
    if (name(static_cast<Enum>(i)) == text) return static_cast<Enum>(i);
  }
  return last;
}

bool MatchesAny(const HistoryQuery& query, const Labels& labels) {
  return query.matchers.empty() ||
         std::any_of(query.matchers.begin(), query.matchers.end(), [&](const auto& matchers) {
           return alerting::MatchesLabels(matchers, labels);
         });
}

// Reads pages, newest first, for `timeout_ms` in all, until `limit` events match. `columns` begin
// with t and id.
template <typename Event, typename Reader>
Result<std::vector<Event>> ReadPages(Connection* connection, const HistoryQuery& query,
                                     const std::string& select, const Parameters& filters,
                                     int64_t timeout_ms, Reader&& read) {
  std::vector<Event> events;
  int64_t before_t = std::numeric_limits<int64_t>::max();
  int64_t before_id = std::numeric_limits<int64_t>::max();
  const int64_t deadline_ns = Clock::System().MonotonicNs() + timeout_ms * kNsPerMs;
  while (events.size() < query.limit) {
    const int64_t left_ms = (deadline_ns - Clock::System().MonotonicNs()) / kNsPerMs;
    if (left_ms <= 0) {
      return Timeout(
          "reading the history took too long: ask for a shorter time, or name the alert");
    }
    Parameters parameters = filters;
    parameters.Int8(query.start).Int8(query.end).Int8(before_t).Int8(before_id).Int8(kHistoryPage);
    const Rows rows = TRY(connection->Query(
        select + " AND t BETWEEN $3 AND $4 AND (t, id) < ($5, $6) ORDER BY t DESC, id DESC LIMIT "
                 "$7",
        parameters, left_ms));
    for (int i = 0; i < rows.size() && events.size() < query.limit; ++i) {
      Event event = TRY(read(rows, i));
      if constexpr (std::is_same_v<Event, AlertEvent>) {
        if (!MatchesAny(query, event.labels)) continue;
      } else {
        if (!MatchesAny(query, event.common_labels)) continue;
      }
      events.push_back(std::move(event));
    }
    if (rows.size() < kHistoryPage) break;
    before_t = rows.Int(rows.size() - 1, 0);
    before_id = rows.Int(rows.size() - 1, 1);
  }
  return events;
}

Result<AlertEvent> ReadAlertEvent(const Rows& rows, int row) {
  AlertEvent event;
  event.at = rows.Int(row, 0);
  event.fingerprint = std::bit_cast<uint64_t>(rows.Int(row, 2));
  event.starts_at = rows.Int(row, 3);
  event.ends_at = rows.Int(row, 4);
  event.kind = EnumOf(rows.Bytes(row, 5), AlertEventKind::kAcknowledged, &alerting::AlertEventText);
  event.labels = TRY(ReadLabels(rows, row, 6));
  event.annotations = TRY(ReadLabels(rows, row, 7));
  event.group_key = ReadString(rows, row, 8);
  event.receiver = ReadString(rows, row, 9);
  event.silences = TRY(ReadTexts(rows, row, 10));
  event.inhibited_by = TRY(ReadTexts(rows, row, 11));
  event.intervals = TRY(ReadTexts(rows, row, 12));
  event.by = ReadString(rows, row, 13);
  event.comment = ReadString(rows, row, 14);
  return event;
}

Result<NotificationEvent> ReadNotification(const Rows& rows, int row) {
  NotificationEvent event;
  event.at = rows.Int(row, 0);
  event.flushed_at = rows.Int(row, 2);
  event.integration.index = static_cast<size_t>(rows.Int(row, 3));
  event.integration.send_resolved = rows.Bool(row, 4);
  event.tries = static_cast<size_t>(rows.Int(row, 5));
  event.status = static_cast<int>(rows.Int(row, 6));
  event.group_key = ReadString(rows, row, 7);
  event.group_labels = TRY(ReadLabels(rows, row, 8));
  event.common_labels = TRY(ReadLabels(rows, row, 9));
  event.integration.receiver = ReadString(rows, row, 10);
  event.integration.type = ReadString(rows, row, 11);
  event.reason = EnumOf(rows.Bytes(row, 12), NotifyReason::kEscalated, &alerting::NotifyReasonText);
  event.result =
      EnumOf(rows.Bytes(row, 13), NotificationResult::kUnwanted, &alerting::NotificationResultText);
  event.error = ReadString(rows, row, 14);
  event.firing = TRY(ReadNumbers(rows, row, 15));
  event.resolved = TRY(ReadNumbers(rows, row, 16));
  return event;
}

}  // namespace

int64_t HistoryDay(TimestampMs time) {
  return time >= 0 ? time / kHistoryDayMs : -((-(time + 1)) / kHistoryDayMs) - 1;
}

Result<void> CreateHistoryDay(Connection* connection, int64_t day, int64_t timeout_ms) {
  for (const std::string_view table : kHistoryTables) {
    const std::string name(table);
    TRY(connection->Execute("CREATE TABLE IF NOT EXISTS vigil." + name + "_d" +
                                std::to_string(day) + " PARTITION OF vigil." + name +
                                "_data FOR VALUES FROM (" + std::to_string(day * kHistoryDayMs) +
                                ") TO (" + std::to_string((day + 1) * kHistoryDayMs) + ")",
                            timeout_ms));
  }
  return Ok();
}

Result<void> DropHistoryDays(Connection* connection, int64_t before_day, int64_t timeout_ms) {
  for (const std::string_view table : kHistoryTables) {
    const std::string name(table);
    const Rows old = TRY(connection->Query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'vigil'::regnamespace AND "
        "relkind = 'r' AND relname ~ '^" +
            name + "_d[0-9]+$' AND substr(relname, " + std::to_string(name.size() + 3) +
            ")::int8 < " + std::to_string(before_day),
        timeout_ms));
    for (int i = 0; i < old.size(); ++i) {
      TRY(connection->Execute("DROP TABLE vigil." + ReadString(old, i, 0), timeout_ms));
    }
  }
  return Ok();
}

Result<void> InsertHistory(Connection* connection, const alerting::AlertingChanges& changes,
                           int64_t timeout_ms) {
  TRY(WriteRows(connection, kInsertAlertEvents, changes.alert_events, ColumnSet(4, 10), timeout_ms,
                [](const AlertEvent& event, ColumnSet* columns) {
                  columns->Add({event.at, std::bit_cast<int64_t>(event.fingerprint),
                                event.starts_at, event.ends_at},
                               {std::string(AlertEventText(event.kind)), PairsLiteral(event.labels),
                                PairsLiteral(event.annotations), StorableText(event.group_key),
                                StorableText(event.receiver), TextsLiteral(event.silences),
                                TextsLiteral(event.inhibited_by), TextsLiteral(event.intervals),
                                StorableText(event.by), StorableText(event.comment)});
                }));
  return WriteRows(
      connection, kInsertNotifications, changes.notification_events, ColumnSet(6, 10), timeout_ms,
      [](const NotificationEvent& event, ColumnSet* columns) {
        columns->Add(
            {event.at, event.flushed_at, static_cast<int64_t>(event.integration.index),
             event.integration.send_resolved ? 1 : 0, static_cast<int64_t>(event.tries),
             event.status},
            {StorableText(event.group_key), PairsLiteral(event.group_labels),
             PairsLiteral(event.common_labels), StorableText(event.integration.receiver),
             StorableText(event.integration.type), std::string(NotifyReasonText(event.reason)),
             std::string(NotificationResultText(event.result)), StorableText(event.error),
             NumbersLiteral(event.firing), NumbersLiteral(event.resolved)});
      });
}

Result<std::vector<AlertEvent>> ReadAlertHistory(Connection* connection, const HistoryQuery& query,
                                                 int64_t timeout_ms) {
  Parameters filters;
  filters.Text(StorableText(query.receiver)).Text(StorableText(query.fingerprint));
  return ReadPages<AlertEvent>(
      connection, query,
      "SELECT t, id, fingerprint, starts_at, ends_at, event, labels, annotations, group_key, "
      "receiver, silences, inhibited_by, intervals, who, comment FROM vigil.alert_history_data "
      "WHERE ($1 = '' OR receiver = $1) AND ($2 = '' OR fingerprint = ('x' || $2)::bit(64)::int8)",
      filters, timeout_ms, &ReadAlertEvent);
}

Result<std::vector<NotificationEvent>> ReadNotificationHistory(Connection* connection,
                                                               const HistoryQuery& query,
                                                               int64_t timeout_ms) {
  Parameters filters;
  filters.Text(StorableText(query.receiver)).Text(StorableText(query.fingerprint));
  return ReadPages<NotificationEvent>(
      connection, query,
      "SELECT t, id, flushed_at, position, send_resolved, tries, status, group_key, group_labels, "
      "labels, receiver, integration, reason, result, error, firing, resolved "
      "FROM vigil.notification_history_data WHERE ($1 = '' OR receiver = $1) AND ($2 = '' OR "
      "('x' || $2)::bit(64)::int8 = ANY (firing || resolved))",
      filters, timeout_ms, &ReadNotification);
}

}  // namespace vigil::postgres

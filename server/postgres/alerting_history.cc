// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/alerting_history.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

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

struct HistoryTable {
  std::string_view days;  // the partitions' names without _d and their number
  std::string_view parent;
};
constexpr std::array kHistoryTables = {
    HistoryTable{"alert_history", "alert_history_page"},
    HistoryTable{"notification_history", "notification_history_data"}};

constexpr const char* kInsertAlertEvents =
    "INSERT INTO vigil.alert_history_page (t, first_t, events, at, fingerprint, starts_at, "
    "ends_at, "
    "event, labels, annotations, group_key, receiver, silences, inhibited_by, intervals, who, "
    "comment) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
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

constexpr const char* kHistoryPageClause =
    " AND t BETWEEN $3 AND $4 AND (t, id) < ($5, $6) ORDER BY t DESC, id DESC LIMIT $7";

// The newest of each group by its index, then the newest of them all.
std::string SelectOfGroups(const std::string& select) {
  return "SELECT x.* FROM unnest($8::text[]) AS k (key) CROSS JOIN LATERAL (" + select +
         " AND hashtextextended(group_key, 0) = hashtextextended(k.key, 0) AND group_key = k.key" +
         kHistoryPageClause + ") x ORDER BY x.t DESC, x.id DESC LIMIT $7";
}

std::string GroupKeysLiteral(const HistoryQuery& query) {
  std::vector<std::string> keys;
  for (const std::string& key : query.group_keys) keys.push_back(StorableText(key));
  return TextsLiteral(keys);
}

// Reads kHistoryPage rows at a time, newest first, for `timeout_ms` in all, until `limit` events
// match. `columns` begin with t and id.
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
    const bool of_groups = !query.group_keys.empty();
    if (of_groups) parameters.Text(GroupKeysLiteral(query));
    const Rows rows = TRY(connection->Query(
        of_groups ? SelectOfGroups(select) : select + kHistoryPageClause, parameters, left_ms));
    for (int i = 0; i < rows.size() && events.size() < query.limit; ++i) {
      Event event = TRY(read(rows, i));
      if (!MatchesAny(query, event.common_labels)) continue;
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
  event.kind = EnumOf(rows.Bytes(row, 5), AlertEventKind::kPending, &alerting::AlertEventText);
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

void AddEvent(const AlertEvent& event, ColumnSet* columns) {
  const auto list = [](const std::vector<std::string>& texts) {
    return texts.empty() ? std::string() : TextsLiteral(texts);
  };
  columns->Add(
      {event.at, std::bit_cast<int64_t>(event.fingerprint), event.starts_at, event.ends_at},
      {std::string(AlertEventText(event.kind)), PairsLiteral(event.labels),
       PairsLiteral(event.annotations), StorableText(event.group_key), StorableText(event.receiver),
       list(event.silences), list(event.inhibited_by), list(event.intervals),
       StorableText(event.by), StorableText(event.comment)});
}

Result<void> InsertEventPage(Connection* connection, const ColumnSet& columns, int64_t timeout_ms) {
  const auto [first, last] =
      std::minmax_element(columns.numbers(0).begin(), columns.numbers(0).end());
  Parameters parameters;
  parameters.Int8(*last).Int8(*first).Int4(static_cast<int32_t>(columns.rows()));
  columns.AppendPage(&parameters);
  TRY(connection->Query(kInsertAlertEvents, parameters, timeout_ms));
  return Ok();
}

// A page is of one day.
Result<void> InsertAlertEvents(Connection* connection, const std::vector<AlertEvent>& events,
                               int64_t timeout_ms) {
  ColumnSet columns(4, 10);
  for (size_t i = 0; i < events.size(); ++i) {
    AddEvent(events[i], &columns);
    const bool last = i + 1 == events.size();
    if (!last && !columns.IsFullPage() &&
        HistoryDay(events[i].at) == HistoryDay(events[i + 1].at)) {
      continue;
    }
    TRY(InsertEventPage(connection, columns, timeout_ms));
    columns.Clear();
  }
  return Ok();
}

// Reads pages of alert events, newest first, until no page that is left can hold one of the newest
// that match.
class AlertHistoryScan {
 public:
  AlertHistoryScan(Connection* connection, const HistoryQuery& query, int64_t timeout_ms)
      : connection_(connection),
        query_(query),
        deadline_ns_(Clock::System().MonotonicNs() + timeout_ms * kNsPerMs) {}

  Result<std::vector<AlertEvent>> Run() {
    while (found_.size() < query_.limit || kept_until_ <= before_t_) {
      if (!TRY(NextPages())) break;
      TRY(ReadEvents());
      Cut();
    }
    std::vector<AlertEvent> events;
    for (Found& one : found_) events.push_back(std::move(one.event));
    return events;
  }

 private:
  // Where an event stands: newest first means the greatest first.
  struct Found {
    std::tuple<int64_t, int64_t, int64_t> place;  // t, id of the page, number in it
    AlertEvent event;
  };

  Result<int64_t> LeftMs() const {
    const int64_t left_ms = (deadline_ns_ - Clock::System().MonotonicNs()) / kNsPerMs;
    if (left_ms > 0) return left_ms;
    return Timeout("reading the history took too long: ask for a shorter time, or name the alert");
  }

  // The pages to read next, about kHistoryPage events; false when there are none.
  Result<bool> NextPages() {
    Parameters parameters;
    parameters.Int8(query_.start).Int8(query_.end).Int8(before_t_).Int8(before_id_);
    parameters.Int8(kHistoryPage);
    std::string sql =
        "SELECT t, id, events FROM vigil.alert_history_page WHERE t >= $1 AND first_t <= $2 AND "
        "(t, id) < ($3, $4)";
    if (!query_.fingerprint.empty()) {
      parameters.Text(StorableText(query_.fingerprint));
      sql += " AND fingerprint @> ARRAY[('x' || $6)::bit(64)::int8]";
    }
    const Rows rows = TRY(
        connection_->Query(sql + " ORDER BY t DESC, id DESC LIMIT $5", parameters, TRY(LeftMs())));
    ids_.clear();
    times_.clear();
    int64_t events = 0;
    for (int i = 0; i < rows.size() && events < kHistoryPage; ++i) {
      if (ids_.empty()) newest_t_ = rows.Int(i, 0);
      before_t_ = rows.Int(i, 0);
      before_id_ = rows.Int(i, 1);
      ids_.push_back(before_id_);
      times_.push_back(before_t_);
      events += rows.Int(i, 2);
    }
    return !ids_.empty();
  }

  Result<void> ReadEvents() {
    Parameters parameters;
    parameters.Text(StorableText(query_.receiver)).Text(StorableText(query_.fingerprint));
    parameters.Int8(query_.start).Int8(query_.end).Int8Array(ids_).Int8(before_t_).Int8(newest_t_);
    parameters.Int8Array(times_);
    const Rows rows = TRY(connection_->Query(
        "SELECT t, id, fingerprint, starts_at, ends_at, event, labels, annotations, group_key, "
        "receiver, silences, inhibited_by, intervals, who, comment, place "
        "FROM unnest($8::int8[], $5::int8[]) AS k (key_t, key_id) JOIN vigil.alert_history_data "
        "ON page_t = key_t AND id = key_id WHERE page_t BETWEEN $6 AND $7 AND "
        "t BETWEEN $3 AND $4 AND ($1 = '' OR receiver = $1) AND "
        "($2 = '' OR fingerprint = ('x' || $2)::bit(64)::int8)",
        parameters, TRY(LeftMs())));
    for (int i = 0; i < rows.size(); ++i) {
      AlertEvent event = TRY(ReadAlertEvent(rows, i));
      if (!MatchesAny(query_, event.labels)) continue;
      found_.push_back({{rows.Int(i, 0), rows.Int(i, 1), rows.Int(i, 15)}, std::move(event)});
    }
    return Ok();
  }

  void Cut() {
    std::sort(found_.begin(), found_.end(),
              [](const Found& a, const Found& b) { return a.place > b.place; });
    if (found_.size() > query_.limit) found_.resize(query_.limit);
    if (!found_.empty()) kept_until_ = std::get<0>(found_.back().place);
  }

  Connection* connection_;
  const HistoryQuery& query_;
  const int64_t deadline_ns_;
  int64_t before_t_ = std::numeric_limits<int64_t>::max();
  int64_t before_id_ = std::numeric_limits<int64_t>::max();
  int64_t newest_t_ = 0;
  std::vector<int64_t> ids_;    // of the pages to read
  std::vector<int64_t> times_;  // the same pages' t
  std::vector<Found> found_;
  TimestampMs kept_until_ = std::numeric_limits<int64_t>::min();
};

}  // namespace

int64_t HistoryDay(TimestampMs time) {
  return time >= 0 ? time / kHistoryDayMs : -((-(time + 1)) / kHistoryDayMs) - 1;
}

Result<void> CreateHistoryDay(Connection* connection, int64_t day, int64_t timeout_ms) {
  for (const HistoryTable& table : kHistoryTables) {
    TRY(connection->Execute("CREATE TABLE IF NOT EXISTS vigil." + std::string(table.days) + "_d" +
                                std::to_string(day) + " PARTITION OF vigil." +
                                std::string(table.parent) + " FOR VALUES FROM (" +
                                std::to_string(day * kHistoryDayMs) + ") TO (" +
                                std::to_string((day + 1) * kHistoryDayMs) + ")",
                            timeout_ms));
  }
  return Ok();
}

Result<void> DropHistoryDays(Connection* connection, int64_t before_day, int64_t timeout_ms) {
  for (const HistoryTable& table : kHistoryTables) {
    const std::string name(table.days);
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
  TRY(InsertAlertEvents(connection, changes.alert_events, timeout_ms));
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
  return AlertHistoryScan(connection, query, timeout_ms).Run();
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

// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/exemplar_table.h"

#include <bit>
#include <utility>
#include <vector>

#include "client-lib/model/float_text.h"
#include "server/postgres/binary.h"
#include "server/postgres/transaction.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kDayMs = int64_t{24} * 3'600'000;
constexpr int64_t kMaxAheadMs = 3'600'000;
constexpr size_t kRowsPerStatement = 5'000;

constexpr std::string_view kInsert =
    "INSERT INTO vigil.exemplar_data (series_id, t, value, labels) "
    "SELECT e.series_id, e.t, e.value::float8, e.labels::text[] "
    "FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[]) "
    "AS e (series_id, t, value, labels)";

int64_t DayOf(TimestampMs time) {
  return time >= 0 ? time / kDayMs : -((-(time + 1)) / kDayMs) - 1;
}

std::string Mended(std::string_view text) {
  std::string mended;
  return MendText(text, &mended) ? mended : std::string(text);
}

struct Columns {
  std::vector<int64_t> series;
  std::vector<int64_t> times;
  std::vector<std::string> values;
  std::vector<std::string> labels;

  void Add(const storage::ExemplarRow& row) {
    series.push_back(row.series);
    times.push_back(row.exemplar.timestamp);
    values.push_back(FormatFloatG(row.exemplar.value));
    std::string literal = "{";
    for (const LabelView label : row.exemplar.labels) {
      AppendArrayElement(Mended(label.name), literal.size() == 1, &literal);
      AppendArrayElement(Mended(label.value), false, &literal);
    }
    labels.push_back(std::move(literal += '}'));
  }
};

}  // namespace

Result<void> PostgresExemplarTable::WriteExemplars(std::span<const storage::ExemplarRow> rows) {
  MutexLock lock(mutex_);
  TRY(Connect());
  Result<void> written = Write(rows);
  // In the middle of a transaction or broken: begin afresh.
  if (!written) connection_.reset();
  return written;
}

Result<void> PostgresExemplarTable::Connect() {
  if (connection_ != nullptr) return Ok();
  connection_ = TRY(
      Connection::Open(options_.conninfo, "vigil-exemplars", kWriterSession, kConnectTimeoutMs));
  days_.clear();
  return Ok();
}

Result<std::vector<storage::ExemplarRow>> PostgresExemplarTable::ReadNewest(size_t count) {
  MutexLock lock(mutex_);
  Parameters parameters;
  parameters.Int8(static_cast<int64_t>(count));
  return Read(
      "SELECT series_id, t, value, labels FROM vigil.exemplar_data ORDER BY t DESC LIMIT $1",
      parameters);
}

Result<std::vector<storage::ExemplarRow>> PostgresExemplarTable::ReadSpan(
    std::span<const storage::SeriesId> series, TimestampMs start, TimestampMs end, size_t most) {
  MutexLock lock(mutex_);
  Parameters parameters;
  parameters.Int8Array(series).Int8(start).Int8(end).Int8(static_cast<int64_t>(most));
  return Read(
      "SELECT series_id, t, value, labels FROM vigil.exemplar_data WHERE series_id = ANY ($1) "
      "AND t BETWEEN $2 AND $3 ORDER BY t DESC LIMIT $4",
      parameters);
}

Result<std::vector<storage::ExemplarRow>> PostgresExemplarTable::Read(
    const std::string& sql, const Parameters& parameters) {
  TRY(Connect());
  auto found = connection_->Query(sql, parameters, options_.timeout_ms);
  if (!found) {
    connection_.reset();
    return std::move(found).error();
  }
  std::vector<storage::ExemplarRow> rows;
  std::vector<std::string_view> flat;
  for (int i = found->size() - 1; i >= 0; --i) {
    TRY(ReadTextArray(found->Bytes(i, 3), &flat));
    std::vector<LabelView> pairs;
    for (size_t k = 0; k + 1 < flat.size(); k += 2) pairs.push_back({flat[k], flat[k + 1]});
    const double value = std::bit_cast<double>(ReadInt(found->Bytes(i, 2)));
    rows.push_back({found->Int(i, 0), {Labels::Of(std::move(pairs)), value, found->Int(i, 1)}});
  }
  return rows;
}

Result<void> PostgresExemplarTable::Write(std::span<const storage::ExemplarRow> rows) {
  const TimestampMs now = clock_.Now();
  const int64_t kept = options_.retention->Copy()->time_ms;  // 0: for ever
  Connection& connection = *connection_;
  TRY(connection.Execute("BEGIN", options_.timeout_ms));
  Columns columns;
  const auto insert = [&]() -> Result<void> {
    Parameters parameters;
    parameters.Int8Array(columns.series).Int8Array(columns.times);
    parameters.TextArray(columns.values).TextArray(columns.labels);
    TRY(connection.Query(std::string(kInsert), parameters, options_.timeout_ms));
    columns = Columns();
    return Ok();
  };
  for (const storage::ExemplarRow& row : rows) {
    const TimestampMs time = row.exemplar.timestamp;
    if ((kept != 0 && time < now - kept) || time > now + kMaxAheadMs) continue;
    TRY(OpenDay(DayOf(time)));
    columns.Add(row);
    if (columns.series.size() == kRowsPerStatement) TRY(insert());
  }
  if (!columns.series.empty()) TRY(insert());
  return connection.Execute("COMMIT", options_.timeout_ms);
}

Result<void> PostgresExemplarTable::OpenDay(int64_t day) {
  if (days_.contains(day)) return Ok();
  TRY(connection_->Execute("CREATE TABLE IF NOT EXISTS vigil.exemplar_d" + std::to_string(day) +
                               " PARTITION OF vigil.exemplar_data FOR VALUES FROM (" +
                               std::to_string(day * kDayMs) + ") TO (" +
                               std::to_string((day + 1) * kDayMs) + ")",
                           options_.timeout_ms));
  days_.insert(day);
  return Ok();
}

Result<uint64_t> DropExemplarsBefore(Connection* connection, const Ownership& owner,
                                     TimestampMs before, int64_t timeout_ms) {
  uint64_t dropped = 0;
  TRY(InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection, owner, timeout_ms));
    const Rows old = TRY(connection->Query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'vigil'::regnamespace AND relkind = 'r' "
        "AND relname ~ '^exemplar_d[0-9]+$' AND substr(relname, 11)::int8 < " +
            std::to_string(DayOf(before)),
        timeout_ms));
    for (int i = 0; i < old.size(); ++i) {
      TRY(connection->Execute("DROP TABLE vigil." + std::string(old.Bytes(i, 0)), timeout_ms));
    }
    dropped = static_cast<uint64_t>(old.size());
    return Ok();
  }));
  return dropped;
}

}  // namespace vigil::postgres

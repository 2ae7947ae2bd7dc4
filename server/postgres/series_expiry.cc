// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/series_expiry.h"

#include <string>

#include "server/postgres/binary.h"
#include "server/postgres/transaction.h"

namespace vigil::postgres {
namespace {

constexpr const char* kSeriesPerStep = "20000";
// Of one stop; the rest goes at the next.
constexpr const char* kSeriesPerStop = "200000";
// Index look-ups, however many series there are: a join would read all chunks.
constexpr const char* kLookUp =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; "
    "SET LOCAL enable_mergejoin = off; SET LOCAL jit = off";

// A condition on the series `s.id`. As sub-selects with a limit they end at the first leaf that has
// something, which for most series is the first.
std::string HasNothing() {
  std::string condition;
  for (const char* table : {"vigil.chunk", "vigil.rollup_5m", "vigil.rollup_1h"}) {
    if (!condition.empty()) condition += " AND ";
    condition += "(SELECT 1 FROM " + std::string(table) +
                 " d WHERE d.series_id = s.id LIMIT 1) "
                 "IS NULL";
  }
  return condition;
}

}  // namespace

Result<ExpiryStep> NoteExpiredSeries(Connection* connection, storage::SeriesId from,
                                     int64_t timeout_ms) {
  ExpiryStep step;
  TRY(InTransaction(connection, kLookUp, timeout_ms, [&]() -> Result<void> {
    Parameters parameters;
    parameters.Int8(from);
    const Rows rows = TRY(connection->Query(
        "WITH step AS MATERIALIZED (SELECT id FROM vigil.series_data WHERE id > $1 ORDER BY id "
        "LIMIT " +
            std::string(kSeriesPerStep) +
            "), noted AS (INSERT INTO vigil.expired_series "
            "SELECT s.id FROM step s WHERE " +
            HasNothing() +
            " ON CONFLICT DO NOTHING RETURNING id) "
            "SELECT (SELECT count(*) FROM noted), coalesce((SELECT max(id) FROM step), " +
            std::to_string(INT64_MAX) + ")",
        parameters, timeout_ms));
    step = {static_cast<uint64_t>(rows.Int(0, 0)), rows.Int(0, 1)};
    return Ok();
  }));
  return step;
}

Result<uint64_t> DropExpiredSeries(Connection* connection, const Ownership& owner,
                                   int64_t timeout_ms) {
  uint64_t dropped = 0;
  TRY(InTransaction(connection, kLookUp, timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection, owner, timeout_ms));
    const Rows rows = TRY(connection->Query(
        "WITH noted AS MATERIALIZED (DELETE FROM vigil.expired_series WHERE id IN (SELECT id FROM "
        "vigil.expired_series LIMIT " +
            std::string(kSeriesPerStop) +
            ") RETURNING id), "
            "gone AS (DELETE FROM vigil.series_data s USING noted WHERE s.id = noted.id AND " +
            HasNothing() + " RETURNING s.id) SELECT count(*) FROM gone",
        timeout_ms));
    dropped = static_cast<uint64_t>(rows.Int(0, 0));
    return Ok();
  }));
  return dropped;
}

}  // namespace vigil::postgres

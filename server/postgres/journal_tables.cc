// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/journal_tables.h"

#include <algorithm>
#include <string>

namespace vigil::postgres {

Result<JournalSpans> ReadJournalSpans(Connection* connection, int32_t ingester,
                                      int64_t timeout_ms) {
  std::string sql;
  for (int slot = 0; slot < kJournalTables; ++slot) {
    if (slot > 0) sql += " UNION ALL ";
    // Two look-ups in the primary key.
    sql += "SELECT " + std::to_string(slot) + "::int4, min(seq), max(seq) FROM " +
           JournalTableName(slot) + " WHERE ingester = " + std::to_string(ingester);
  }
  const Rows rows = TRY(connection->Query(sql, timeout_ms));
  JournalSpans spans;
  for (int row = 0; row < rows.size(); ++row) {
    JournalSpan& span = spans[static_cast<size_t>(rows.Int(row, 0))];
    span.oldest = static_cast<storage::JournalPosition>(rows.Int(row, 1));
    span.newest = static_cast<storage::JournalPosition>(rows.Int(row, 2));
  }
  return spans;
}

storage::JournalPosition NewestOf(const JournalSpans& spans) {
  storage::JournalPosition newest = 0;
  for (const JournalSpan& span : spans) newest = std::max(newest, span.newest);
  return newest;
}

Result<bool> TruncateIfCovered(Connection* connection, int slot, int64_t timeout_ms) {
  const std::string table = JournalTableName(slot);
  TRY(connection->Execute(
      "BEGIN; SET LOCAL lock_timeout = '500ms'; LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE",
      timeout_ms));
  // Under the lock nobody adds to it any more.
  const Rows rows = TRY(
      connection->Query("SELECT EXISTS (SELECT FROM vigil.ingester i WHERE EXISTS (SELECT FROM " +
                            table + " j WHERE j.ingester = i.id AND j.seq > i.flushed_seq))",
                        timeout_ms));
  if (rows.Bool(0, 0)) {
    TRY(connection->Execute("ROLLBACK", timeout_ms));
    return false;
  }
  TRY(connection->Execute("TRUNCATE " + table + "; COMMIT", timeout_ms));
  return true;
}

}  // namespace vigil::postgres

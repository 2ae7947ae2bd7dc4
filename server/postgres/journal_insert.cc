// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/journal_insert.h"

#include <string_view>
#include <vector>

#include "server/postgres/journal_tables.h"

namespace vigil::postgres {
namespace {

// The fence is held until the statement, which is a transaction, has committed. MATERIALIZED and
// read first: without its row nothing is inserted.
std::string StatementFor(int slot) {
  return "WITH fence AS MATERIALIZED (SELECT 1 FROM vigil.ingester WHERE id = $1 AND epoch = $2 "
         "FOR KEY SHARE), written AS (INSERT INTO " +
         JournalTableName(slot) +
         " (ingester, seq, page) SELECT $1, p.seq, p.page FROM fence, "
         "unnest($3::int8[], $4::bytea[]) AS p (seq, page) RETURNING 1) "
         "SELECT count(*) FROM written";
}

}  // namespace

Result<void> JournalInsert::Write(std::span<const JournalEntry> entries, int slot,
                                  const Ownership& owner, int64_t timeout_ms) {
  const std::string name = "vigil_journal_" + std::to_string(slot);
  if ((prepared_ >> slot & 1U) == 0) {
    TRY(connection_->Prepare(name, StatementFor(slot), timeout_ms));
    prepared_ |= 1U << slot;
  }
  std::vector<int64_t> positions;
  std::vector<std::string_view> pages;
  for (const JournalEntry& entry : entries) {
    auto position = static_cast<int64_t>(entry.first);
    for (const std::string& page : entry.pages) {
      positions.push_back(position++);
      pages.push_back(page);
    }
  }
  Parameters parameters;
  parameters.Int4(owner.ingester).Int8(owner.epoch).Int8Array(positions).ByteaArray(pages);
  const std::vector<Rows> rows = TRY(connection_->RunPrepared({name}, parameters, timeout_ms));
  const int64_t written = rows.empty() ? 0 : rows[0].Int(0, 0);
  if (written == static_cast<int64_t>(pages.size())) return Ok();
  // The sentence about who took over is the fence's own.
  TRY(HoldFence(connection_, owner, timeout_ms));
  return Internal("the database wrote " + std::to_string(written) + " of " +
                  std::to_string(pages.size()) + " journal pages");
}

}  // namespace vigil::postgres

// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/recovery.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "server/postgres/connection.h"
#include "server/postgres/journal_tables.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kRecoveryConnectTimeoutMs = 10'000;

// From the catalogue's flat, sorted list without the name.
Labels MakeLabels(std::string_view metric, const std::vector<std::string_view>& flat,
                  std::vector<LabelView>* scratch) {
  scratch->clear();
  bool named = metric.empty();
  for (size_t i = 0; i + 1 < flat.size(); i += 2) {
    if (!named && kMetricName < flat[i]) {
      scratch->push_back({kMetricName, metric});
      named = true;
    }
    scratch->push_back({flat[i], flat[i + 1]});
  }
  if (!named) scratch->push_back({kMetricName, metric});
  // Names may have been mended, or the table edited by hand.
  const auto unsorted =
      std::adjacent_find(scratch->begin(), scratch->end(),
                         [](const LabelView& a, const LabelView& b) { return !(a.name < b.name); });
  const bool clean = unsorted == scratch->end() &&
                     std::none_of(scratch->begin(), scratch->end(),
                                  [](const LabelView& label) { return label.value.empty(); });
  return clean ? Labels::FromSorted(*scratch) : Labels::Of(*scratch);
}

std::string ReplaySql(int slot, const Ownership& owner) {
  return "COPY (SELECT page FROM " + JournalTableName(slot) +
         " WHERE ingester = " + std::to_string(owner.ingester) + " AND seq > " +
         std::to_string(owner.flushed) + " ORDER BY ingester, seq) TO STDOUT (FORMAT binary)";
}

}  // namespace

Result<TimestampMs> PostgresRecovery::NewestInChunks() {
  auto connection =
      TRY(Connection::Open(conninfo_, "vigil-recovery", {}, kRecoveryConnectTimeoutMs));
  const Rows rows = TRY(connection->Query(
      "SELECT coalesce(max(newest), -9223372036854775807 - 1) FROM vigil.leaf", timeout_ms_));
  return rows.Int(0, 0);
}

Result<void> PostgresRecovery::LoadSeries(const std::function<void(storage::SeriesRecord)>& each) {
  auto connection =
      TRY(Connection::Open(conninfo_, "vigil-recovery", "-c jit=off", kRecoveryConnectTimeoutMs));
  std::vector<std::string_view> flat;
  std::vector<LabelView> scratch;
  TRY_CONTEXT(
      connection->CopyOut(
          "COPY (SELECT id, metric, labels FROM vigil.series_data) TO STDOUT (FORMAT binary)",
          timeout_ms_,
          [&](const CopyOutParser::Fields& fields) -> Result<void> {
            if (fields.size() != 3 || fields[0].size() != 8) {
              return Internal("the table vigil.series_data is not as expected");
            }
            TRY(ReadTextArray(fields[2], &flat));
            each({ReadInt(fields[0]), MakeLabels(fields[1], flat, &scratch)});
            return Ok();
          }),
      "reading the series");
  return Ok();
}

Result<void> PostgresRecovery::ReplayJournal(
    const std::function<void(std::string_view page)>& each) {
  // The session's settings make the primary key deliver the order: no sort of all pages.
  auto connection =
      TRY(Connection::Open(conninfo_, "vigil-recovery", kReaderSession, kRecoveryConnectTimeoutMs));
  const JournalSpans spans = TRY(ReadJournalSpans(connection.get(), owner_.ingester, timeout_ms_));
  std::vector<int> slots;
  for (int slot = 0; slot < kJournalTables; ++slot) {
    if (spans[static_cast<size_t>(slot)].newest > owner_.flushed) slots.push_back(slot);
  }
  // Tables are filled one after the other (JournalRing), so their spans do not mix.
  std::sort(slots.begin(), slots.end(), [&](int a, int b) {
    return spans[static_cast<size_t>(a)].oldest < spans[static_cast<size_t>(b)].oldest;
  });
  for (const int slot : slots) {
    TRY_CONTEXT(connection->CopyOut(ReplaySql(slot, owner_), timeout_ms_,
                                    [&](const CopyOutParser::Fields& fields) -> Result<void> {
                                      for (const std::string_view page : fields) each(page);
                                      return Ok();
                                    }),
                "replaying " + JournalTableName(slot));
  }
  return Ok();
}

}  // namespace vigil::postgres

// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/leaf_merge.h"

#include <memory>
#include <span>
#include <string>

#include "server/postgres/chunk_flush.h"
#include "server/postgres/page_packer.h"
#include "server/postgres/transaction.h"

namespace vigil::postgres {
namespace {

constexpr size_t kPieceBytes = 256U << 10;

// The bounds as a constraint: with it ATTACH need not look at the rows.
std::string CreateSql(const Leaf& to) {
  return "CREATE TABLE " + to.table + " (LIKE " + ClassTableName(to.retention_class) +
         " INCLUDING DEFAULTS INCLUDING STORAGE, CHECK (class = " +
         std::to_string(to.retention_class) + " AND min_time >= " + std::to_string(to.start) +
         " AND min_time < " + std::to_string(to.end) +
         ")) WITH (autovacuum_enabled = false, toast_tuple_target = " +
         std::to_string(kInlineRowBytes) + ")";
}

// The COPY into the new table.
class Sink {
 public:
  Sink(Connection* connection, int64_t timeout_ms)
      : connection_(connection), timeout_ms_(timeout_ms) {
    AppendCopyHeader(&copy_);
  }
  Result<void> Put(const storage::ChunkRow& row) {
    pages_.Add(row, &copy_);
    return copy_.size() < kPieceBytes ? Ok() : Send();
  }
  Result<void> Finish() {
    pages_.Finish(&copy_);
    AppendCopyTrailer(&copy_);
    TRY(Send());
    return connection_->FinishCopyIn(timeout_ms_);
  }

 private:
  Result<void> Send() {
    TRY(connection_->PutCopyData(copy_, timeout_ms_));
    copy_.clear();
    return Ok();
  }

  Connection* const connection_;
  const int64_t timeout_ms_;
  PagePacker pages_;
  std::string copy_;  // in COPY's binary format, not yet sent
};

}  // namespace

Result<MergeCounts> BuildMergedLeaf(const LeafReadOptions& options, const std::vector<Leaf>& from,
                                    const Leaf& to, const storage::Tombstones& tombstones,
                                    const Clock& clock, const std::stop_token& stop) {
  CHECK(!from.empty());
  const int64_t timeout_ms = options.timeout_ms;
  LeafReader reader(options, from, clock);
  TRY(reader.Open());
  const auto writer = TRY(
      Connection::Open(options.conninfo, "vigil-compaction", kWriterSession, kConnectTimeoutMs));
  Sink sink(writer.get(), timeout_ms);
  SeriesMerge merge(to.end, [&sink](const storage::ChunkRow& row) { return sink.Put(row); });
  const bool deletes = tombstones.Overlap(to.start, INT64_MAX);
  std::vector<storage::DeletedSpan> deleted;
  const auto merge_series = [&](std::span<const storage::ChunkRow> rows) {
    if (deletes) deleted = tombstones.SpansOf(rows.front().series);
    return merge.Merge(rows, deleted);
  };
  TRY_CONTEXT(InTransaction(writer.get(), "", timeout_ms,
                            [&]() -> Result<void> {
                              TRY(writer->Execute(CreateSql(to), timeout_ms));
                              TRY(writer->BeginCopyIn("COPY " + to.table + " (" + kChunkColumns +
                                                          ") FROM STDIN (FORMAT binary, FREEZE)",
                                                      timeout_ms));
                              TRY(reader.ForEachSeries(stop, merge_series));
                              TRY(sink.Finish());
                              return writer->Execute(
                                  "CREATE INDEX ON " + to.table +
                                      " (series_id, min_time) WITH (fillfactor = 100)",
                                  timeout_ms);
                            }),
              "building the table " + to.table);
  return merge.counts();
}

}  // namespace vigil::postgres

// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/leaf_reader.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace vigil::postgres {
namespace {

// The index fetches a batch; reading the whole table for each would be far worse.
constexpr const char* kSession =
    "-c jit=off -c enable_seqscan=off -c max_parallel_workers_per_gather=0 "
    "-c plan_cache_mode=force_generic_plan -c search_path=vigil,pg_catalog";

}  // namespace

std::string LeafReader::UnionOf(const std::string& columns, const std::string& where) const {
  std::string sql;
  for (const Leaf& leaf : leaves_) {
    if (!sql.empty()) sql += " UNION ALL ";
    sql += "SELECT " + columns + " FROM " + leaf.table + where;
  }
  return sql;
}

Result<void> LeafReader::Open() {
  connection_ =
      TRY(Connection::Open(options_.conninfo, "vigil-compaction", kSession, kConnectTimeoutMs));
  return connection_->Prepare("batch",
                              UnionOf("series_id, min_time, span_ms, n, encoding, data",
                                      " WHERE series_id = ANY ($1::int8[])"),
                              options_.timeout_ms);
}

Result<void> LeafReader::ListSeries() {
  series_.clear();
  return connection_->CopyOut(
      "COPY (SELECT c.series_id FROM (SELECT series_id FROM (" + UnionOf("series_id", "") +
          ") a GROUP BY series_id) c LEFT JOIN vigil.series_data s ON s.id = c.series_id "
          "ORDER BY s.metric COLLATE \"C\", c.series_id) TO STDOUT (FORMAT binary)",
      options_.timeout_ms, [this](const CopyOutParser::Fields& fields) -> Result<void> {
        series_.push_back(ReadInt(fields[0]));
        return Ok();
      });
}

Result<size_t> LeafReader::SeriesPerBatch() {
  std::string sql = "SELECT 0::int8";
  for (const Leaf& leaf : leaves_) sql += " + pg_table_size('" + leaf.table + "')";
  const Rows rows = TRY(connection_->Query(sql, options_.timeout_ms));
  const auto bytes = static_cast<size_t>(rows.Int(0, 0));
  const size_t per_series = bytes / std::max<size_t>(series_.size(), 1) + 1;
  return std::clamp<size_t>(options_.batch_bytes / per_series, 1, 5000);
}

Result<void> LeafReader::ForEachSeries(const std::stop_token& stop, const Each& each) {
  TRY(ListSeries());
  const size_t step = TRY(SeriesPerBatch());
  for (size_t at = 0; at < series_.size(); at += step) {
    if (stop.stop_requested()) return Canceled("compaction was stopped");
    const int64_t begin_ns = clock_.MonotonicNs();
    TRY(ReadBatch(std::span(series_).subspan(at, std::min(step, series_.size() - at)), each));
    if (options_.pause) options_.pause(clock_.MonotonicNs() - begin_ns);
  }
  return Ok();
}

Result<void> LeafReader::ReadBatch(std::span<const storage::SeriesId> series, const Each& each) {
  Parameters parameters;
  parameters.Int8Array(series);
  const std::vector<Rows> answers =
      TRY(connection_->RunPrepared({"batch"}, parameters, options_.timeout_ms));
  Collect(answers[0], series);
  for (size_t at = 0; at < rows_.size();) {
    size_t end = at + 1;
    while (end < rows_.size() && rows_[end].series == rows_[at].series) ++end;
    TRY(each(std::span(rows_).subspan(at, end - at)));
    at = end;
  }
  return Ok();
}

void LeafReader::Collect(const Rows& rows, std::span<const storage::SeriesId> series) {
  std::unordered_map<storage::SeriesId, size_t> rank;
  for (size_t i = 0; i < series.size(); ++i) rank[series[i]] = i;
  rows_.clear();
  for (int row = 0; row < rows.size(); ++row) {
    storage::ChunkRow& out = rows_.emplace_back();
    out.series = rows.Int(row, 0);
    out.min_time = rows.Int(row, 1);
    out.max_time = out.min_time + rows.Int(row, 2);
    out.count = static_cast<uint32_t>(rows.Int(row, 3));
    out.encoding = static_cast<uint32_t>(rows.Int(row, 4));
    out.retention_class = static_cast<uint16_t>(leaves_.front().retention_class);
    out.data = rows.Bytes(row, 5);
  }
  std::stable_sort(rows_.begin(), rows_.end(),
                   [&rank](const storage::ChunkRow& a, const storage::ChunkRow& b) {
                     if (a.series != b.series) return rank[a.series] < rank[b.series];
                     return a.min_time < b.min_time;
                   });
}

}  // namespace vigil::postgres

// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/leaf_read_ahead.h"

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

namespace vigil::postgres {
namespace {

using storage::ChunkRow;
using storage::SeriesId;

// The rows of a leaf as they come; their bytes stand in one piece, one after the other.
struct LeafRows {
  std::vector<ChunkRow> rows;  // without data
  std::vector<size_t> ends;    // of their bytes; by the order of arrival
  std::string bytes;
};

Result<LeafRows> CopyLeaf(Connection* connection, const Leaf& leaf, uint64_t table_bytes,
                          int64_t timeout_ms, const std::stop_token& stop) {
  LeafRows all;
  all.bytes.reserve(table_bytes);
  const auto each = [&](const CopyOutParser::Fields& fields) -> Result<void> {
    if (stop.stop_requested()) return Canceled("the database is closed");
    ChunkRow& row = all.rows.emplace_back();
    row.series = ReadInt(fields[0]);
    row.min_time = ReadInt(fields[1]);
    row.max_time = row.min_time + ReadInt(fields[2]);
    row.count = static_cast<uint32_t>(ReadInt(fields[3]));
    row.encoding = static_cast<uint16_t>(ReadInt(fields[4]));
    all.bytes.append(fields[5]);
    all.ends.push_back(all.bytes.size());
    return Ok();
  };
  TRY(connection->CopyOut("COPY (SELECT series_id, min_time, span_ms, n, encoding, data FROM " +
                              leaf.table + ") TO STDOUT (FORMAT binary)",
                          timeout_ms, each));
  size_t begin = 0;
  for (size_t i = 0; i < all.rows.size(); ++i) {
    all.rows[i].data = std::string_view(all.bytes).substr(begin, all.ends[i] - begin);
    begin = all.ends[i];
  }
  return all;
}

CachedChunksPtr Take(std::span<const ChunkRow> rows, const ChunkSpan& span) {
  auto part = std::make_shared<CachedChunks>();
  part->span = span;
  size_t bytes = 0;
  for (const ChunkRow& row : rows) bytes += row.data.size();
  part->bytes.reserve(bytes);
  part->rows.assign(rows.begin(), rows.end());
  for (ChunkRow& row : part->rows) {
    const size_t at = part->bytes.size();
    part->bytes.append(row.data);
    row.data = {part->bytes.data() + at, row.data.size()};
  }
  return part;
}

// Takes from *room what the entries need. False when it is not enough for all of them.
bool InsertLeaf(const Leaf& leaf, std::vector<ChunkRow> rows, uint64_t* room, ChunkCache* cache) {
  std::stable_sort(rows.begin(), rows.end(), [](const ChunkRow& a, const ChunkRow& b) {
    return std::tie(a.series, a.min_time) < std::tie(b.series, b.min_time);
  });
  std::vector<SeriesId> series;
  std::vector<CachedChunksPtr> parts;
  size_t at = 0;
  while (at < rows.size()) {
    size_t end = at + 1;
    while (end < rows.size() && rows[end].series == rows[at].series) ++end;
    CachedChunksPtr part = Take(std::span(rows).subspan(at, end - at), {leaf.start, leaf.newest});
    const uint64_t size = ChunkCache::SizeOf(*part);
    if (size > *room) break;
    *room -= size;
    series.push_back(rows[at].series);
    parts.push_back(std::move(part));
    at = end;
  }
  cache->Insert(leaf.version, series, parts);
  return at == rows.size();
}

}  // namespace

Result<void> ReadLeavesAhead(Connection* connection, std::span<const Leaf> leaves,
                             uint64_t max_bytes, int64_t timeout_ms, const std::stop_token& stop,
                             ChunkCache* cache) {
  for (const Leaf& leaf : leaves) {
    const Rows size =
        TRY(connection->Query("SELECT pg_table_size('" + leaf.table + "')::int8", timeout_ms));
    const auto bytes = static_cast<uint64_t>(size.Int(0, 0));
    if (bytes > max_bytes) return Ok();
    LeafRows read = TRY(CopyLeaf(connection, leaf, bytes, timeout_ms, stop));
    if (!InsertLeaf(leaf, std::move(read.rows), &max_bytes, cache)) return Ok();
  }
  return Ok();
}

}  // namespace vigil::postgres

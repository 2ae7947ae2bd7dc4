// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/chunk_reader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "client-lib/base/log.h"
#include "server/postgres/leaf_read_ahead.h"

namespace vigil::postgres {
namespace {

using storage::ChunkRow;
using storage::ChunkTable;
using storage::SeriesId;

constexpr int kReadAttempts = 3;
constexpr std::string_view kUndefinedTable = "42P01";

std::string ReadSql(const std::string& table) {
  return "SELECT series_id, min_time, span_ms, n, encoding, data FROM " + table +
         " WHERE series_id = ANY ($1::int8[]) AND min_time <= $3::int8 "
         "AND min_time + span_ms >= $2::int8";
}

bool Before(const ChunkRow& a, const ChunkRow& b) {
  return std::tie(a.series, a.min_time) < std::tie(b.series, b.min_time);
}

void SortRows(std::vector<ChunkRow>* rows) {
  if (!std::is_sorted(rows->begin(), rows->end(), Before)) {
    std::stable_sort(rows->begin(), rows->end(), Before);
  }
}

// Copies rows [row, end) behind those of *out; there is room for their bytes in *arena.
void CopyRow(const Rows& rows, int row, std::string* arena, std::vector<ChunkRow>* out) {
  const std::string_view data = rows.Bytes(row, 5);
  const char* at = arena->data() + arena->size();
  arena->append(data);
  ChunkRow& copy = out->emplace_back();
  copy.series = rows.Int(row, 0);
  copy.min_time = rows.Int(row, 1);
  copy.max_time = copy.min_time + rows.Int(row, 2);
  copy.count = static_cast<uint32_t>(rows.Int(row, 3));
  copy.encoding = static_cast<uint16_t>(rows.Int(row, 4));
  copy.data = {at, data.size()};
}

// Copies the rows behind those that *table has, but not those that ended before the cutoff.
void AppendRows(const Rows& rows, TimestampMs cutoff, ChunkTable* table) {
  size_t bytes = 0;
  for (int row = 0; row < rows.size(); ++row) bytes += rows.Bytes(row, 5).size();
  std::string& arena = table->arena.emplace_back();
  arena.reserve(bytes);
  for (int row = 0; row < rows.size(); ++row) {
    if (rows.Int(row, 1) + rows.Int(row, 2) >= cutoff) CopyRow(rows, row, &arena, &table->rows);
  }
}

// The rows of a leaf by series, as the cache keeps them; every asked series has a place.
std::vector<CachedChunksPtr> Divide(const Rows& rows, const ChunkSpan& span,
                                    std::span<const SeriesId> series) {
  const auto none = std::make_shared<CachedChunks>();
  none->span = span;
  std::vector<int> order(static_cast<size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) order[static_cast<size_t>(row)] = row;
  std::stable_sort(order.begin(), order.end(), [&rows](int a, int b) {
    return std::pair(rows.Int(a, 0), rows.Int(a, 1)) < std::pair(rows.Int(b, 0), rows.Int(b, 1));
  });
  std::vector<CachedChunksPtr> parts(series.size(), none);
  size_t next = 0;
  for (size_t i = 0; i < series.size(); ++i) {
    const size_t first = next;
    size_t bytes = 0;
    for (; next < order.size() && rows.Int(order[next], 0) == series[i]; ++next) {
      bytes += rows.Bytes(order[next], 5).size();
    }
    if (first == next) continue;
    auto part = std::make_shared<CachedChunks>();
    part->span = span;
    part->bytes.reserve(bytes);
    part->rows.reserve(next - first);
    for (size_t k = first; k < next; ++k) CopyRow(rows, order[k], &part->bytes, &part->rows);
    parts[i] = std::move(part);
  }
  return parts;
}

// Queries that slide along with time begin in what the one before has read.
constexpr int64_t kReadFromMs = 3'600'000;

TimestampMs RoundedDown(TimestampMs time) {
  return time < INT64_MIN / 2 ? time : LeafStart(time, kReadFromMs);
}

// The part of the span that the leaf may have chunks for. They begin in the leaf, so that nothing
// before it matters.
ChunkSpan Within(const Leaf& leaf, TimestampMs from, TimestampMs to) {
  return {std::max(from, leaf.start), std::min(to, leaf.newest)};
}

// Where each leaf's chunks of each series are to be found; a null one is to be read.
using Found = std::vector<std::vector<CachedChunksPtr>>;

}  // namespace

ChunkReader::ChunkReader(ChunkReaderOptions options, LeafRegistry* leaves,
                         const SharedRetention* retention, const Clock& clock)
    : options_(std::move(options)),
      leaves_(leaves),
      retention_(retention),
      clock_(clock),
      connections_(options_.conninfo, options_.connections, clock),
      cache_(options_.cache_bytes) {}

Result<ChunkTable> ChunkReader::Read(std::span<const SeriesId> series, TimestampMs min_time,
                                     TimestampMs max_time) {
  if (series.empty()) return ChunkTable();
  if (closed_) return Unavailable("the database is closed");
  const int64_t start_ns = clock_.MonotonicNs();
  const Request request{series, min_time, max_time};
  Result<ChunkTable> table = Unavailable("not read yet");
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    const std::vector<Source> sources = Sources(request);
    // A connection is taken by the first who asks the database.
    ReadConnection reader;
    table = MayCache(sources, request) ? ReadCached(&reader, sources, request)
                                       : ReadOnce(&reader, sources, request);
    if (reader.connection == nullptr) break;
    // A leaf was replaced, or the connection had died while it was idle.
    const bool stale = reader.connection->last_sqlstate() == kUndefinedTable;
    const bool died = reader.connection->broken();
    const bool reload =
        !table && stale && leaves_->Load(reader.connection.get(), options_.timeout_ms);
    connections_.Return(std::move(reader));
    if (table || !(reload || (died && table.error().kind == ErrorKind::kUnavailable))) break;
  }
  const double seconds = static_cast<double>(clock_.MonotonicNs() - start_ns) * 1e-9;
  figures_.With([&](ChunkMetrics& m) {
    ++m.reads;
    m.read_seconds += seconds;
    if (!table) ++m.read_failures;
  });
  return table;
}

std::vector<ChunkReader::Source> ChunkReader::Sources(const Request& request) const {
  const auto retention = retention_->Copy();
  const TimestampMs today = std::min(clock_.Now(), leaves_->Newest());
  std::vector<Source> sources;
  for (Leaf& leaf : leaves_->Overlapping(request.min_time, request.max_time)) {
    const TimestampMs cutoff = retention->CutoffOf(leaf.retention_class, today);
    // What is below the cutoff, the next pass of the upkeep drops.
    if (leaf.newest >= cutoff) sources.push_back({std::move(leaf), cutoff});
  }
  return sources;
}

Result<std::vector<Rows>> ChunkReader::Ask(ReadConnection* reader,
                                           const std::vector<std::string>& tables,
                                           const Request& request) {
  if (tables.empty()) return std::vector<Rows>();
  if (reader->connection == nullptr) *reader = TRY(connections_.Take(options_.timeout_ms));
  for (const std::string& table : tables) {
    if (reader->prepared.contains(table)) continue;
    TRY(reader->connection->Prepare(table, ReadSql(table), options_.timeout_ms));
    reader->prepared.insert(table);
  }
  Parameters parameters;
  parameters.Int8Array(request.series).Int8(request.min_time).Int8(request.max_time);
  auto answers = TRY(reader->connection->RunPrepared(tables, parameters, options_.timeout_ms));
  figures_.With([&](ChunkMetrics& m) {
    for (const Rows& rows : answers) {
      m.read_rows += static_cast<uint64_t>(rows.size());
      for (int row = 0; row < rows.size(); ++row) m.read_bytes += rows.Bytes(row, 5).size();
    }
  });
  return answers;
}

Result<ChunkTable> ChunkReader::ReadOnce(ReadConnection* reader, const std::vector<Source>& sources,
                                         const Request& request) {
  std::vector<std::string> tables;
  for (const Source& source : sources) tables.push_back(source.leaf.table);
  const std::vector<Rows> leaves = TRY(Ask(reader, tables, request));
  ChunkTable table;
  size_t total = 0;
  for (const Rows& rows : leaves) total += static_cast<size_t>(rows.size());
  table.rows.reserve(total);
  table.arena.reserve(leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) AppendRows(leaves[i], sources[i].cutoff, &table);
  SortRows(&table.rows);
  return table;
}

bool ChunkReader::MayCache(const std::vector<Source>& sources, const Request& request) {
  // While it is not known whether leaves have changed, only the database knows their rows.
  if (sources.empty() || leaves_->stale()) return false;
  if (!cache_.Takes(sources.size() * request.series.size())) return false;
  const uint64_t newest = leaves_->newest_version();
  const bool changed = retained_.With([&](uint64_t& retained) {
    return std::exchange(retained, std::max(retained, newest)) < newest;
  });
  if (changed) {
    std::vector<uint64_t> versions;
    for (const Leaf& leaf : leaves_->All()) versions.push_back(leaf.version);
    cache_.Retain(versions);
  }
  return true;
}

// All leaves that miss anything are asked at once, for the series that miss anything in any leaf.
Result<ChunkTable> ChunkReader::ReadCached(ReadConnection* reader,
                                           const std::vector<Source>& sources,
                                           const Request& request) {
  Found found;
  std::vector<SeriesId> missing;
  std::vector<size_t> missing_at;
  for (const Source& source : sources) {
    const ChunkSpan span = Within(source.leaf, request.min_time, request.max_time);
    found.push_back(cache_.Find(source.leaf.version, span, request.series));
  }
  for (size_t i = 0; i < request.series.size(); ++i) {
    if (std::all_of(found.begin(), found.end(), [i](const auto& leaf) { return leaf[i]; }))
      continue;
    missing.push_back(request.series[i]);
    missing_at.push_back(i);
  }
  std::vector<std::string> tables;
  std::vector<size_t> asked;
  for (size_t leaf = 0; leaf < sources.size(); ++leaf) {
    const auto is_missing = [&](size_t i) { return found[leaf][i] == nullptr; };
    if (std::none_of(missing_at.begin(), missing_at.end(), is_missing)) continue;
    tables.push_back(sources[leaf].leaf.table);
    asked.push_back(leaf);
  }
  const Request wider{missing, RoundedDown(request.min_time), request.max_time};
  const std::vector<Rows> answers = TRY(Ask(reader, tables, wider));
  for (size_t k = 0; k < asked.size(); ++k) {
    const Leaf& leaf = sources[asked[k]].leaf;
    const std::vector<CachedChunksPtr> parts =
        Divide(answers[k], Within(leaf, wider.min_time, wider.max_time), missing);
    cache_.Insert(leaf.version, missing, parts);
    for (size_t i = 0; i < parts.size(); ++i) found[asked[k]][missing_at[i]] = parts[i];
  }
  ChunkTable table;
  for (size_t i = 0; i < request.series.size(); ++i) {
    for (size_t leaf = 0; leaf < sources.size(); ++leaf) {
      CachedChunksPtr& part = found[leaf][i];
      const TimestampMs from = std::max(request.min_time, sources[leaf].cutoff);
      const size_t before = table.rows.size();
      for (const ChunkRow& row : part->rows) {
        if (row.min_time <= request.max_time && row.max_time >= from) table.rows.push_back(row);
      }
      if (table.rows.size() > before) table.shared.push_back(std::move(part));
    }
  }
  SortRows(&table.rows);
  return table;
}

void ChunkReader::WarmUp() {
  constexpr size_t kLeaves = 8;
  std::vector<Leaf> leaves = leaves_->All();
  std::sort(leaves.begin(), leaves.end(),
            [](const Leaf& a, const Leaf& b) { return a.newest > b.newest; });
  leaves.resize(std::min(leaves.size(), kLeaves));
  if (options_.cache_bytes > 0 && !leaves.empty() && !leaves_->stale()) {
    ahead_ = std::jthread([this, leaves](const std::stop_token& stop) { ReadAhead(stop, leaves); });
  }
  std::vector<std::string> tables;
  for (const Leaf& leaf : leaves) tables.push_back(leaf.table);
  const SeriesId nobody[] = {0};
  ReadConnection reader;
  const auto answers = Ask(&reader, tables, {nobody, 0, 0});
  if (reader.connection == nullptr) return;
  if (!answers) log::Debug("postgres", "preparing to read failed", {{"err", answers.error()}});
  connections_.Return(std::move(reader));
}

void ChunkReader::ReadAhead(const std::stop_token& stop, std::span<const Leaf> newest_first) {
  auto connection =
      Connection::Open(options_.conninfo, "vigil-read-ahead", kWriterSession, kConnectTimeoutMs);
  const Result<void> done =
      connection ? ReadLeavesAhead(connection->get(), newest_first, options_.cache_bytes / 2,
                                   kConnectTimeoutMs, stop, &cache_)
                 : Result<void>(std::move(connection).error());
  if (!done) log::Debug("postgres", "reading ahead failed", {{"err", done.error()}});
}

void ChunkReader::Close() {
  closed_ = true;
  ahead_.request_stop();
  connections_.Close();
}

ChunkMetrics ChunkReader::metrics() const { return figures_.Copy(); }

}  // namespace vigil::postgres

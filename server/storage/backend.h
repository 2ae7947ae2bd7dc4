// SPDX-License-Identifier: Apache-2.0
// What the store needs of a durable backend: a journal that makes accepted samples safe, a table
// of encoded chunks, a catalogue of series. Implemented by server/postgres; tests use fakes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"
#include "server/storage/metadata.h"
#include "server/storage/storage.h"

namespace vigil::storage {

// A series' id in the database: unique among all servers that share it, > 0.
using SeriesId = int64_t;

struct SeriesRecord {
  SeriesId id = 0;
  Labels labels;
};

// Whose samples want room in the journal.
enum class Writer {
  kKeepsSamples,  // a sender that sends again what was refused: it is turned away early
  kLosesSamples,  // a scrape: while the database is away, its samples are spooled in memory, up to
                  // a larger bound
};

// Makes pages of encoded samples (server/chunks/journal_page.h) durable, in order.
// Threads: any.
class Journal {
 public:
  virtual ~Journal() = default;

  // False while so much is queued that such writers must be refused.
  [[nodiscard]] virtual bool HasRoom(Writer writer = Writer::kKeepsSamples) const = 0;
  // A fresh id out of a block reserved from the database. unavailable when the block is used up
  // and the database is away.
  virtual Result<SeriesId> NextSeriesId() = 0;
  // Queues series and pages behind everything queued before, and never waits for the database.
  // Series become durable with or before the first page behind them. Each page is at most
  // chunks::kMaxJournalPageBytes. Returns the position that WaitDurable takes.
  virtual JournalPosition Enqueue(std::vector<SeriesRecord> new_series,
                                  std::vector<std::string> pages) = 0;
  // Waits until the position is committed. timeout or unavailable.
  virtual Result<void> WaitDurable(JournalPosition position, int64_t timeout_ms) = 0;
  // Everything queued so far belongs to the flush that begins now; later pages go to the next
  // table of the ring. Returns the position of the cut.
  virtual JournalPosition Cut() = 0;
};

// Every series is of one retention class (how long its samples are kept); this one takes the series
// that no configured class does.
inline constexpr uint16_t kDefaultRetentionClass = 1;

// One encoded chunk of one series (server/chunks/chunk.h).
struct ChunkRow {
  SeriesId series = 0;
  TimestampMs min_time = 0;
  TimestampMs max_time = 0;
  uint32_t count = 0;
  uint32_t encoding = 0;  // chunks::Encoding of times and values, packed
  std::string_view data;
  uint16_t retention_class = kDefaultRetentionClass;
};

// Chunks read back, as columns, ordered by (series, min_time). data views point into arena, or into
// what shared keeps alive.
struct ChunkTable {
  std::vector<ChunkRow> rows;
  std::vector<std::string> arena;  // never moved once a row points into it
  std::vector<std::shared_ptr<const void>> shared;
};

// Threads: any; one flush at a time.
class ChunkStore {
 public:
  virtual ~ChunkStore() = default;

  // Writes a whole flush in one transaction: calls next(&row) until it returns false (rows come
  // ordered by metric and series), records that the journal up to `flushed` is in chunks, and
  // empties the journal tables behind it. After an error nothing of it is visible and the call
  // may be repeated.
  virtual Result<void> WriteFlush(const std::function<bool(ChunkRow*)>& next,
                                  JournalPosition flushed) = 0;

  // Writes chunks whose samples never were in the journal, and those of their series that the
  // catalogue does not have yet, in one transaction. After an error they may be there all the same;
  // writing them again does no harm, for readers take each time of a series once.
  // Threads: any, also beside a flush.
  virtual Result<void> WriteChunks(std::span<const SeriesRecord> series,
                                   std::span<const ChunkRow> rows) = 0;

  // The chunks of the series (ids sorted) that overlap [min_time, max_time].
  virtual Result<ChunkTable> Read(std::span<const SeriesId> series, TimestampMs min_time,
                                  TimestampMs max_time) const = 0;
};

struct ExemplarRow {
  SeriesId series = 0;
  Exemplar exemplar;
};

// Threads: any, one write at a time.
class ExemplarTable {
 public:
  virtual ~ExemplarTable() = default;
  // In one transaction. After an error the call may be repeated.
  virtual Result<void> WriteExemplars(std::span<const ExemplarRow> rows) = 0;
  // The newest, at most `count`, oldest first.
  virtual Result<std::vector<ExemplarRow>> ReadNewest(size_t count) = 0;
  // Those of the series (sorted) within [start, end], the newest `most`, oldest first.
  virtual Result<std::vector<ExemplarRow>> ReadSpan(std::span<const SeriesId> series,
                                                    TimestampMs start, TimestampMs end,
                                                    size_t most) = 0;
};

// Threads: any.
class MetadataTable {
 public:
  virtual ~MetadataTable() = default;
  // Takes the place of what is known of these metrics. After an error the call may be repeated.
  virtual Result<void> WriteMetadata(std::span<const MetricMetadata> rows) = 0;
  virtual Result<std::vector<MetricMetadata>> ReadMetadata() = 0;
  virtual Result<void> RemoveMetadata(std::span<const std::string> metrics) = 0;
};

// What start-up gets back. Callbacks run on the calling thread.
// Threads: owner thread only, before the store serves.
class Recovery {
 public:
  virtual ~Recovery() = default;
  // The database has no chunk with a sample after this time; INT64_MIN when it has no chunk at all.
  virtual Result<TimestampMs> NewestInChunks() = 0;
  // Every series of the catalogue.
  virtual Result<void> LoadSeries(const std::function<void(SeriesRecord)>& each) = 0;
  // The journal pages that no flush covers, in order. A page whose checksum is wrong is reported
  // by the callback's error, counted and skipped by the caller: it never stops the replay.
  virtual Result<void> ReplayJournal(const std::function<void(std::string_view page)>& each) = 0;
};

}  // namespace vigil::storage

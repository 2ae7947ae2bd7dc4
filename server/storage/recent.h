// SPDX-License-Identifier: Apache-2.0
// What the store needs of its memory: the series index and the samples that are not in chunks yet
// (and those of the last flush, so that fresh queries need no database). Implemented by
// server/head, which also knows the codecs; main wires the two.
//
// Samples live in generations. Appends go to the current one. A flush begins the next generation,
// seals what the series hold of older ones, writes it, and drops the generation flushed before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/matcher.h"
#include "client-lib/model/sample.h"
#include "server/storage/backend.h"
#include "server/storage/cardinality.h"
#include "server/storage/storage.h"

namespace vigil::storage {

// Accepted samples by database id, in the order they were accepted: what the journal gets.
struct AcceptedSamples {
  std::vector<SeriesId> series;
  std::vector<TimestampMs> timestamps;
  std::vector<double> values;
  std::vector<SeriesId> histogram_series;
  std::vector<HistogramSample> histograms;

  // Of the float samples.
  [[nodiscard]] size_t size() const { return series.size(); }
  void Clear() {
    series.clear();
    timestamps.clear();
    values.clear();
    histogram_series.clear();
    histograms.clear();
  }
};

struct RecentStats {
  uint64_t series = 0;
  uint64_t idle_series = 0;  // without samples in memory, at the last flush or the start
  uint64_t label_names = 0;
  uint64_t label_pairs = 0;    // different name-value pairs
  uint64_t open_samples = 0;   // that no flush has written
  uint64_t sealed_chunks = 0;  // of older generations, still in memory
  uint64_t sample_bytes = 0;   // encoded samples in memory
  uint64_t index_bytes = 0;    // label sets, postings, slots: an estimate
  TimestampMs min_time = 0;    // of the samples in memory, 0 without any
  TimestampMs max_time = 0;
};

// Of a page, or of pages before it.
struct ReplayedPage {
  size_t samples = 0;
  size_t unknown_series = 0;  // samples whose series is not in the catalogue
};

// What a whole chunk amounts to; see chunks::ChunkSummary.
struct ChunkSums {
  double first = 0;
  double last = 0;
  double min = 0;
  double max = 0;
  uint32_t resets = 0;
};

// The samples of some series at one moment. Holds what it needs: writers do not wait for readers.
// Threads: Read() from several threads for different indexes at once.
class RecentSamples {
 public:
  virtual ~RecentSamples() = default;
  // Whether memory holds samples of series i within the span.
  [[nodiscard]] virtual bool Has(size_t i) const = 0;
  // The database may hold samples of the span that memory has not, up to this time; smaller than
  // the start of the span when there are none.
  [[nodiscard]] virtual TimestampMs StoredUntil(size_t i) const = 0;
  // Appends the samples within the span, timestamps strictly rising.
  virtual void Read(size_t i, SampleColumns* out) const = 0;
  // Encoded pieces of all series together.
  [[nodiscard]] virtual size_t chunks() const { return 0; }
};

// The chunks of one flush, ordered by metric name and series id.
// Threads: one at a time.
class SealedChunks {
 public:
  virtual ~SealedChunks() = default;
  // False at the end. row->data is valid until the next call.
  virtual bool Next(ChunkRow* row) = 0;
  // From the first again.
  virtual void Rewind() = 0;
  [[nodiscard]] virtual uint64_t samples() const = 0;  // given out since the last Rewind()
};

// Threads: any, but one flush at a time, and replay before anything else.
class Recent {
 public:
  virtual ~Recent() = default;

  // Series.
  // 0 when there is none.
  [[nodiscard]] virtual SeriesRef Find(const Labels& labels) const = 0;
  // The series with these labels, new or not. stored_until: up to which time the database may hold
  // samples of it (INT64_MIN: none).
  virtual SeriesRef Insert(SeriesId id, const Labels& labels, TimestampMs stored_until) = 0;
  // The database has got samples of the series up to this time from elsewhere than a flush.
  virtual void RaiseStoredUntil(SeriesRef ref, TimestampMs stored_until) = 0;
  [[nodiscard]] virtual size_t series_count() const = 0;
  // The series with these database ids, 0 where there is none. Looks at all series: for start-up.
  // REQUIRES: ids sorted.
  [[nodiscard]] virtual std::vector<SeriesRef> FindIds(std::span<const SeriesId> ids) const = 0;
  // How many of them have this label.
  [[nodiscard]] virtual size_t CountWith(std::string_view name, std::string_view value) const = 0;
  // How many of those are idle: without samples in memory since the last flush or the start. Looks
  // at all of them.
  [[nodiscard]] virtual size_t CountIdle(std::string_view name, std::string_view value) const = 0;
  // REQUIRES: a ref given out by this object.
  [[nodiscard]] virtual const Labels& labels(SeriesRef ref) const = 0;
  [[nodiscard]] virtual SeriesId id(SeriesRef ref) const = 0;
  // Of chunks of the series that are written from now on.
  [[nodiscard]] virtual uint16_t retention_class(SeriesRef) const { return kDefaultRetentionClass; }

  // Writing.
  // Judges and takes the samples; the taken ones are appended to *accepted.
  virtual AppendOutcome Append(const SampleBatch& batch, AppendMode mode,
                               AcceptedSamples* accepted) = 0;
  virtual void EncodePages(const AcceptedSamples& samples,
                           std::vector<std::string>* pages) const = 0;

  // Start-up. Samples of pages may repeat and be out of order; pages come in the order in which
  // they were encoded. bad_data for a broken page.
  virtual Result<ReplayedPage> Replay(std::string_view page) = 0;
  // What came behind the answers of Replay().
  virtual ReplayedPage FinishReplay() = 0;

  // Flush.
  // Ends the generation. REQUIRES: no Append() is running.
  virtual void BeginGeneration() = 0;
  // Everything of older generations that no flush has written.
  virtual std::unique_ptr<SealedChunks> Seal() = 0;
  // What Seal() gave is in the database: it stays for readers until the next call of this, and
  // what the call before this kept is dropped.
  virtual void MarkFlushed() = 0;

  // Reading.
  // Refs of the series that match all, rising.
  [[nodiscard]] virtual std::vector<SeriesRef> Match(
      const std::vector<Matcher>& matchers) const = 0;
  // Sorts refs by the labels of their series.
  virtual void SortByLabels(std::vector<SeriesRef>* refs) const = 0;
  // Removes the series that cannot have samples in [start, end].
  virtual void DropOutside(TimestampMs start, TimestampMs end,
                           std::vector<SeriesRef>* refs) const = 0;
  [[nodiscard]] virtual std::unique_ptr<RecentSamples> Snapshot(std::span<const SeriesRef> refs,
                                                                TimestampMs start,
                                                                TimestampMs end) const = 0;
  // Appends the samples of a chunk within [min_time, max_time], timestamps strictly rising.
  virtual Result<void> DecodeChunk(const ChunkRow& row, TimestampMs min_time, TimestampMs max_time,
                                   SampleColumns* out) const = 0;
  // Without decoding it. Nothing when it has staleness markers or native histograms.
  virtual Result<std::optional<ChunkSums>> SumUpChunk(const ChunkRow& /*row*/) const {
    return std::optional<ChunkSums>();
  }
  // Of all series; sorted.
  [[nodiscard]] virtual std::vector<std::string> LabelNames() const = 0;
  [[nodiscard]] virtual std::vector<std::string> LabelValues(std::string_view name) const = 0;
  // Of these series; sorted. REQUIRES: refs given out by this object.
  [[nodiscard]] virtual std::vector<std::string> LabelNamesOf(
      std::span<const SeriesRef> refs) const = 0;
  [[nodiscard]] virtual std::vector<std::string> LabelValuesOf(
      std::string_view name, std::span<const SeriesRef> refs) const = 0;

  [[nodiscard]] virtual RecentStats Stats() const = 0;
  // The largest of each, at most `limit`. Looks at the whole index.
  [[nodiscard]] virtual Cardinality GetCardinality(size_t limit) const = 0;
};

}  // namespace vigil::storage

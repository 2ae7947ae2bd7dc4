// SPDX-License-Identifier: Apache-2.0
// The narrow waist of the server: what writers (scrape, remote write, rules) and readers (PromQL,
// web) see of the store. Everything moves in columns and batches: no call, lock, allocation or
// row per sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/matcher.h"
#include "client-lib/model/sample.h"
#include "server/storage/exemplars.h"
#include "server/storage/metadata.h"
#include "server/storage/summaries.h"

namespace vigil::storage {

// A series in this process: dense, never reused while the process lives, 0 = none. It is not the
// id in the database.
using SeriesRef = uint64_t;

// Samples to append, as columns of equal length. Timestamps need not be sorted; a series may occur
// more than once. Native histograms are beside the floats, in two columns of their own; the end of
// a series is always marked by a float. Clear() keeps capacity: keep one per target and reuse it.
struct SampleBatch {
  std::vector<SeriesRef> refs;
  std::vector<TimestampMs> timestamps;
  std::vector<double> values;
  std::vector<SeriesRef> histogram_refs;
  std::vector<HistogramSample> histograms;  // none of them null

  // Of the float samples.
  [[nodiscard]] size_t size() const { return refs.size(); }
  void Clear() {
    refs.clear();
    timestamps.clear();
    values.clear();
    histogram_refs.clear();
    histograms.clear();
  }
  void Add(SeriesRef ref, TimestampMs timestamp, double value) {
    refs.push_back(ref);
    timestamps.push_back(timestamp);
    values.push_back(value);
  }
  void Add(SeriesRef ref, TimestampMs timestamp, HistogramPtr histogram) {
    histogram_refs.push_back(ref);
    histograms.push_back({timestamp, std::move(histogram)});
  }
};

// Why a sample was not taken; Prometheus's rules and error texts.
enum class SampleVerdict : uint8_t {
  kAccepted,
  kAcceptedLate,     // within the out-of-order window
  kDuplicateSame,    // same timestamp and bits as one that is there: silently fine
  kOutOfOrder,       // "out of order sample"
  kTooOld,           // "too old sample": older than the out-of-order window, when there is one
  kDuplicate,        // "duplicate sample for timestamp" (another value)
  kOutOfBounds,      // "out of bounds" (too far ahead or behind)
  kUnknownSeries,    // the ref is of no series of this process: resolve again
  kBrokenHistogram,  // buckets and spans of a native histogram do not fit together
};
std::string_view SampleVerdictText(SampleVerdict verdict);

enum class AppendMode {
  kSkipRejected,  // scrapes: take what is good, count the rest
  kAllOrNothing,  // remote write 1.0: any rejected sample rejects the whole batch
  kSenderKeeps,   // remote write 2.0: as kSkipRejected, but what finds no room is sent again
};

// Position in the journal; samples are safe once WaitDurable(position) has returned.
using JournalPosition = uint64_t;

struct AppendOutcome {
  size_t accepted = 0;             // histograms and late samples included
  size_t accepted_histograms = 0;  // of them
  size_t accepted_late = 0;        // of them, out of order within the window
  size_t duplicates_same = 0;
  size_t out_of_order = 0;
  size_t too_old = 0;
  size_t duplicates = 0;
  size_t out_of_bounds = 0;
  size_t unknown_series = 0;
  size_t broken_histograms = 0;
  // Index in the batch and reason of the first rejected sample, when there is one. Histograms are
  // numbered on from the floats.
  size_t first_rejected = 0;
  SampleVerdict first_reason = SampleVerdict::kAccepted;
  JournalPosition position = 0;

  [[nodiscard]] size_t rejected() const {
    return out_of_order + too_old + duplicates + out_of_bounds + unknown_series + broken_histograms;
  }
};

// Threads: any.
class Appender {
 public:
  virtual ~Appender() = default;

  // The series with these labels, created when new. Costs a hash look-up (a creation more): do it
  // once per series and keep the ref. bad_data when a series limit is reached: the others go on;
  // unavailable while the database is away.
  virtual Result<SeriesRef> Resolve(const Labels& labels) = 0;

  // Takes the samples into the head and queues them for the journal; when it returns, readers see
  // them. unavailable when the journal is too far behind to take more (back pressure); nothing is
  // appended then. Senders that keep their samples are refused long before scrapes, see AppendMode.
  virtual Result<AppendOutcome> Append(const SampleBatch& batch, AppendMode mode) = 0;

  // Keeps the exemplars that are good; others are counted and left out. They are not in the
  // journal: the newest few may be lost with the process.
  virtual void AppendExemplars(const ExemplarBatch& /*batch*/) {}

  // Takes note of what metrics are; it is written to the database within seconds.
  virtual void PutMetadata(std::span<const MetricMetadata> /*rows*/) {}

  // Waits until everything up to the position is committed in the database. timeout or
  // unavailable; the samples may still become durable later.
  virtual Result<void> WaitDurable(JournalPosition position, int64_t timeout_ms) = 0;
};

// What a reader will do with the samples; the store may use it to read less.
struct SelectHints {
  TimestampMs start = 0;  // of the samples wanted, inclusive
  TimestampMs end = 0;    // inclusive
  int64_t step_ms = 0;    // 0: instant
  int64_t range_ms = 0;   // of the range selector, 0: none
  std::string function;   // the function or aggregation directly around the selector
  std::vector<std::string> grouping;
  bool by = false;
  bool series_only = false;  // labels are enough, samples are not read
  // Execution error when the series alone take more, each being worth kSeriesBytes.
  size_t max_bytes = SIZE_MAX;
  static constexpr size_t kSeriesBytes = 256;
  // What may stand in for samples; the reader then looks at SeriesSet::stand_ins().
  WindowsHint windows;
  RollupHint rollups;
  ChunkSummaryHint chunk_summaries;
};

// The series of one selector, sorted by labels. Holds everything needed to decode, so that it
// does not block writers and needs no database after Select().
// Threads: Read() may be called from several threads for different indexes at once.
class SeriesSet {
 public:
  virtual ~SeriesSet() = default;
  [[nodiscard]] virtual size_t size() const = 0;
  [[nodiscard]] virtual const Labels& labels(size_t i) const = 0;
  // Appends the samples of series i within the selected span to *out, timestamps strictly rising,
  // staleness markers and native histograms included. A broken chunk is skipped and shows in
  // warnings().
  virtual Result<void> Read(size_t i, SampleColumns* out) const = 0;
  // With roll-ups, Read() gives the last sample of each bucket in place of its samples, at the end
  // of the bucket; the first one may end up to its width before the span.
  [[nodiscard]] virtual StandIns stand_ins() const { return StandIns::kNone; }
  // The summaries that stand in for samples of series i, with the columns of the hints, and the
  // other samples; replaces what both had. Samples may lie between summaries, never within one.
  // REQUIRES: stand_ins() is not kNone.
  virtual Result<void> ReadSummed(size_t i, SummaryColumns* summaries,
                                  SampleColumns* samples) const {
    summaries->Clear();
    samples->Clear();
    return Read(i, samples);
  }
  // Encoded chunks of all series together, for those who ask what a query costs.
  struct Chunks {
    size_t in_memory = 0;
    size_t in_database = 0;
  };
  [[nodiscard]] virtual Chunks chunks() const { return {}; }
  // For the user of the query; complete once all series have been read.
  [[nodiscard]] virtual std::vector<std::string> warnings() const = 0;
};

// Threads: any.
class Queryable {
 public:
  virtual ~Queryable() = default;

  // All series that match every matcher and may have samples in [hints.start, hints.end].
  virtual Result<std::unique_ptr<SeriesSet>> Select(const std::vector<Matcher>& matchers,
                                                    const SelectHints& hints) const = 0;

  // Sorted, without duplicates; of series that match (all when there is no matcher) and overlap
  // [start, end] as far as the index knows.
  virtual Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers,
                                                      TimestampMs start, TimestampMs end) const = 0;
  virtual Result<std::vector<std::string>> LabelValues(std::string_view name,
                                                       const std::vector<Matcher>& matchers,
                                                       TimestampMs start,
                                                       TimestampMs end) const = 0;
};

}  // namespace vigil::storage

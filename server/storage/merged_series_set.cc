// SPDX-License-Identifier: Apache-2.0
#include "server/storage/merged_series_set.h"

#include <algorithm>
#include <utility>

#include "server/storage/rising.h"

namespace vigil::storage {
namespace {

// A query over many broken chunks needs no sentence for each.
constexpr size_t kMaxWarnings = 10;
// No chunk has more: a row that says so is damaged.
constexpr size_t kMaxSamplesOfChunk = 32'767;

}  // namespace

MergedSeriesSet::MergedSeriesSet(const Recent& recent, TimestampMs start, TimestampMs end,
                                 std::vector<MergedSeries> series,
                                 std::unique_ptr<RecentSamples> recent_samples, ChunkTable chunks,
                                 std::shared_ptr<const Tombstones> tombstones,
                                 std::shared_ptr<std::atomic<uint64_t>> corrupt_chunks)
    : recent_(recent),
      start_(start),
      end_(end),
      series_(std::move(series)),
      recent_samples_(std::move(recent_samples)),
      chunks_(std::move(chunks)),
      tombstones_(std::move(tombstones)),
      corrupt_chunks_(std::move(corrupt_chunks)) {}

void MergedSeriesSet::ReadChunk(const MergedSeries& series, size_t row, SampleColumns* out) const {
  const TimestampMs until = std::min(end_, recent_samples_->StoredUntil(series.recent));
  const Result<void> read = recent_.DecodeChunk(chunks_.rows[row], start_, until, out);
  if (read.has_value()) return;
  ++*corrupt_chunks_;
  warnings_.With([&](std::vector<std::string>& warnings) {
    if (warnings.size() >= kMaxWarnings) return;
    warnings.push_back("samples of " + series.labels.ToMetricString() +
                       " are missing: " + read.error().message);
  });
}

// Room for all chunks at once, rather than a copy for every few of them, in columns that have none
// from the series before.
void MergedSeriesSet::Reserve(const MergedSeries& series, SampleColumns* out) const {
  if (series.rows_end - series.rows < 2 || out->timestamps.capacity() > 0) return;
  size_t size = out->size();
  for (size_t row = series.rows; row < series.rows_end; ++row) {
    size += std::min<size_t>(chunks_.rows[row].count, kMaxSamplesOfChunk);
  }
  out->timestamps.reserve(size);
  out->values.reserve(size);
}

Result<void> MergedSeriesSet::Read(size_t i, SampleColumns* out) const {
  const MergedSeries& series = series_[i];
  if (recent_samples_ == nullptr) return Ok();
  const ColumnsMark begin(*out);
  Reserve(series, out);
  // Each chunk alone is in order, and so is memory; chunks may overlap each other and, after a
  // restart, memory.
  bool rising = true;
  const auto is_behind = [&](size_t border) {
    const std::vector<TimestampMs>& t = out->timestamps;
    return border == begin.floats || border == t.size() || t[border] > t[border - 1];
  };
  for (size_t row = series.rows; row < series.rows_end; ++row) {
    const size_t border = out->size();
    ReadChunk(series, row, out);
    rising = is_behind(border) && rising;
  }
  const bool chunks = begin.Grew(*out);
  const size_t border = out->size();
  recent_samples_->Read(series.recent, out);
  const bool histograms = chunks && out->histograms.size() > begin.histograms;
  if (!rising || !is_behind(border) || histograms) MakeRising(begin, out);
  if (tombstones_ != nullptr) EraseDeleted(tombstones_->SpansOf(series.id), begin, out);
  return Ok();
}

void MergedSeriesSet::TakeSummaries(const WindowsHint& windows, const ChunkSummaryHint& hint,
                                    std::shared_ptr<std::atomic<uint64_t>> summed_chunks) {
  windows_ = windows;
  chunk_summaries_ = hint;
  uint64_t whole = 0;
  uint64_t all = 0;
  for (const MergedSeries& series : series_) {
    const TimestampMs until = std::min(end_, recent_samples_->StoredUntil(series.recent));
    for (size_t row = series.rows; row < series.rows_end; ++row) {
      const uint64_t count = chunks_.rows[row].count;
      all += count;
      if (IsWhole(chunks_.rows[row], until)) whole += count;
    }
  }
  if (whole > 0 && 2 * whole >= all) summed_chunks_ = std::move(summed_chunks);
}

bool MergedSeriesSet::IsWhole(const ChunkRow& row, TimestampMs until) const {
  return row.min_time >= start_ && row.max_time <= until &&
         !windows_.Cut(row.min_time, row.max_time);
}

bool MergedSeriesSet::AddSummary(const ChunkRow& row, SummaryColumns* summaries) const {
  // A broken one is decoded and reported there.
  const auto sums = recent_.SumUpChunk(row);
  if (!sums || !*sums) return false;
  if (chunk_summaries_.without_resets && (*sums)->resets > 0) return false;
  summaries->begins.push_back(row.min_time);
  summaries->ends.push_back(row.max_time);
  using enum SummaryColumn;
  summaries->of(kCount).push_back(row.count);
  summaries->of(kMin).push_back((*sums)->min);
  summaries->of(kMax).push_back((*sums)->max);
  summaries->of(kFirst).push_back((*sums)->first);
  summaries->of(kLast).push_back((*sums)->last);
  return true;
}

bool MergedSeriesSet::TryReadSummed(const MergedSeries& series, SummaryColumns* summaries,
                                    SampleColumns* samples) const {
  const TimestampMs until = std::min(end_, recent_samples_->StoredUntil(series.recent));
  for (size_t row = series.rows; row < series.rows_end; ++row) {
    const ChunkRow& chunk = chunks_.rows[row];
    if (row > series.rows && chunk.min_time <= chunks_.rows[row - 1].max_time) return false;
    if (IsWhole(chunk, until) && AddSummary(chunk, summaries)) continue;
    ReadChunk(series, row, samples);
  }
  const ColumnsMark stored(*samples);
  const TimestampMs last =
      series.rows == series.rows_end ? INT64_MIN : chunks_.rows[series.rows_end - 1].max_time;
  recent_samples_->Read(series.recent, samples);
  return samples->histograms.empty() &&
         (samples->size() == stored.floats || samples->timestamps[stored.floats] > last);
}

Result<void> MergedSeriesSet::ReadSummed(size_t i, SummaryColumns* summaries,
                                         SampleColumns* samples) const {
  summaries->Clear();
  samples->Clear();
  const MergedSeries& series = series_[i];
  const bool deleted = tombstones_ != nullptr && !tombstones_->SpansOf(series.id).empty();
  if (!deleted && TryReadSummed(series, summaries, samples)) {
    *summed_chunks_ += summaries->size();
    return Ok();
  }
  summaries->Clear();
  samples->Clear();
  return Read(i, samples);
}

}  // namespace vigil::storage

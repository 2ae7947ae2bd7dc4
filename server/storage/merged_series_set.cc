// SPDX-License-Identifier: Apache-2.0
#include "server/storage/merged_series_set.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace vigil::storage {
namespace {

// A query over many broken chunks needs no sentence for each.
constexpr size_t kMaxWarnings = 10;

// Sorts the samples from `begin` on; of equal times the first stays.
void SortSamples(size_t begin, SampleColumns* samples) {
  std::vector<uint32_t> order(samples->size() - begin);
  std::iota(order.begin(), order.end(), 0U);
  const TimestampMs* const times = samples->timestamps.data() + begin;
  std::stable_sort(order.begin(), order.end(),
                   [times](uint32_t a, uint32_t b) { return times[a] < times[b]; });
  SampleColumns sorted;
  for (const uint32_t i : order) {
    if (!sorted.empty() && sorted.timestamps.back() == times[i]) continue;
    sorted.Add(times[i], samples->values[begin + i]);
  }
  samples->timestamps.resize(begin);
  samples->values.resize(begin);
  samples->timestamps.insert(samples->timestamps.end(), sorted.timestamps.begin(),
                             sorted.timestamps.end());
  samples->values.insert(samples->values.end(), sorted.values.begin(), sorted.values.end());
}

bool IsRising(size_t begin, const SampleColumns& samples) {
  const auto from = samples.timestamps.begin() + static_cast<ptrdiff_t>(begin);
  return std::adjacent_find(from, samples.timestamps.end(), std::greater_equal<>()) ==
         samples.timestamps.end();
}

}  // namespace

MergedSeriesSet::MergedSeriesSet(const Recent& recent, TimestampMs start, TimestampMs end,
                                 std::vector<MergedSeries> series,
                                 std::unique_ptr<RecentSamples> recent_samples, ChunkTable chunks,
                                 std::shared_ptr<std::atomic<uint64_t>> corrupt_chunks)
    : recent_(recent),
      start_(start),
      end_(end),
      series_(std::move(series)),
      recent_samples_(std::move(recent_samples)),
      chunks_(std::move(chunks)),
      corrupt_chunks_(std::move(corrupt_chunks)) {}

void MergedSeriesSet::ReadChunks(const MergedSeries& series, SampleColumns* out) const {
  const TimestampMs until = std::min(end_, recent_samples_->StoredUntil(series.recent));
  for (size_t row = series.rows; row < series.rows_end; ++row) {
    const Result<void> read = recent_.DecodeChunk(chunks_.rows[row], start_, until, out);
    if (read.has_value()) continue;
    ++*corrupt_chunks_;
    warnings_.With([&](std::vector<std::string>& warnings) {
      if (warnings.size() >= kMaxWarnings) return;
      warnings.push_back("samples of " + series.labels.ToMetricString() +
                         " are missing: " + read.error().message);
    });
  }
}

Result<void> MergedSeriesSet::Read(size_t i, SampleColumns* out) const {
  const MergedSeries& series = series_[i];
  if (recent_samples_ == nullptr) return Ok();
  const size_t begin = out->size();
  ReadChunks(series, out);
  const bool chunks = out->size() > begin;
  recent_samples_->Read(series.recent, out);
  // Memory alone is in order; chunks may overlap each other and, after a restart, memory.
  if (chunks && !IsRising(begin, *out)) SortSamples(begin, out);
  return Ok();
}

}  // namespace vigil::storage

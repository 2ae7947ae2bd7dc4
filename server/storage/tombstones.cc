// SPDX-License-Identifier: Apache-2.0
#include "server/storage/tombstones.h"

#include <algorithm>
#include <utility>

namespace vigil::storage {
namespace {

bool IsDeleted(const std::vector<DeletedSpan>& spans, TimestampMs time) {
  return std::any_of(spans.begin(), spans.end(), [time](const DeletedSpan& span) {
    return time >= span.from && time <= span.to;
  });
}

}  // namespace

Tombstones::Tombstones(std::vector<Tombstone> tombstones) : tombstones_(std::move(tombstones)) {
  std::sort(tombstones_.begin(), tombstones_.end(),
            [](const Tombstone& a, const Tombstone& b) { return a.id < b.id; });
  for (Tombstone& one : tombstones_) std::sort(one.series.begin(), one.series.end());
}

int64_t Tombstones::newest() const { return tombstones_.empty() ? 0 : tombstones_.back().id; }

bool Tombstones::Overlap(TimestampMs from, TimestampMs to) const {
  return std::any_of(tombstones_.begin(), tombstones_.end(), [&](const Tombstone& one) {
    return one.span.from <= to && one.span.to >= from;
  });
}

std::vector<DeletedSpan> Tombstones::SpansOf(SeriesId series) const {
  std::vector<DeletedSpan> spans;
  for (const Tombstone& one : tombstones_) {
    if (std::binary_search(one.series.begin(), one.series.end(), series)) {
      spans.push_back(one.span);
    }
  }
  return spans;
}

void EraseDeleted(const std::vector<DeletedSpan>& spans, const ColumnsMark& begin,
                  SampleColumns* samples) {
  if (spans.empty()) return;
  size_t kept = begin.floats;
  for (size_t i = begin.floats; i < samples->size(); ++i) {
    if (IsDeleted(spans, samples->timestamps[i])) continue;
    samples->timestamps[kept] = samples->timestamps[i];
    samples->values[kept] = samples->values[i];
    ++kept;
  }
  samples->timestamps.resize(kept);
  samples->values.resize(kept);
  const auto first = samples->histograms.begin() + static_cast<ptrdiff_t>(begin.histograms);
  samples->histograms.erase(
      std::remove_if(first, samples->histograms.end(),
                     [&](const HistogramSample& one) { return IsDeleted(spans, one.timestamp); }),
      samples->histograms.end());
}

}  // namespace vigil::storage

// SPDX-License-Identifier: Apache-2.0
#include "server/head/batch_check.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <unordered_map>
#include <vector>

namespace vigil::head {

using storage::AppendOutcome;
using storage::SampleBatch;
using storage::SampleVerdict;

void Count(SampleVerdict verdict, size_t index, AppendOutcome* outcome) {
  switch (verdict) {
    case SampleVerdict::kAccepted:
      ++outcome->accepted;
      return;
    case SampleVerdict::kAcceptedLate:
      ++outcome->accepted;
      ++outcome->accepted_late;
      return;
    case SampleVerdict::kDuplicateSame:
      ++outcome->duplicates_same;
      return;
    case SampleVerdict::kOutOfOrder:
      ++outcome->out_of_order;
      break;
    case SampleVerdict::kTooOld:
      ++outcome->too_old;
      break;
    case SampleVerdict::kDuplicate:
      ++outcome->duplicates;
      break;
    case SampleVerdict::kOutOfBounds:
      ++outcome->out_of_bounds;
      break;
    case SampleVerdict::kUnknownSeries:
      ++outcome->unknown_series;
      break;
    case SampleVerdict::kBrokenHistogram:
      ++outcome->broken_histograms;
      break;
  }
  if (outcome->first_reason != SampleVerdict::kAccepted && outcome->first_rejected <= index) return;
  outcome->first_rejected = index;
  outcome->first_reason = verdict;
}

namespace {

// The rows series by series, each in the order of the batch.
std::vector<uint32_t> GroupedOrder(std::span<const SeriesRef> refs) {
  std::vector<uint32_t> order(refs.size());
  std::iota(order.begin(), order.end(), 0U);
  if (!std::is_sorted(refs.begin(), refs.end())) {
    std::stable_sort(order.begin(), order.end(),
                     [refs](uint32_t a, uint32_t b) { return refs[a] < refs[b]; });
  }
  return order;
}

bool SameValue(const Sample& a, const Sample& b) { return SameBits(a.value, b.value); }
bool SameValue(const HistogramSample& a, const HistogramSample& b) {
  return chunks::SameHistogram(*a.histogram, *b.histogram);
}

// Late samples of one series that would have been taken.
template <typename T>
class LateOnes {
 public:
  void Clear() { samples_.clear(); }
  SampleVerdict Judge(const Series& series, const T& sample) {
    for (const T& other : samples_) {
      if (other.timestamp != sample.timestamp) continue;
      return SameValue(other, sample) ? SampleVerdict::kDuplicateSame : SampleVerdict::kDuplicate;
    }
    const SampleVerdict verdict = JudgeLate(series, sample);
    if (verdict == SampleVerdict::kAcceptedLate) samples_.push_back(sample);
    return verdict;
  }

 private:
  std::vector<T> samples_;
};

class Check {
 public:
  Check(const SampleBatch& batch, const Bounds& bounds, const SeriesSlots& slots)
      : batch_(batch), bounds_(bounds), slots_(slots) {}

  AppendOutcome Run() {
    Floats();
    if (!batch_.histograms.empty()) Histograms();
    return outcome_;
  }

 private:
  void Floats() {
    RunWalker walker(slots_);
    LateOnes<Sample> late;
    SeriesRef current = 0;
    Newest newest;
    for (const uint32_t i : GroupedOrder(batch_.refs)) {
      const SeriesRef ref = batch_.refs[i];
      if (!slots_.Has(ref)) {
        Count(SampleVerdict::kUnknownSeries, i, &outcome_);
        continue;
      }
      if (ref != current) {
        newest = Newest::Of(walker.At(ref));
        current = ref;
        late.Clear();
      }
      const Sample sample{batch_.timestamps[i], batch_.values[i]};
      SampleVerdict verdict = Judge(sample.timestamp, sample.value, newest, bounds_);
      if (verdict == SampleVerdict::kAcceptedLate) verdict = late.Judge(walker.At(ref), sample);
      Count(verdict, i, &outcome_);
      if (verdict != SampleVerdict::kAccepted) continue;
      newest.float_time = sample.timestamp;
      newest.value = sample.value;
      if (!batch_.histograms.empty()) float_times_[ref] = sample.timestamp;
    }
  }

  void Histograms() {
    RunWalker walker(slots_);
    LateOnes<HistogramSample> late;
    SeriesRef current = 0;
    Newest newest;
    for (const uint32_t i : GroupedOrder(batch_.histogram_refs)) {
      const SeriesRef ref = batch_.histogram_refs[i];
      const size_t index = batch_.size() + i;
      if (!slots_.Has(ref)) {
        Count(SampleVerdict::kUnknownSeries, index, &outcome_);
        continue;
      }
      if (ref != current) {
        newest = Newest::Of(walker.At(ref));
        const auto before = float_times_.find(ref);
        if (before != float_times_.end()) newest.float_time = before->second;
        current = ref;
        late.Clear();
      }
      const HistogramSample& sample = batch_.histograms[i];
      SampleVerdict verdict = Judge(sample, newest, bounds_);
      if (verdict == SampleVerdict::kAcceptedLate) verdict = late.Judge(walker.At(ref), sample);
      Count(verdict, index, &outcome_);
      if (verdict != SampleVerdict::kAccepted) continue;
      newest.histogram_time = sample.timestamp;
      newest.histogram = sample.histogram.get();
    }
  }

  const SampleBatch& batch_;
  const Bounds& bounds_;
  const SeriesSlots& slots_;
  // Newest floats that the batch would bring, when it has histograms, too.
  std::unordered_map<SeriesRef, TimestampMs> float_times_;
  AppendOutcome outcome_;
};

}  // namespace

AppendOutcome CheckBatch(const SampleBatch& batch, const Bounds& bounds, const SeriesSlots& slots) {
  return Check(batch, bounds, slots).Run();
}

}  // namespace vigil::head

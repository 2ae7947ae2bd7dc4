// SPDX-License-Identifier: Apache-2.0
// The head's side of an append: every sample is judged and, when it is good, taken.
#include <algorithm>

#include "server/head/batch_check.h"
#include "server/head/head.h"
#include "server/head/head_state.h"
#include "server/head/judge.h"
#include "server/head/sealed_reader.h"

namespace vigil::head {
namespace {

using storage::AppendMode;
using storage::AppendOutcome;
using storage::SampleBatch;
using storage::SampleVerdict;

// So many late samples are sealed, so that they become small and insertion stays cheap.
constexpr size_t kMaxLate = 512;
constexpr size_t kMaxLateHistograms = 32;

Bounds BoundsOf(TimestampMs now, TimestampMs newest, const HeadOptions& options, int64_t window) {
  Bounds bounds;
  if (now < INT64_MAX - options.max_ahead_ms) bounds.high = now + options.max_ahead_ms;
  if (options.max_behind_ms > 0 && newest > INT64_MIN + options.max_behind_ms) {
    bounds.low = newest - options.max_behind_ms;
  }
  bounds.has_window = window > 0;
  if (window > 0 && newest > INT64_MIN + window) bounds.late_low = newest - window;
  return bounds;
}

// What one batch did.
struct Taken {
  int64_t grown = 0;
  TimestampMs low = INT64_MAX;
  TimestampMs high = INT64_MIN;

  void Include(TimestampMs timestamp) {
    low = std::min(low, timestamp);
    high = std::max(high, timestamp);
  }
  void Add(const Taken& other) {
    grown += other.grown;
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
};

}  // namespace

SampleVerdict JudgeLate(const Series& series, const Sample& sample) {
  SampleColumns there;
  ReadAll(series, sample.timestamp, sample.timestamp, &there);
  if (!there.empty()) {
    return SameBits(there.values[0], sample.value) ? SampleVerdict::kDuplicateSame
                                                   : SampleVerdict::kDuplicate;
  }
  if (!there.histograms.empty()) return SampleVerdict::kDuplicate;
  return sample.timestamp > series.LastTime() ? SampleVerdict::kAccepted
                                              : SampleVerdict::kAcceptedLate;
}

SampleVerdict JudgeLate(const Series& series, const HistogramSample& sample) {
  SampleColumns there;
  ReadAll(series, sample.timestamp, sample.timestamp, &there);
  if (!there.histograms.empty()) {
    return chunks::SameHistogram(*there.histograms[0].histogram, *sample.histogram)
               ? SampleVerdict::kDuplicateSame
               : SampleVerdict::kDuplicate;
  }
  if (!there.empty()) return SampleVerdict::kDuplicate;
  return sample.timestamp > series.LastTime() ? SampleVerdict::kAccepted
                                              : SampleVerdict::kAcceptedLate;
}

// The loops of one append, over floats and over histograms.
class Head::Taking {
 public:
  Taking(State* state, const SampleBatch& batch, const Bounds& bounds,
         storage::AcceptedSamples* accepted)
      : state_(*state), batch_(batch), bounds_(bounds), accepted_(*accepted) {}

  AppendOutcome Run() {
    AppendOutcome outcome;
    const uint64_t generation = state_.generation.load(std::memory_order_relaxed);
    Floats(generation, &outcome);
    if (!batch_.histograms.empty()) Histograms(generation, &outcome);
    if (outcome.accepted == 0) return outcome;
    state_.times.Include(taken_.low, taken_.high);
    state_.sizes.unflushed_samples += static_cast<int64_t>(outcome.accepted);
    state_.sizes.sample_bytes += taken_.grown;
    return outcome;
  }

 private:
  void Floats(uint64_t generation, AppendOutcome* outcome) {
    RunWalker walker(state_.slots);
    Taken taken;  // the compiler keeps it in registers
    size_t accepted = 0;
    for (size_t i = 0; i < batch_.size(); ++i) {
      const SeriesRef ref = batch_.refs[i];
      if (!state_.slots.Has(ref)) {
        Count(SampleVerdict::kUnknownSeries, i, outcome);
        continue;
      }
      Series& series = walker.At(ref);
      const TimestampMs timestamp = batch_.timestamps[i];
      const double value = batch_.values[i];
      // What nearly every sample is like.
      if (timestamp > series.open.last_time() && timestamp >= bounds_.low &&
          timestamp <= bounds_.high && series.side == nullptr) {
        ++accepted;
        Take(timestamp, value, generation, &series, &taken);
        continue;
      }
      SampleVerdict verdict = Judge(timestamp, value, Newest::Of(series), bounds_);
      if (verdict == SampleVerdict::kAcceptedLate) {
        verdict = JudgeLate(series, Sample{timestamp, value});
      }
      Count(verdict, i, outcome);
      if (verdict == SampleVerdict::kAccepted) {
        Take(timestamp, value, generation, &series, &taken);
      } else if (verdict == SampleVerdict::kAcceptedLate) {
        TakeLate(Sample{timestamp, value}, generation, &series);
        Accept(timestamp, value, series, &taken);
      }
    }
    outcome->accepted += accepted;
    taken_.Add(taken);
  }

  void Take(TimestampMs timestamp, double value, uint64_t generation, Series* series,
            Taken* taken) {
    state_.SealIfOlder(series, generation);
    taken->grown += static_cast<int64_t>(series->open.Append(timestamp, value));
    Accept(timestamp, value, *series, taken);
  }

  void Accept(TimestampMs timestamp, double value, const Series& series, Taken* taken) {
    taken->Include(timestamp);
    accepted_.series.push_back(series.id);
    accepted_.timestamps.push_back(timestamp);
    accepted_.values.push_back(value);
  }

  void Histograms(uint64_t generation, AppendOutcome* outcome) {
    RunWalker walker(state_.slots);
    for (size_t i = 0; i < batch_.histograms.size(); ++i) {
      const SeriesRef ref = batch_.histogram_refs[i];
      const size_t index = batch_.size() + i;
      if (!state_.slots.Has(ref)) {
        Count(SampleVerdict::kUnknownSeries, index, outcome);
        continue;
      }
      Series& series = walker.At(ref);
      const HistogramSample& sample = batch_.histograms[i];
      SampleVerdict verdict = Judge(sample, Newest::Of(series), bounds_);
      if (verdict == SampleVerdict::kAcceptedLate) verdict = JudgeLate(series, sample);
      Count(verdict, index, outcome);
      if (verdict == SampleVerdict::kAccepted) {
        state_.SealIfOlder(&series, generation);
        taken_.grown += static_cast<int64_t>(series.Side().Append(sample));
      } else if (verdict == SampleVerdict::kAcceptedLate) {
        TakeLate(sample, generation, &series);
      } else {
        continue;
      }
      ++outcome->accepted_histograms;
      taken_.Include(sample.timestamp);
      accepted_.histogram_series.push_back(series.id);
      accepted_.histograms.push_back(sample);
    }
  }

  template <typename T>
  void TakeLate(const T& sample, uint64_t generation, Series* series) {
    state_.SealIfOlder(series, generation);
    SideSamples& side = series->Side();
    taken_.grown += static_cast<int64_t>(side.AddLate(sample));
    if (side.late().size() >= kMaxLate || side.late_histograms().size() >= kMaxLateHistograms) {
      state_.SealSide(series);
    }
  }

  State& state_;
  const SampleBatch& batch_;
  const Bounds& bounds_;
  storage::AcceptedSamples& accepted_;
  Taken taken_;
};

storage::AppendOutcome Head::Append(const storage::SampleBatch& batch, storage::AppendMode mode,
                                    storage::AcceptedSamples* accepted) {
  State& state = *state_;
  const Bounds bounds = BoundsOf(state.clock.Now(), state.times.max.load(), state.options,
                                 state.out_of_order_window_ms.load(std::memory_order_relaxed));
  if (mode == AppendMode::kAllOrNothing) {
    AppendOutcome outcome = CheckBatch(batch, bounds, state.slots);
    if (outcome.rejected() > 0) {
      outcome.accepted = outcome.accepted_late = outcome.accepted_histograms = 0;
      outcome.duplicates_same = 0;
      return outcome;
    }
  }
  return Taking(&state, batch, bounds, accepted).Run();
}

}  // namespace vigil::head

// SPDX-License-Identifier: Apache-2.0
// Range functions and lookups over series some of whose samples are summed up.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "server/promql/engine_evaluator.h"
#include "server/promql/stand_ins.h"
#include "server/storage/summaries.h"

namespace vigil::promql {

// One series as SeriesSet::ReadSummed gives it, without staleness markers.
struct SummedSeries {
  const storage::SummaryColumns& summaries;
  const SampleColumns& samples;
  storage::StandIns kind;
};

// The results of windows that hold summaries; others of *out stay as they are. Of chunks they have
// the bits that all samples would give. Adds to counts[i] what the summaries of window i stand for:
// the samples of chunks, one each for buckets. notes may be null with chunks.
void RunSummed(SummedFunction function, const WindowSpec& spec, const SummedSeries& series,
               std::span<double> out, std::vector<size_t>* counts, RollupNotes* notes);

// What roll-ups add to the rows of a plain selector; nothing when the set has none.
class InstantBuckets {
 public:
  InstantBuckets(const VectorSelector& selector, SampleColumn column,
                 const storage::SeriesSet& series)
      : selector_(selector), column_(column), series_(series) {}

  // In place of series.Read(); a smoothed selector gets the last sample of each bucket.
  Result<void> Read(size_t i, SampleColumns* samples);
  [[nodiscard]] size_t size() const { return buckets_.size(); }
  // FillFromBuckets() for the series read last.
  size_t Fill(const SampleColumns& samples, const storage::WindowsHint& steps,
              std::span<double> row);
  void Report(Annotations* notes) const;

 private:
  const VectorSelector& selector_;
  const SampleColumn column_;
  const storage::SeriesSet& series_;
  storage::SummaryColumns buckets_;
  RollupNotes notes_;
};

// Where row[i] has no sample, the last value of the newest bucket that ended at or before the time
// at(i), as long as it is no older than the bucket is wide or the lookback is long, and no sample
// or staleness marker came after it. `times`: its end instead. Returns how many steps got one.
size_t FillFromBuckets(const storage::SummaryColumns& buckets, const SampleColumns& samples,
                       const storage::WindowsHint& steps, bool times, std::span<double> row,
                       RollupNotes* notes);

}  // namespace vigil::promql

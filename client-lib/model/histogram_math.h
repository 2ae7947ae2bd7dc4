// SPDX-License-Identifier: Apache-2.0
// Arithmetic on native histograms, as PromQL needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "client-lib/model/histogram.h"

namespace vigil {

// What happened when two histograms were added or subtracted.
struct HistogramMerge {
  // Exponential and custom buckets cannot be mixed: nothing was changed.
  bool incompatible = false;
  // One of them said there was a counter reset, the other there was none.
  bool hint_collision = false;
  // Custom bounds differed: the result has those that both had.
  bool bounds_reconciled = false;
};

// Adds to `h`. The coarser schema and the wider zero bucket win. The counter reset hint becomes
// gauge when one is a gauge, unknown when the hints differ otherwise.
HistogramMerge AddHistogram(Histogram* h, const Histogram& other);
// Treats the hint as addition does; the result of PromQL's `-` is a gauge, which is the caller's
// business.
HistogramMerge SubtractHistogram(Histogram* h, const Histogram& other);

// A negative factor makes a gauge.
void MultiplyHistogram(Histogram* h, double factor);
// Division by zero takes the buckets away.
void DivideHistogram(Histogram* h, double divisor);

// Takes out empty buckets but for runs of up to max_empty between others, and joins spans.
void CompactHistogram(Histogram* h, size_t max_empty = 0);
// REQUIRES: exponential schemas, target not above the histogram's.
void ReduceResolution(Histogram* h, int32_t target_schema);

// Same bits and same layout; empty spans do not matter, nor does the hint.
bool SameHistogram(const Histogram& a, const Histogram& b);
// Whether the counter was reset between the two, by the hint of `current` or by comparing counts.
bool DetectReset(const Histogram& current, const Histogram& previous);
// Any infinite count or sum.
bool HasOverflow(const Histogram& h);
// How many float samples it counts for where samples are limited.
size_t SampleCost(const Histogram& h);

// A sum of histograms, each number with its own compensation of rounding errors. Also the mean,
// which goes on incrementally once a sum overflows.
// Threads: owner thread only.
class HistogramSum {
 public:
  // What the sum's numbers lost to rounding, in the same layout as its buckets.
  struct Compensation {
    double zero_count = 0;
    double count = 0;
    double sum = 0;
    std::vector<double> positive;
    std::vector<double> negative;
  };

  explicit HistogramSum(const Histogram& first);
  HistogramMerge Add(const Histogram& other);
  void Multiply(double factor);
  void Divide(double divisor);
  [[nodiscard]] bool Overflows() const { return HasOverflow(sum_); }
  [[nodiscard]] Histogram Total() const;

 private:
  Histogram sum_;
  Compensation compensation_;
};

// Threads: owner thread only.
class HistogramMean {
 public:
  explicit HistogramMean(const Histogram& first) : sum_(first) {}
  HistogramMerge Add(const Histogram& other);
  [[nodiscard]] Histogram Mean() const;

 private:
  HistogramSum sum_;  // the mean itself once incremental
  double count_ = 1;
  bool incremental_ = false;
};

}  // namespace vigil

// SPDX-License-Identifier: Apache-2.0
// The sums of all groups of an aggregation, step by step, many steps at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vigil::promql {

// What becomes of native histograms in an aggregation.
enum class Histograms { kIgnored, kCounted, kSum, kMean };

// A row of steps per group; each step sums as KahanSum does, with the same bits.
// Threads: owner thread only.
class SumRows {
 public:
  static constexpr Histograms kHistograms = Histograms::kSum;
  explicit SumRows(size_t steps) : steps_(steps) {}

  // More groups, without samples.
  void Resize(size_t groups);
  // A place per step; staleness markers are no samples.
  void AddRow(size_t group, std::span<const double> row);
  // `cell` is group * steps + step.
  void Add(size_t cell, double v);
  // The staleness marker when there was no sample.
  [[nodiscard]] double Get(size_t cell) const;

 private:
  void AddFullRow(size_t first, std::span<const double> row);
  void AddAt(size_t cell, double v);

  size_t steps_;
  std::vector<double> sums_;           // the staleness marker before the first sample
  std::vector<double> compensations_;  // as long
  enum class Samples : uint8_t { kNowhere, kSomewhere, kEverywhere };
  std::vector<Samples> where_;  // by group: at which steps it has any
};

}  // namespace vigil::promql

// SPDX-License-Identifier: Apache-2.0
// Warnings and infos that a query collects for its user, with upstream's texts.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "server/promql/ast.h"

namespace vigil::promql {

// Threads: owner thread only.
class Annotations {
 public:
  // `text` without the leading "PromQL warning: " or "PromQL info: ". The same text is kept once,
  // with the position given last.
  void Warn(PosRange pos, std::string_view text);
  void Info(PosRange pos, std::string_view text);
  // Of the store: no prefix and no position.
  void AddStoreWarning(std::string_view text);

  // Complete texts with ` (line:column)`, sorted.
  [[nodiscard]] std::vector<std::string> Warnings(std::string_view query) const;
  [[nodiscard]] std::vector<std::string> Infos(std::string_view query) const;

  // The texts that more than one function needs.
  void InvalidQuantile(PosRange pos, double q);
  void InvalidRatio(PosRange pos, double ratio, double capped);
  void BadBucketLabel(PosRange pos, std::string_view metric, std::string_view le);
  void PossibleNonCounter(PosRange pos, std::string_view metric);
  void PossibleNonCounterType(PosRange pos, std::string_view metric, std::string_view type);
  // Many of these are one info that counts them and says how far they reach.
  void ForcedMonotonicity(PosRange pos, std::string_view metric, TimestampMs at, double min_bucket,
                          double max_bucket, double max_diff);
  void IncompatibleTypes(PosRange pos, std::string_view lhs, std::string_view op,
                         std::string_view rhs);

  // About native histograms. `operation` is addition, subtraction or aggregation.
  void MixedFloatsHistograms(PosRange pos, std::string_view metric);
  void MixedAggregation(PosRange pos);
  void MixedClassicNative(PosRange pos, std::string_view metric);
  void MixedSchemas(PosRange pos, std::string_view metric);
  void HistogramNotCounter(PosRange pos, std::string_view metric);
  void HistogramNotGauge(PosRange pos, std::string_view metric);
  void IncompatibleLayout(PosRange pos, std::string_view op);
  void ResetCollision(PosRange pos, std::string_view operation);
  void BoundsReconciled(PosRange pos, std::string_view operation);
  void IgnoredInAggregation(PosRange pos, std::string_view aggregation);
  void IgnoredInRange(PosRange pos, std::string_view metric);
  void StartTimesOverlap(PosRange pos, std::string_view metric);
  void NanInQuantile(PosRange pos, std::string_view metric, std::string_view result);
  void NanInFraction(PosRange pos, std::string_view metric);

 private:
  struct Monotonicity {
    PosRange pos;
    double min_bucket = 0;
    double max_bucket = 0;
    double max_diff = 0;
    size_t samples = 0;
    TimestampMs first = 0;
    TimestampMs last = 0;
  };

  using Texts = std::map<std::string, PosRange, std::less<>>;
  Texts warnings_;
  Texts infos_;
  std::map<std::string, Monotonicity, std::less<>> monotonicity_;  // by text without the figures
  std::map<std::string, bool, std::less<>> store_warnings_;
};

// ` for metric name "x"`, nothing when there is no name.
std::string ForMetric(std::string_view metric);

// %g of Go's fmt: NaN, +Inf, 1.1, 1e+21.
std::string GoG(double value);

}  // namespace vigil::promql

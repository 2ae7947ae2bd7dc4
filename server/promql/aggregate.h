// SPDX-License-Identifier: Apache-2.0
// Aggregations over the series of a vector: sum, topk, quantile and the like.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/promql/engine_evaluator.h"

namespace vigil::promql {

// Hands the aggregated rows to the sink, groups in the order of their first series.
Result<void> AggregateRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink);

// Maps label sets to groups of by(...) or without(...).
// Threads: owner thread only.
class Grouping {
 public:
  explicit Grouping(const AggregateExpr& expr);

  // The index of the label set's group; indexes are dense, in order of first appearance.
  size_t Of(const Labels& labels, bool drop_name);
  [[nodiscard]] size_t size() const { return labels_.size(); }
  // Whether series that differ by their name alone are of one group, which has no name.
  [[nodiscard]] bool ignores_name() const {
    return without_ == std::binary_search(names_.begin(), names_.end(), kMetricName);
  }
  [[nodiscard]] const Labels& labels(size_t group) const { return labels_[group]; }
  // The name goes from a group if it goes from any of its series.
  [[nodiscard]] bool drop_name(size_t group) const { return drop_name_[group] != 0; }

 private:
  [[nodiscard]] uint64_t Key(const Labels& labels) const;

  bool without_;
  std::vector<std::string> names_;  // sorted
  std::unordered_map<uint64_t, size_t> groups_;
  uint64_t last_key_ = 0;  // of the last call, when there is a group
  size_t last_ = 0;
  std::vector<Labels> labels_;
  std::vector<uint8_t> drop_name_;
};

// topk, bottomk, limitk, limit_ratio: rows of the input, with samples where they are selected.
Result<void> SelectRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink);
// quantile, count_values: need all values of a group at once.
Result<void> QuantileRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink);
Result<void> CountValuesRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink);

}  // namespace vigil::promql

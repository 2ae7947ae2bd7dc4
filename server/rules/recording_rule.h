// SPDX-License-Identifier: Apache-2.0
// A recording rule: what its expression gives is written under another name.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "server/rules/rule.h"

namespace vigil::rules {

// What a series of the result is written as is worked out once and found again by its labels.
class RecordingRule final : public Rule {
 public:
  using Rule::Rule;

  void Adopt(Rule& old) override;
  void Retire(std::vector<storage::SeriesRef>* series) override;

  // Series that are remembered. Of the evaluation alone.
  [[nodiscard]] size_t outputs() const { return outputs_.size(); }

 protected:
  Result<size_t> Evaluate(const Round& round) override;

 private:
  struct Output {
    Labels labels;
    storage::SeriesRef ref = 0;  // 0: not resolved
    uint32_t round = 0;          // the last one that gave it
    bool open = false;           // has samples that no marker ends
  };

  // The output of each series of the result, in its order.
  Result<void> Match(const promql::QueryResult& result);
  uint32_t OutputOf(const Labels& series);
  Result<bool> Write(const promql::QueryResult& result, TimestampMs at);
  // Matches and writes what the expression gave.
  Result<size_t> Take(const promql::QueryResult& result, const Round& round);
  // Outputs that the last round did not give and that have no samples to end.
  void Forget();

  uint32_t round_ = 0;
  std::vector<Output> outputs_;
  std::unordered_map<Labels, uint32_t> by_series_;  // labels of a result to index of outputs_
  std::unordered_map<Labels, uint32_t> by_labels_;
  // Of the round that runs; kept for their capacity.
  std::vector<uint32_t> hits_;
  storage::SampleBatch batch_;
};

}  // namespace vigil::rules

// SPDX-License-Identifier: Apache-2.0
// What expressions evaluate to: columns over all steps of the query at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"
#include "server/promql/ast.h"

namespace vigil::promql {

// The evaluation times: start, start + step, ... (count of them, at least one).
struct Grid {
  TimestampMs start = 0;
  DurationMs step = 1;
  size_t count = 1;

  [[nodiscard]] TimestampMs at(size_t i) const { return start + static_cast<int64_t>(i) * step; }
  [[nodiscard]] TimestampMs last() const { return at(count - 1); }
};

// One series over all steps, on its way from an operator to the next. The staleness marker says
// "no float at this step": it can never be a result.
struct SeriesRow {
  const Labels& labels;
  // The name is to go: at the end of the query with delayed name removal, already gone otherwise.
  bool drop_name = false;
  // The receiver may change the values; they are valid during the call only.
  std::span<double> values;
  // Native histograms: empty (nearly always), or one place per step, null where there is none. At
  // no step there is both a float and a histogram. The receiver may change it too.
  std::span<HistogramPtr> histograms = {};
};

// Receives the series of a vector one by one, in the order of evaluation.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual Result<void> Take(const SeriesRow& row) = 0;
  // Whether the name of a series changes nothing for it: then nobody need take it off.
  [[nodiscard]] virtual bool ignores_name() const { return false; }
};

// Samples that are there; the rest of the row is "no sample".
inline size_t CountPresent(std::span<const double> row) {
  size_t n = 0;
  for (const double v : row) n += IsStaleNaN(v) ? 0 : 1;
  return n;
}
inline size_t CountPresent(std::span<const HistogramPtr> row) {
  size_t n = 0;
  for (const HistogramPtr& h : row) n += h == nullptr ? 0 : 1;
  return n;
}

inline bool AnyPresent(std::span<const double> row) {
  return std::any_of(row.begin(), row.end(), [](double v) { return !IsStaleNaN(v); });
}
inline bool AnyPresent(std::span<const HistogramPtr> row) {
  return std::any_of(row.begin(), row.end(), [](const HistogramPtr& h) { return h != nullptr; });
}

// What the row counts against the limit of samples: a histogram as much as it is large. The steps
// without a sample take room too, but less.
size_t RowCost(std::span<const double> values, std::span<const HistogramPtr> histograms);
// Bytes that a row takes in a Vector, a histogram being worth sixteen for each sample it counts as.
size_t RowBytes(const SeriesRow& row);
size_t SamplesCost(const SampleColumns& samples);
inline bool HasSamples(const SampleColumns& samples) {
  return !samples.empty() || !samples.histograms.empty();
}

// An instant vector over all steps: one dense row of doubles per series, in one block.
struct Vector {
  size_t steps = 1;
  std::vector<Labels> labels;
  std::vector<uint8_t> drop_name;
  std::vector<double> values;
  // One column per row, empty for rows without histograms. Shorter than the rows, mostly empty,
  // when the last rows have none.
  std::vector<std::vector<HistogramPtr>> histograms;

  [[nodiscard]] size_t size() const { return labels.size(); }
  [[nodiscard]] std::span<double> row(size_t i) {
    return std::span<double>(values).subspan(i * steps, steps);
  }
  [[nodiscard]] std::span<const double> row(size_t i) const {
    return std::span<const double>(values).subspan(i * steps, steps);
  }
  // Empty for rows without histograms.
  [[nodiscard]] std::span<HistogramPtr> histogram_row(size_t i) {
    return i < histograms.size() ? std::span<HistogramPtr>(histograms[i])
                                 : std::span<HistogramPtr>();
  }
  [[nodiscard]] std::span<const HistogramPtr> histogram_row(size_t i) const {
    return i < histograms.size() ? std::span<const HistogramPtr>(histograms[i])
                                 : std::span<const HistogramPtr>();
  }
  // Whether the row has a sample of either kind at the step.
  [[nodiscard]] bool present(size_t i, size_t step) const {
    if (!IsStaleNaN(values[i * steps + step])) return true;
    return i < histograms.size() && !histograms[i].empty() && histograms[i][step] != nullptr;
  }
  // A place per step for the histograms of row i, null at first.
  std::span<HistogramPtr> MakeHistogramRow(size_t i) {
    if (histograms.size() <= i) histograms.resize(i + 1);
    if (histograms[i].empty()) histograms[i].resize(steps);
    return histograms[i];
  }
  [[nodiscard]] SeriesRow AsRow(size_t i) {
    return {labels[i], drop_name[i] != 0, row(i), histogram_row(i)};
  }
  void Append(const Labels& l, bool drop, std::span<const double> row_values,
              std::span<const HistogramPtr> row_histograms = {}) {
    labels.push_back(l);
    drop_name.push_back(drop ? 1 : 0);
    values.insert(values.end(), row_values.begin(), row_values.end());
    if (row_histograms.empty()) return;
    histograms.resize(size());
    histograms.back().assign(row_histograms.begin(), row_histograms.end());
  }
  // A new row without samples.
  std::span<double> AppendEmpty(const Labels& l, bool drop) {
    labels.push_back(l);
    drop_name.push_back(drop ? 1 : 0);
    values.resize(values.size() + steps, StaleNaN());
    return row(size() - 1);
  }
};

// One series of a range vector that is itself the result of a query.
struct RangeSeries {
  Labels labels;
  bool drop_name = false;
  SampleColumns samples;
};

// What values hold against the limits of a query.
struct Room {
  size_t samples = 0;
  size_t bytes = 0;
};

// The part of one value, given back when the value goes.
class SampleCharge {
 public:
  SampleCharge() = default;
  SampleCharge(Room* held, Room room) : held_(held), room_(room) {
    held_->samples += room_.samples;
    held_->bytes += room_.bytes;
  }
  SampleCharge(SampleCharge&& other) noexcept
      : held_(std::exchange(other.held_, nullptr)), room_(std::exchange(other.room_, {})) {}
  SampleCharge& operator=(SampleCharge&& other) noexcept {
    std::swap(held_, other.held_);
    std::swap(room_, other.room_);
    return *this;
  }
  ~SampleCharge() {
    if (held_ == nullptr) return;
    held_->samples -= room_.samples;
    held_->bytes -= room_.bytes;
  }

 private:
  Room* held_ = nullptr;
  Room room_;
};

// Move only. REQUIRES: does not outlive the query it belongs to.
struct Value {
  ValueType type = ValueType::kNone;
  std::vector<double> scalar;       // kScalar: one per step
  std::string text;                 // kString
  Vector vector;                    // kVector
  std::vector<RangeSeries> matrix;  // kMatrix: of instant queries only
  SampleCharge charge;

  static Value Scalar(std::vector<double> column) {
    Value value;
    value.type = ValueType::kScalar;
    value.scalar = std::move(column);
    return value;
  }
  static Value Of(Vector vector) {
    Value value;
    value.type = ValueType::kVector;
    value.vector = std::move(vector);
    return value;
  }
};

inline constexpr std::string_view kSameLabelset =
    "vector cannot contain metrics with the same labelset";

// Rows with the same labels become one; execution error (kSameLabelset) when two of them have a
// sample at the same step. The order of first appearance stays.
Result<void> MergeSameLabels(Vector* vector);

// Removes rows without any sample.
void DropEmptyRows(Vector* vector);

// Reorders the rows: row i becomes what was row order[i]; rows not named are gone.
Vector Reordered(const Vector& vector, std::span<const size_t> order);

}  // namespace vigil::promql

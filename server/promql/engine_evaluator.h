// SPDX-License-Identifier: Apache-2.0
// Evaluates expressions over a grid of steps, all steps of a series at once.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "server/promql/engine_context.h"
#include "server/promql/value.h"

namespace vigil::promql {

// A RowSink from a callable Result<void>(const SeriesRow&).
template <typename F>
class RowFunction : public RowSink {
 public:
  explicit RowFunction(F f) : f_(std::move(f)) {}
  Result<void> Take(const SeriesRow& row) override { return f_(row); }

 private:
  F f_;
};

// Receives the decoded samples of a range vector's series: sorted by time, without staleness
// markers, valid during the call only. The receiver may move them out.
class SamplesSink {
 public:
  virtual ~SamplesSink() = default;
  virtual Result<void> Take(const Labels& labels, bool drop_name, SampleColumns& samples) = 0;
};

template <typename F>
class SamplesFunction : public SamplesSink {
 public:
  explicit SamplesFunction(F f) : f_(std::move(f)) {}
  Result<void> Take(const Labels& labels, bool drop_name, SampleColumns& samples) override {
    return f_(labels, drop_name, samples);
  }

 private:
  F f_;
};

// Where the windows of a range vector lie: one per step of the grid.
struct WindowSpec {
  TimestampMs first_end = 0;
  int64_t stride = 0;  // 0: all the same
  DurationMs range_ms = 0;
  // Of anchored and smoothed selectors: samples of up to the lookback before (and after) are
  // needed as well.
  bool anchored = false;
  bool smoothed = false;
};

enum class SampleColumn { kValue, kTimestamp, kStartTimestamp };

// What happens to rows that have the same labels once the name is gone.
enum class SameLabels { kMerge, kReject };

// Threads: owner thread only. Stateless between calls but for the grid.
class Evaluator {
 public:
  enum class Role { kMain, kNested };

  Evaluator(QueryContext& query, Grid grid, Role role)
      : query_(query), grid_(grid), counts_(role == Role::kMain) {}

  [[nodiscard]] const Grid& grid() const { return grid_; }
  [[nodiscard]] QueryContext& query() const { return query_; }

  // Any type. kMatrix only over a grid of one step.
  Result<Value> Eval(const Expr& expr);
  // REQUIRES: expr.type is kVector. Hands the rows to the sink one after the other.
  Result<void> Rows(const Expr& expr, RowSink& sink);
  // REQUIRES: expr.type is kScalar. One value per step.
  Result<std::vector<double>> Scalar(const Expr& expr);
  // The series of a selector; with kTimestamp and kStartTimestamp the samples' times, or since when
  // they have counted, in seconds as values.
  Result<void> SelectorRows(const VectorSelector& selector, SampleColumn column, RowSink& sink);
  // REQUIRES: expr.type is kMatrix.
  [[nodiscard]] WindowSpec Windows(const Expr& expr) const;
  Result<void> RangeSamples(const Expr& expr, std::string_view function, SamplesSink& sink);
  // Hands the samples of every series to the sink.
  Result<void> ReadSeries(const VectorSelector& selector, const storage::SeriesSet& series,
                          SamplesSink& sink);
  // Puts a value's samples on the query's account.
  Result<Value> Charged(Value value);
  // Runs `produce` with a sink that takes the name (and type and unit) off every row before it
  // reaches `sink`. `single_name`: the rows cannot have different names, only types and units; what
  // kMerge is to merge must then come with the feature that makes such labels.
  Result<void> DroppingNames(SameLabels same, bool single_name, RowSink& sink,
                             const std::function<Result<void>(RowSink&)>& produce);
  // The name goes: now, or with delayed name removal at the end of the query.
  [[nodiscard]] Labels WithoutNameNow(const Labels& labels) const;
  void CountSamples(size_t step, size_t samples);

 private:
  Result<void> InvariantRows(const Expr& expr, RowSink& sink);
  Result<void> ProfiledRows(const Expr& expr, RowSink& sink);
  // For the profile, if there is one.
  void NoteEvaluation(const Expr& expr);
  Result<void> UnaryRows(const UnaryExpr& expr, RowSink& sink);
  Result<void> CallRows(const Call& call, RowSink& sink);
  Result<void> MapRows(const Call& call, double (*map)(double), RowSink& sink);
  Result<void> RangeCallRows(const Call& call, RowSink& sink);
  Result<HeldSeries> SelectRange(const VectorSelector& selector, const WindowSpec& spec,
                                 std::string_view function);
  Result<HeldSeries> Select(const VectorSelector& selector, const storage::SelectHints& hints);
  Result<void> StoreSamples(const VectorSelector& selector, const WindowSpec& spec,
                            std::string_view function, SamplesSink& sink);
  Result<void> SubquerySamples(const SubqueryExpr& subquery, SamplesSink& sink);
  Result<Value> CallSpecial(const Call& call);
  Result<Value> MatrixValue(const Expr& expr);
  Result<void> Emit(Value value, RowSink& sink);

  QueryContext& query_;
  Grid grid_;
  bool counts_;
};

// Reads one series of a range selector: no staleness markers, no start times unless the feature is
// on. Threads: any.
Result<void> ReadRange(const QueryContext& query, const VectorSelector& selector,
                       const storage::SeriesSet& series, size_t i, SampleColumns* samples);
// What ReadRange does after reading.
void TidyRange(const QueryContext& query, const VectorSelector& selector, SampleColumns* samples);
// Through parentheses.
const Expr& Unwrapped(const Expr& expr);
// All series the expression can yield have the same name: only types and units can make twins.
bool HasSingleName(const Expr& expr);
// Without __name__, __type__ and __unit__.
Labels WithoutMetadata(const Labels& labels);

}  // namespace vigil::promql

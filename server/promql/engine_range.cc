// SPDX-License-Identifier: Apache-2.0
// Range vectors: windows over stored samples or over the results of a subquery, and the functions
// that walk along them.
#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "server/promql/engine_evaluator.h"
#include "server/promql/function_table.h"
#include "server/promql/functions_rate.h"
#include "server/promql/range_window.h"

namespace vigil::promql {
namespace {

// The times of the windows of one call.
struct WindowGrid {
  TimestampMs first_end;
  int64_t stride;
  DurationMs before;  // how far the window reaches back from its end
  DurationMs after;   // and beyond it
};

// Fills in which samples each window holds.
void LayWindows(std::span<const TimestampMs> t, const WindowGrid& grid, std::span<uint32_t> lo,
                std::span<uint32_t> hi) {
  uint32_t first = 0;
  uint32_t end = 0;
  const auto n = static_cast<uint32_t>(t.size());
  for (size_t i = 0; i < lo.size(); ++i) {
    const TimestampMs window_end = grid.first_end + static_cast<int64_t>(i) * grid.stride;
    while (end < n && t[end] <= window_end + grid.after) ++end;
    while (first < end && t[first] <= window_end - grid.before) ++first;
    lo[i] = first;
    hi[i] = end;
  }
}

bool EndsLikeCounter(std::string_view name) {
  return name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
         name.ends_with("_bucket");
}

// Runs one range function over series after series.
class RangeRunner : public SamplesSink {
 public:
  RangeRunner(Evaluator& evaluator, const Call& call, const Expr& arg, RowSink& out)
      : evaluator_(evaluator),
        call_(call),
        arg_(arg),
        spec_(evaluator.Windows(arg)),
        out_(out),
        lo_(evaluator.grid().count),
        hi_(evaluator.grid().count),
        row_(evaluator.grid().count),
        counted_(evaluator.grid().count, 0) {}

  Result<void> Prepare() {
    for (const ExprPtr& arg : call_.args) {
      if (arg->type == ValueType::kScalar) args_.push_back(TRY(evaluator_.Scalar(*arg)));
    }
    if (spec_.anchored || spec_.smoothed) {
      extension_ = spec_.anchored ? Extension::kAnchored : Extension::kSmoothed;
      extended_ = TRY(FindExtendedKernel(call_.function->name, extension_));
    }
    step_args_.resize(args_.size());
    return Ok();
  }

  Result<void> Take(const Labels& labels, bool drop_name, const SampleColumns& samples) override {
    const DurationMs lookback = extended_.run == nullptr ? 0 : evaluator_.query().lookback_ms;
    LayWindows(
        samples.timestamps,
        {spec_.first_end, spec_.stride, spec_.range_ms + lookback, spec_.smoothed ? lookback : 0},
        lo_, hi_);
    size_t total = 0;
    for (size_t i = 0; i < lo_.size(); ++i) {
      counted_[i] += hi_[i] - lo_[i];
      total += hi_[i] - lo_[i];
    }
    if (total == 0) return Ok();
    TRY(CheckArguments());
    std::ranges::fill(row_, StaleNaN());
    Run(samples);
    if (CountPresent(row_) == 0) return Ok();
    Annotate(labels);
    return out_.Take({labels, drop_name, row_});
  }

  void Count() {
    for (size_t i = 0; i < counted_.size(); ++i) evaluator_.CountSamples(i, counted_[i]);
  }

 private:
  [[nodiscard]] RangeSweep Sweep(const SampleColumns& samples) {
    return {.timestamps = samples.timestamps,
            .values = samples.values,
            .lo = lo_,
            .hi = hi_,
            .first_end = spec_.first_end,
            .stride = spec_.stride,
            .range_ms = spec_.range_ms,
            .first_eval = evaluator_.grid().start,
            .step = evaluator_.grid().step,
            .out = row_};
  }

  void Run(const SampleColumns& samples) {
    const RangeSweep sweep = Sweep(samples);
    if (extended_.run != nullptr) {
      EachWindow(sweep,
                 [&](const RangeWindow& window) { return extended_.run(window, extension_); });
    } else if (const SweepFn* kernel = std::get_if<SweepFn>(&call_.function->kernel)) {
      (*kernel)(sweep);
    } else {
      EachWindow(sweep, *std::get_if<RangeFn>(&call_.function->kernel));
    }
  }

  template <typename Kernel>
  void EachWindow(const RangeSweep& sweep, Kernel kernel) {
    for (size_t i = 0; i < sweep.size(); ++i) {
      const size_t n = sweep.hi[i] - sweep.lo[i];
      if (n == 0) continue;
      for (size_t arg = 0; arg < args_.size(); ++arg) step_args_[arg] = args_[arg][i];
      const RangeWindow window{.timestamps = sweep.timestamps.subspan(sweep.lo[i], n),
                               .values = sweep.values.subspan(sweep.lo[i], n),
                               .start = sweep.window_start(i),
                               .end = sweep.window_end(i),
                               .eval_time = sweep.eval_time(i),
                               .args = step_args_,
                               .scratch = &scratch_};
      const std::optional<double> result = kernel(window);
      if (result) sweep.out[i] = *result;
    }
  }

  // At every step that has samples.
  Result<void> CheckArguments() {
    const std::string_view name = call_.function->name;
    if (name == "quantile_over_time") {
      for (size_t i = 0; i < lo_.size(); ++i) {
        const double q = args_[0][i];
        if (lo_[i] < hi_[i] && !(q >= 0 && q <= 1)) {
          evaluator_.query().notes.InvalidQuantile(call_.args[0]->pos, q);
        }
      }
    } else if (name == "double_exponential_smoothing") {
      for (size_t i = 0; i < lo_.size(); ++i) {
        if (lo_[i] >= hi_[i]) continue;
        TRY(CheckFactor("smoothing", "sf", args_[0][i]));
        TRY(CheckFactor("trend", "tf", args_[1][i]));
      }
    }
    return Ok();
  }

  static Result<void> CheckFactor(std::string_view what, std::string_view name, double factor) {
    if (!(factor <= 0) && !(factor >= 1)) return Ok();
    return ExecutionError(
        fmt::format("invalid {} factor. Expected: 0 < {} < 1, got: {:f}", what, name, factor));
  }

  void Annotate(const Labels& labels) {
    const std::string_view function = call_.function->name;
    if (function != "rate" && function != "increase") return;
    const std::string_view name = labels.MetricName();
    if (name.empty()) return;
    Annotations& notes = evaluator_.query().notes;
    if (evaluator_.query().options.type_and_unit_labels) {
      const std::string_view type = labels.Get("__type__");
      if (type != "counter" && type != "histogram") {
        notes.PossibleNonCounterType(arg_.pos, name, type);
      }
    } else if (!EndsLikeCounter(name)) {
      notes.PossibleNonCounter(arg_.pos, name);
    }
  }

  Evaluator& evaluator_;
  const Call& call_;
  const Expr& arg_;
  WindowSpec spec_;
  RowSink& out_;
  std::vector<std::vector<double>> args_;
  std::vector<double> step_args_;
  ExtendedKernel extended_{};
  Extension extension_ = Extension::kAnchored;
  // Reused from series to series.
  std::vector<uint32_t> lo_;
  std::vector<uint32_t> hi_;
  std::vector<double> row_;
  std::vector<double> scratch_;
  std::vector<size_t> counted_;
};

}  // namespace

WindowSpec Evaluator::Windows(const Expr& expr) const {
  const Expr& inner = Unwrapped(expr);
  WindowSpec spec;
  spec.range_ms = query_.plan.node(inner).range_ms;
  const Expr* timed = &inner;
  if (inner.kind == NodeKind::kMatrixSelector) {
    const auto& selector = *static_cast<const MatrixSelector&>(inner).selector;
    spec.anchored = selector.anchored;
    spec.smoothed = selector.smoothed;
    timed = &selector;
  }
  const PlanNode& node = query_.plan.node(*timed);
  spec.first_end = node.at_ms.value_or(grid_.start) - node.offset_ms;
  spec.stride = node.at_ms ? 0 : grid_.step;
  return spec;
}

Result<void> Evaluator::RangeSamples(const Expr& expr, std::string_view function,
                                     SamplesSink& sink) {
  const Expr& inner = Unwrapped(expr);
  if (inner.kind == NodeKind::kMatrixSelector) {
    return StoreSamples(*static_cast<const MatrixSelector&>(inner).selector, Windows(inner),
                        function, sink);
  }
  if (inner.kind != NodeKind::kSubquery) return ExecutionError("expression is no range vector");
  return SubquerySamples(static_cast<const SubqueryExpr&>(inner), sink);
}

// Evaluates the inner expression once, over all the steps that any window needs.
Result<void> Evaluator::SubquerySamples(const SubqueryExpr& subquery, SamplesSink& sink) {
  const WindowSpec spec = Windows(subquery);
  const DurationMs step = query_.plan.node(subquery).step_ms;
  const TimestampMs last = spec.first_end + static_cast<int64_t>(grid_.count - 1) * spec.stride;
  const TimestampMs before = spec.first_end - spec.range_ms;
  // Steps are multiples of the step, the first one lies inside the first window.
  Grid inner{step * (before / step), step, 0};
  if (inner.start <= before) inner.start += step;
  if (inner.start > last) return Ok();
  inner.count = static_cast<size_t>((last - inner.start) / step) + 1;
  TRY(query_.CheckRoom(inner.count));
  Evaluator nested(query_, inner, Role::kNested);
  SampleColumns samples;
  RowFunction compact([&](const SeriesRow& row) -> Result<void> {
    samples.Clear();
    for (size_t i = 0; i < row.values.size(); ++i) {
      if (!IsStaleNaN(row.values[i])) samples.Add(inner.at(i), row.values[i]);
    }
    return samples.empty() ? Ok() : sink.Take(row.labels, row.drop_name, samples);
  });
  if (subquery.inner->type == ValueType::kScalar) {
    std::vector<double> column = TRY(nested.Scalar(*subquery.inner));
    return compact.Take({Labels(), false, column});
  }
  return nested.Rows(*subquery.inner, compact);
}

Result<void> Evaluator::RangeCallRows(const Call& call, RowSink& sink) {
  const auto arg = std::ranges::find(call.args, ValueType::kMatrix,
                                     [](const ExprPtr& expr) { return expr->type; });
  CHECK(arg != call.args.end());
  const auto run = [&](RowSink& out) -> Result<void> {
    RangeRunner runner(*this, call, **arg, out);
    TRY(runner.Prepare());
    TRY(RangeSamples(**arg, call.function->name, runner));
    runner.Count();
    return Ok();
  };
  if (call.function->keeps_name) return run(sink);
  return DroppingNames(SameLabels::kReject, HasSingleName(**arg), sink, run);
}

// A range vector as the result of an instant query.
Result<Value> Evaluator::MatrixValue(const Expr& expr) {
  const WindowSpec spec = Windows(expr);
  if (spec.anchored || spec.smoothed) {
    return ExecutionError(
        "a range vector with anchored or smoothed as the result of a query is not supported yet: "
        "put it into rate(), increase() or delta()");
  }
  Value value;
  value.type = ValueType::kMatrix;
  size_t held = 0;
  SamplesFunction sink(
      [&](const Labels& labels, bool drop_name, const SampleColumns& samples) -> Result<void> {
        const auto& t = samples.timestamps;
        const auto lo = std::ranges::upper_bound(t, spec.first_end - spec.range_ms) - t.begin();
        const auto hi = std::ranges::upper_bound(t, spec.first_end) - t.begin();
        if (lo == hi) return Ok();
        held += static_cast<size_t>(hi - lo);
        TRY(query_.CheckRoom(held));
        RangeSeries series{labels, drop_name, {}};
        series.samples.timestamps.assign(t.begin() + lo, t.begin() + hi);
        series.samples.values.assign(samples.values.begin() + lo, samples.values.begin() + hi);
        CountSamples(0, series.samples.size());
        value.matrix.push_back(std::move(series));
        return Ok();
      });
  TRY(RangeSamples(expr, "", sink));
  return Charged(std::move(value));
}

}  // namespace vigil::promql

// SPDX-License-Identifier: Apache-2.0
// Range vectors: windows over stored samples or over the results of a subquery, and the functions
// that walk along them.
#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "client-lib/model/histogram_math.h"
#include "server/promql/engine_evaluator.h"
#include "server/promql/engine_range_parallel.h"
#include "server/promql/function_table.h"
#include "server/promql/functions_rate.h"
#include "server/promql/query_profile.h"
#include "server/promql/range_histogram.h"
#include "server/promql/range_sweeper.h"
#include "server/promql/range_window.h"
#include "server/promql/stand_ins.h"
#include "server/promql/summed_windows.h"

namespace vigil::promql {
namespace {

// What a hint says is about the sample that was stored before, and the steps of a subquery may have
// left that out.
HistogramPtr WithoutHint(HistogramPtr histogram) {
  using enum CounterResetHint;
  if (histogram->reset_hint == kUnknown || histogram->reset_hint == kGauge) return histogram;
  auto open = std::make_shared<Histogram>(*histogram);
  open->reset_hint = kUnknown;
  return open;
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
        mixed_(FindMixedKernel(call.function->name)),
        started_(FindStartedKernel(call.function->name)),
        sweeper_(spec_, evaluator.grid(), evaluator.query().lookback_ms),
        row_(evaluator.grid().count),
        counts_elsewhere_(evaluator.grid().count, 0) {
    sweeper_.StopWith(evaluator.query());
  }

  Result<void> Prepare() {
    for (const ExprPtr& arg : call_.args) {
      if (arg->type == ValueType::kScalar) args_.push_back(TRY(evaluator_.Scalar(*arg)));
    }
    if (spec_.anchored || spec_.smoothed) {
      extension_ = spec_.anchored ? Extension::kAnchored : Extension::kSmoothed;
      extended_ = TRY(FindExtendedKernel(call_.function->name, extension_));
    }
    return Ok();
  }

  Result<void> Take(const Labels& labels, bool drop_name, SampleColumns& samples) override {
    if (!sweeper_.LayOut(samples.timestamps) && samples.histograms.empty()) return Ok();
    TRY(CheckArguments());
    Run(labels, samples);
    return Emit(labels, drop_name, samples);
  }

  // All series of a selector, with help where it is worth it.
  Result<void> RunStored(const VectorSelector& selector, const storage::SeriesSet& series) {
    QueryContext& query = evaluator_.query();
    const SummedFunction summed = FindSummed(call_.function->name, series.stand_ins());
    if (IsPlain() && summed != SummedFunction::kNone) {
      TRY(RunWithSummaries(selector, series, summed));
    } else if (IsPlain() && series.stand_ins() != storage::StandIns::kRollups &&
               IsWorthHelp(query, evaluator_.grid(), series)) {
      TRY(RunParallelRange(
          {.query = query,
           .grid = evaluator_.grid(),
           .selector = selector,
           .spec = spec_,
           .series = series,
           .function = *call_.function,
           .args = args_,
           .looks_at_starts = started_ != nullptr,
           .take_row = [this](const Labels& labels,
                              std::span<double> row) { return TakeRow(labels, row); },
           .take_serially = [this](
                                const Labels& labels,
                                SampleColumns& samples) { return Take(labels, false, samples); }},
          &counts_elsewhere_));
    } else {
      TRY(evaluator_.ReadSeries(selector, series, *this));
    }
    for (const std::string& warning : series.warnings()) query.notes.AddStoreWarning(warning);
    return Ok();
  }

  void Count() {
    const std::vector<size_t>& counts = sweeper_.Counts();
    for (size_t i = 0; i < counts.size(); ++i) {
      evaluator_.CountSamples(i, counts[i] + counts_elsewhere_[i]);
    }
  }

 private:
  // Windows without summaries get the results of their samples.
  Result<void> RunWithSummaries(const VectorSelector& selector, const storage::SeriesSet& series,
                                SummedFunction function) {
    QueryContext& query = evaluator_.query();
    RollupNotes notes;
    storage::SummaryColumns summaries;
    SampleColumns samples;
    for (size_t i = 0; i < series.size(); ++i) {
      TRY(query.CheckAlive());
      {
        const ProfileScope scope(query.profile, &selector);
        TRY(series.ReadSummed(i, &summaries, &samples));
        TidyRange(query, selector, &samples);
      }
      const size_t cost = SamplesCost(samples) + summaries.size();
      query.stats.samples_read += static_cast<int64_t>(cost);
      TRY(query.CheckRoom(cost));
      if (summaries.empty()) {
        if (HasSamples(samples)) TRY(Take(series.labels(i), false, samples));
        continue;
      }
      sweeper_.LayOut(samples.timestamps);
      Run(series.labels(i), samples);
      RunSummed(function, spec_, {summaries, samples, series.stand_ins()}, row_, &counts_elsewhere_,
                &notes);
      TRY(Emit(series.labels(i), false, samples));
    }
    notes.Report(selector, RollupNotes::How::kWindows, function, &query.notes);
    return Ok();
  }

  // Adds what the histograms give to the row of floats, and hands it on.
  Result<void> Emit(const Labels& labels, bool drop_name, const SampleColumns& samples) {
    histogram_row_.clear();
    if (!samples.histograms.empty()) RunMixed(labels, samples);
    const bool floats = AnyPresent(row_);
    if (!floats && !AnyPresent(histogram_row_)) return Ok();
    if (floats) Annotate(labels);
    return out_.Take({labels, drop_name, row_, histogram_row_});
  }

  // Whether the plain kernel is all there is to it, as long as samples have no histograms and no
  // start times.
  [[nodiscard]] bool IsPlain() const {
    const std::string_view name = call_.function->name;
    return extended_.run == nullptr && name != "quantile_over_time" &&
           name != "double_exponential_smoothing";
  }

  // The row of a series whose kernel has run on another thread.
  Result<void> TakeRow(const Labels& labels, std::span<double> row) {
    if (!AnyPresent(row)) return Ok();
    Annotate(labels);
    return out_.Take({labels, false, row});
  }

  // Window by window: what is known about resets differs from sample to sample.
  void RunStarted(const Labels& labels, const SampleColumns& samples) {
    const std::string_view function = call_.function->name;
    bool overlaps = false;
    std::ranges::fill(row_, StaleNaN());
    for (size_t i = 0; i < row_.size(); ++i) {
      const size_t n = sweeper_.hi(i) - sweeper_.lo(i);
      if (n == 0) continue;
      const TimestampMs end = spec_.first_end + static_cast<int64_t>(i) * spec_.stride;
      const StartedWindow window{
          .timestamps = std::span(samples.timestamps).subspan(sweeper_.lo(i), n),
          .values = std::span(samples.values).subspan(sweeper_.lo(i), n),
          .starts = std::span(samples.start_timestamps).subspan(sweeper_.lo(i), n),
          .start = end - spec_.range_ms,
          .end = end};
      row_[i] = started_(window).value_or(StaleNaN());
      overlaps = overlaps || HasOverlappingStarts(window);
    }
    if (overlaps && (function == "rate" || function == "increase")) {
      evaluator_.query().notes.StartTimesOverlap(call_.args[0]->pos, labels.MetricName());
    }
  }

  void Run(const Labels& labels, const SampleColumns& samples) {
    if (started_ != nullptr && extended_.run == nullptr && !samples.start_timestamps.empty()) {
      RunStarted(labels, samples);
    } else if (extended_.run != nullptr) {
      std::ranges::fill(row_, StaleNaN());
      sweeper_.EachWindow(
          samples, args_,
          [&](const RangeWindow& window) { return extended_.run(window, extension_); }, row_);
    } else {
      sweeper_.Run(*call_.function, samples, args_, row_);
    }
  }

  // Windows with histograms get their results anew.
  void RunMixed(const Labels& labels, const SampleColumns& samples) {
    const bool extended = extended_.run != nullptr;
    const DurationMs lookback = extended ? evaluator_.query().lookback_ms : 0;
    const RangeNotes notes{evaluator_.query().notes, call_.args[0]->pos, labels.MetricName()};
    const std::span<const HistogramSample> all = samples.histograms;
    histogram_row_.resize(row_.size());
    size_t lo = 0;
    size_t hi = 0;
    for (size_t i = 0; i < row_.size(); ++i) {
      const TimestampMs end = spec_.first_end + static_cast<int64_t>(i) * spec_.stride;
      const TimestampMs start = end - spec_.range_ms;
      while (hi < all.size() && all[hi].timestamp <= end + (spec_.smoothed ? lookback : 0)) ++hi;
      while (lo < hi && all[lo].timestamp <= start - lookback) ++lo;
      if (lo == hi) continue;
      for (size_t k = lo; k < hi; ++k) counts_elsewhere_[i] += SampleCost(*all[k].histogram);
      const size_t n = sweeper_.hi(i) - sweeper_.lo(i);
      MixedWindow window{.timestamps = std::span(samples.timestamps).subspan(sweeper_.lo(i), n),
                         .values = std::span(samples.values).subspan(sweeper_.lo(i), n),
                         .starts = {},
                         .histograms = all.subspan(lo, hi - lo),
                         .start = start,
                         .end = end,
                         .extension = extended ? std::optional(extension_) : std::nullopt,
                         .of_floats = std::nullopt};
      if (!samples.start_timestamps.empty()) {
        window.starts = std::span(samples.start_timestamps).subspan(sweeper_.lo(i), n);
      }
      if (!IsStaleNaN(row_[i])) window.of_floats = row_[i];
      MixedResult result = mixed_(window, notes);
      row_[i] = result.value.value_or(StaleNaN());
      histogram_row_[i] = std::move(result.histogram);
    }
  }

  // At every step that has samples.
  Result<void> CheckArguments() {
    const std::string_view name = call_.function->name;
    if (name == "quantile_over_time") {
      for (size_t i = 0; i < row_.size(); ++i) {
        const double q = args_[0][i];
        if (sweeper_.lo(i) < sweeper_.hi(i) && !(q >= 0 && q <= 1)) {
          evaluator_.query().notes.InvalidQuantile(call_.args[0]->pos, q);
        }
      }
    } else if (name == "double_exponential_smoothing") {
      for (size_t i = 0; i < row_.size(); ++i) {
        if (sweeper_.lo(i) >= sweeper_.hi(i)) continue;
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
    // Series come sorted: mostly this one has the name of the one before.
    const bool typed = evaluator_.query().options.type_and_unit_labels;
    if (name.empty() || (!typed && name == annotated_)) return;
    annotated_ = name;
    Annotations& notes = evaluator_.query().notes;
    if (typed) {
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
  MixedFn mixed_;
  StartedFn started_;
  ExtendedKernel extended_{};
  Extension extension_ = Extension::kAnchored;
  RangeSweeper sweeper_;
  // Reused from series to series.
  std::vector<double> row_;
  std::vector<HistogramPtr> histogram_row_;
  std::string annotated_;                 // the metric looked at last
  std::vector<size_t> counts_elsewhere_;  // samples that the sweeper has not seen, by step
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
  NoteEvaluation(subquery);
  const Expr* above = query_.profile == nullptr ? nullptr : query_.profile->current();
  const ProfileScope scope(query_.profile, &subquery);
  const WindowSpec spec = Windows(subquery);
  const DurationMs step = query_.plan.node(subquery).step_ms;
  const TimestampMs last = spec.first_end + static_cast<int64_t>(grid_.count - 1) * spec.stride;
  const TimestampMs before = spec.first_end - spec.range_ms;
  // Steps are multiples of the step, the first one lies inside the first window.
  Grid inner{step * (before / step), step, 0};
  if (inner.start <= before) inner.start += step;
  if (inner.start > last) return Ok();
  inner.count = static_cast<size_t>((last - inner.start) / step) + 1;
  // Every level of nested subqueries holds columns of its own.
  const SampleCharge charge = TRY(query_.Hold(inner.count));
  Evaluator nested(query_, inner, Role::kNested);
  SampleColumns samples;
  RowFunction compact([&](const SeriesRow& row) -> Result<void> {
    samples.Clear();
    for (size_t i = 0; i < row.values.size(); ++i) {
      if (!IsStaleNaN(row.values[i])) samples.Add(inner.at(i), row.values[i]);
    }
    for (size_t i = 0; i < row.histograms.size(); ++i) {
      if (row.histograms[i] == nullptr) continue;
      samples.histograms.push_back({inner.at(i), WithoutHint(std::move(row.histograms[i]))});
    }
    if (!HasSamples(samples)) return Ok();
    const ProfileScope work(query_.profile, above);
    return sink.Take(row.labels, row.drop_name, samples);
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
    const Expr& inner = Unwrapped(**arg);
    if (inner.kind == NodeKind::kMatrixSelector) {
      const VectorSelector& selector = *static_cast<const MatrixSelector&>(inner).selector;
      const auto series = TRY(SelectRange(selector, Windows(inner), call.function->name));
      TRY(runner.RunStored(selector, *series));
    } else {
      TRY(RangeSamples(inner, call.function->name, runner));
    }
    runner.Count();
    return Ok();
  };
  if (call.function->keeps_name) return run(sink);
  return DroppingNames(SameLabels::kReject, HasSingleName(**arg), sink, run);
}

namespace {

// Whether all of them lie in (from, to].
bool LieWithin(const SampleColumns& samples, TimestampMs from, TimestampMs to) {
  const auto& t = samples.timestamps;
  const auto& h = samples.histograms;
  return (t.empty() || (t.front() > from && t.back() <= to)) &&
         (h.empty() || (h.front().timestamp > from && h.back().timestamp <= to));
}

// The samples of the one window of a range vector that is a result itself; may move them out.
Result<SampleColumns> WindowSamples(const WindowSpec& spec, DurationMs lookback,
                                    SampleColumns& samples) {
  const TimestampMs start = spec.first_end - spec.range_ms;
  const bool extended = spec.anchored || spec.smoothed;
  const TimestampMs from = start - (extended ? lookback : 0);
  const TimestampMs to = spec.first_end + (spec.smoothed ? lookback : 0);
  if (!extended && LieWithin(samples, from, to)) {
    samples.start_timestamps.clear();
    return std::move(samples);
  }
  const auto& t = samples.timestamps;
  const auto lo = std::ranges::upper_bound(t, from) - t.begin();
  const auto hi = std::ranges::upper_bound(t, to) - t.begin();
  SampleColumns out;
  for (const HistogramSample& h : samples.histograms) {
    if (h.timestamp > from && h.timestamp <= to) out.histograms.push_back(h);
  }
  if (!extended) {
    out.timestamps.assign(t.begin() + lo, t.begin() + hi);
    out.values.assign(samples.values.begin() + lo, samples.values.begin() + hi);
    return out;
  }
  if (!out.histograms.empty()) {
    return ExecutionError(fmt::format("{} modifier is not supported with histograms",
                                      spec.anchored ? "anchored" : "smoothed"));
  }
  const auto first = static_cast<size_t>(lo);
  const auto n = static_cast<size_t>(hi - lo);
  if (n == 0) return out;
  const RangeWindow window{.timestamps = std::span(t).subspan(first, n),
                           .values = std::span(samples.values).subspan(first, n),
                           .start = start,
                           .end = spec.first_end};
  return ExtendedSamples(window, spec.anchored ? Extension::kAnchored : Extension::kSmoothed);
}

}  // namespace

// A range vector as the result of an instant query.
Result<Value> Evaluator::MatrixValue(const Expr& expr) {
  const WindowSpec spec = Windows(expr);
  Value value;
  value.type = ValueType::kMatrix;
  size_t held = 0;
  SamplesFunction sink(
      [&](const Labels& labels, bool drop_name, SampleColumns& samples) -> Result<void> {
        RangeSeries series;
        series.samples = TRY(WindowSamples(spec, query_.lookback_ms, samples));
        series.labels = labels;
        series.drop_name = drop_name;
        if (!HasSamples(series.samples)) return Ok();
        held += SamplesCost(series.samples);
        TRY(query_.CheckRoom(held));
        CountSamples(0, SamplesCost(series.samples));
        value.matrix.push_back(std::move(series));
        return Ok();
      });
  TRY(RangeSamples(expr, "", sink));
  return Charged(std::move(value));
}

}  // namespace vigil::promql

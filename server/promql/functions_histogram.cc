// SPDX-License-Identifier: Apache-2.0
// Functions of histograms, native and classic.
#include <algorithm>
#include <cmath>

#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_estimate.h"
#include "server/promql/call_context.h"
#include "server/promql/classic_histogram.h"
#include "server/promql/functions.h"
#include "server/promql/histogram_input.h"

namespace vigil::promql {
namespace {

using enum ValueType;

void WarnOfQuantiles(CallContext& call, std::span<const double> quantiles, const Expr& arg) {
  for (const double q : quantiles) {
    if (std::isnan(q) || q < 0 || q > 1) call.notes().InvalidQuantile(arg.pos, q);
  }
}

// The name that infos give: it is gone by then unless it goes at the end of the query.
std::string_view NoteName(CallContext& call, const Labels& labels) {
  return call.query().options.delayed_name_removal ? labels.MetricName() : std::string_view();
}

// One row per histogram, native ones first. of_native(labels, step, histogram) and
// of_classic(labels, step, buckets) give the value.
template <typename OfNative, typename OfClassic>
Result<Vector> MapHistograms(CallContext& call, const Vector& vector, const HistogramInput& input,
                             OfNative of_native, OfClassic of_classic) {
  Vector out;
  out.steps = vector.steps;
  for (const size_t row : input.native()) {
    TRY(call.query().CheckAlive());
    const std::span<double> values =
        out.AppendEmpty(vector.labels[row], vector.drop_name[row] != 0);
    for (size_t step = 0; step < values.size(); ++step) {
      const Histogram* histogram = input.NativeAt(row, step);
      if (histogram != nullptr) values[step] = of_native(vector.labels[row], step, *histogram);
    }
  }
  std::vector<Bucket> buckets;
  for (size_t i = 0; i < input.classic().size(); ++i) {
    TRY(call.query().CheckAlive());
    const HistogramInput::Classic& histogram = input.classic()[i];
    const std::span<double> values = out.AppendEmpty(histogram.labels, histogram.drop_name);
    for (size_t step = 0; step < values.size(); ++step) {
      if (!input.Gather(i, step, &buckets)) continue;
      values[step] = of_classic(histogram.labels, step, &buckets);
    }
  }
  return out;
}

// A row of quantiles for each histogram.
Result<Vector> QuantileRows(CallContext& call, const Vector& vector, const HistogramInput& input,
                            std::span<const double> quantiles, const Expr& arg) {
  const auto of_native = [&](const Labels& labels, size_t step, const Histogram& histogram) {
    const HistogramEstimate estimate = HistogramQuantile(quantiles[step], histogram);
    if (estimate.nan == NanObservations::kResultIsNan) {
      call.notes().NanInQuantile(arg.pos, NoteName(call, labels), "NaN");
    } else if (estimate.nan == NanObservations::kSkewed) {
      call.notes().NanInQuantile(arg.pos, NoteName(call, labels), "skewed higher");
    }
    return estimate.value;
  };
  const auto of_classic = [&](const Labels& labels, size_t step, std::vector<Bucket>* buckets) {
    const BucketQuantileResult result = BucketQuantile(quantiles[step], buckets);
    if (result.forced_monotonic) {
      call.notes().ForcedMonotonicity(arg.pos, NoteName(call, labels), call.grid().at(step),
                                      result.min_bucket, result.max_bucket, result.max_diff);
    }
    return result.value;
  };
  return MapHistograms(call, vector, input, of_native, of_classic);
}

Result<Value> HistogramQuantileFn(CallContext& call) {
  const std::vector<double> quantiles = TRY(call.Scalar(0));
  const Value value = TRY(call.Eval(1));
  WarnOfQuantiles(call, quantiles, call.arg(0));
  const HistogramInput input(call, value.vector, call.arg(1));
  return Value::Of(TRY(QuantileRows(call, value.vector, input, quantiles, call.arg(1))));
}

// OpenMetrics spelling: whole numbers with ".0".
std::string QuantileText(double q) {
  std::string text = FormatFloatG(q);
  if (std::isfinite(q) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// Appends the rows with the quantile as a label. The quantile may change from step to step: a row
// for each of its values.
void AppendLabelled(const Vector& rows, std::span<const double> quantiles, std::string_view label,
                    Vector* out) {
  LabelsBuilder builder;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t step = 0; step < rows.steps; ++step) {
      if (step > 0 && SameBits(quantiles[step], quantiles[step - 1])) continue;
      builder.Reset(rows.labels[i]);
      builder.Set(label, QuantileText(quantiles[step]));
      const std::span<double> part = out->AppendEmpty(builder.Build(), rows.drop_name[i] != 0);
      for (size_t k = step; k < rows.steps && SameBits(quantiles[k], quantiles[step]); ++k) {
        part[k] = rows.row(i)[k];
      }
    }
  }
}

Result<Value> HistogramQuantiles(CallContext& call) {
  const Value value = TRY(call.Eval(0));
  const std::string& label = call.Text(1);
  const HistogramInput input(call, value.vector, call.arg(0));
  Vector out;
  out.steps = value.vector.steps;
  for (size_t arg = 2; arg < call.arg_count(); ++arg) {
    const std::vector<double> quantiles = TRY(call.Scalar(arg));
    WarnOfQuantiles(call, quantiles, call.arg(arg));
    const Vector rows = TRY(QuantileRows(call, value.vector, input, quantiles, call.arg(0)));
    AppendLabelled(rows, quantiles, label, &out);
  }
  TRY(MergeSameLabels(&out));
  return Value::Of(std::move(out));
}

Result<Value> HistogramFractionFn(CallContext& call) {
  const std::vector<double> lower = TRY(call.Scalar(0));
  const std::vector<double> upper = TRY(call.Scalar(1));
  const Value value = TRY(call.Eval(2));
  const Expr& arg = call.arg(2);
  const HistogramInput input(call, value.vector, arg);
  const auto of_native = [&](const Labels& labels, size_t step, const Histogram& histogram) {
    const HistogramEstimate estimate = HistogramFraction(lower[step], upper[step], histogram);
    if (estimate.nan == NanObservations::kExcluded) {
      call.notes().NanInFraction(arg.pos, NoteName(call, labels));
    }
    return estimate.value;
  };
  const auto of_classic = [&](const Labels&, size_t step, std::vector<Bucket>* buckets) {
    return BucketFraction(lower[step], upper[step], buckets);
  };
  return Value::Of(TRY(MapHistograms(call, value.vector, input, of_native, of_classic)));
}

// These read native histograms only: of float samples nothing is left.
template <double (*kOf)(const Histogram&)>
Result<Value> OfNative(CallContext& call) {
  const Value value = TRY(call.Eval(0));
  const Vector& vector = value.vector;
  Vector out;
  out.steps = vector.steps;
  for (size_t i = 0; i < vector.histograms.size(); ++i) {
    const std::span<const HistogramPtr> histograms = vector.histogram_row(i);
    if (!AnyPresent(histograms)) continue;
    const std::span<double> values = out.AppendEmpty(vector.labels[i], vector.drop_name[i] != 0);
    for (size_t step = 0; step < values.size(); ++step) {
      if (histograms[step] != nullptr) values[step] = kOf(*histograms[step]);
    }
  }
  return Value::Of(std::move(out));
}

double Count(const Histogram& h) { return h.count; }
double Sum(const Histogram& h) { return h.sum; }
double Average(const Histogram& h) { return h.sum / h.count; }
double Deviation(const Histogram& h) { return std::sqrt(HistogramVariance(h)); }

constexpr FunctionRow NativeRow(std::string_view name, SpecialFn kernel, std::string_view help) {
  return {.name = name, .args = {kVector}, .kernel = kernel, .help = help};
}

constexpr FunctionRow kHistogramRows[] = {
    {.name = "histogram_quantile",
     .args = {kScalar, kVector},
     .kernel = HistogramQuantileFn,
     .help = "Quantile of histograms."},
    {.name = "histogram_quantiles",
     .args = {kVector, kString, kScalar, kScalar, kScalar, kScalar, kScalar, kScalar, kScalar,
              kScalar, kScalar, kScalar},
     .optional = 9,
     .experimental = true,
     .kernel = HistogramQuantiles,
     .help = "Several quantiles of histograms, told apart by a label."},
    {.name = "histogram_fraction",
     .args = {kScalar, kScalar, kVector},
     .kernel = HistogramFractionFn,
     .help = "Fraction of observations between two values."},
    NativeRow("histogram_count", OfNative<Count>, "Number of observations of native histograms."),
    NativeRow("histogram_sum", OfNative<Sum>, "Sum of observations of native histograms."),
    NativeRow("histogram_avg", OfNative<Average>, "Mean of observations of native histograms."),
    NativeRow("histogram_stddev", OfNative<Deviation>,
              "Estimated standard deviation of native histograms."),
    NativeRow("histogram_stdvar", OfNative<HistogramVariance>,
              "Estimated variance of native histograms."),
};

}  // namespace

std::span<const FunctionRow> HistogramFunctions() { return kHistogramRows; }

}  // namespace vigil::promql

// SPDX-License-Identifier: Apache-2.0
// Quantiles and fractions of histograms.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "client-lib/model/float_text.h"
#include "server/promql/call_context.h"
#include "server/promql/classic_histogram.h"
#include "server/promql/functions.h"

namespace vigil::promql {
namespace {

using enum ValueType;

constexpr std::string_view kBucketLabel = "le";

// The buckets of one histogram: rows of the vector, sorted by bound.
struct Histogram {
  Labels labels;  // without le
  bool drop_name = false;
  std::vector<std::pair<double, size_t>> rows;
};

// In the order of first appearance. A series whose le is no number is left out with a warning.
std::vector<Histogram> GroupBuckets(CallContext& call, const Vector& vector, const Expr& arg) {
  std::vector<Histogram> histograms;
  std::unordered_map<Labels, size_t> by_labels;
  LabelsBuilder builder;
  for (size_t i = 0; i < vector.size(); ++i) {
    const std::string_view le = vector.labels[i].Get(kBucketLabel);
    const std::optional<double> bound = ParseFloat(le);
    if (!bound) {
      call.notes().BadBucketLabel(arg.pos, vector.labels[i].MetricName(), le);
      continue;
    }
    builder.Reset(vector.labels[i]);
    builder.Delete(kBucketLabel);
    Labels labels = builder.Build();
    const auto [at, fresh] = by_labels.emplace(labels, histograms.size());
    if (fresh) histograms.push_back({std::move(labels), vector.drop_name[i] != 0, {}});
    histograms[at->second].rows.emplace_back(*bound, i);
  }
  for (Histogram& histogram : histograms) {
    std::ranges::stable_sort(histogram.rows, {}, &std::pair<double, size_t>::first);
  }
  return histograms;
}

// The buckets that have a sample at the step; false when there is none.
bool Gather(const Histogram& histogram, const Vector& vector, size_t step,
            std::vector<Bucket>* buckets) {
  buckets->clear();
  for (const auto& [bound, row] : histogram.rows) {
    const double count = vector.row(row)[step];
    if (!IsStaleNaN(count)) buckets->push_back({bound, count});
  }
  return !buckets->empty();
}

void WarnOfQuantiles(CallContext& call, std::span<const double> quantiles, const Expr& arg) {
  for (const double q : quantiles) {
    if (std::isnan(q) || q < 0 || q > 1) call.notes().InvalidQuantile(arg.pos, q);
  }
}

// One row of quantiles of one histogram.
void QuantileRow(CallContext& call, const Histogram& histogram, const Vector& vector,
                 std::span<const double> quantiles, const Expr& arg, std::span<double> out) {
  std::vector<Bucket> buckets;
  for (size_t step = 0; step < out.size(); ++step) {
    if (!Gather(histogram, vector, step, &buckets)) continue;
    const BucketQuantileResult result = BucketQuantile(quantiles[step], &buckets);
    out[step] = result.value;
    if (!result.forced_monotonic) continue;
    const std::string_view name =
        call.query().options.delayed_name_removal ? histogram.labels.MetricName() : "";
    call.notes().ForcedMonotonicity(arg.pos, name, call.grid().at(step), result.min_bucket,
                                    result.max_bucket, result.max_diff);
  }
}

Result<Value> HistogramQuantile(CallContext& call) {
  const std::vector<double> quantiles = TRY(call.Scalar(0));
  const Value value = TRY(call.Eval(1));
  WarnOfQuantiles(call, quantiles, call.arg(0));
  Vector out;
  out.steps = value.vector.steps;
  for (const Histogram& histogram : GroupBuckets(call, value.vector, call.arg(1))) {
    TRY(call.query().CheckAlive());
    const std::span<double> row = out.AppendEmpty(histogram.labels, histogram.drop_name);
    QuantileRow(call, histogram, value.vector, quantiles, call.arg(1), row);
  }
  return Value::Of(std::move(out));
}

// OpenMetrics spelling: whole numbers with ".0".
std::string QuantileText(double q) {
  std::string text = FormatFloatG(q);
  if (std::isfinite(q) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

Result<Value> HistogramQuantiles(CallContext& call) {
  const Value value = TRY(call.Eval(0));
  const std::string& label = call.Text(1);
  const std::vector<Histogram> histograms = GroupBuckets(call, value.vector, call.arg(0));
  Vector out;
  out.steps = value.vector.steps;
  LabelsBuilder builder;
  for (size_t arg = 2; arg < call.arg_count(); ++arg) {
    const std::vector<double> quantiles = TRY(call.Scalar(arg));
    WarnOfQuantiles(call, quantiles, call.arg(arg));
    for (const Histogram& histogram : histograms) {
      TRY(call.query().CheckAlive());
      std::vector<double> row(out.steps, StaleNaN());
      QuantileRow(call, histogram, value.vector, quantiles, call.arg(0), row);
      // The quantile may change from step to step: a row for each of its values.
      for (size_t step = 0; step < row.size(); ++step) {
        if (step > 0 && SameBits(quantiles[step], quantiles[step - 1])) continue;
        builder.Reset(histogram.labels);
        builder.Set(label, QuantileText(quantiles[step]));
        const std::span<double> part = out.AppendEmpty(builder.Build(), histogram.drop_name);
        size_t end = step;
        while (end < row.size() && SameBits(quantiles[end], quantiles[step])) {
          part[end] = row[end];
          ++end;
        }
      }
    }
  }
  TRY(MergeSameLabels(&out));
  return Value::Of(std::move(out));
}

Result<Value> HistogramFraction(CallContext& call) {
  const std::vector<double> lower = TRY(call.Scalar(0));
  const std::vector<double> upper = TRY(call.Scalar(1));
  const Value value = TRY(call.Eval(2));
  Vector out;
  out.steps = value.vector.steps;
  std::vector<Bucket> buckets;
  for (const Histogram& histogram : GroupBuckets(call, value.vector, call.arg(2))) {
    TRY(call.query().CheckAlive());
    const std::span<double> row = out.AppendEmpty(histogram.labels, histogram.drop_name);
    for (size_t step = 0; step < row.size(); ++step) {
      if (Gather(histogram, value.vector, step, &buckets)) {
        row[step] = BucketFraction(lower[step], upper[step], &buckets);
      }
    }
  }
  return Value::Of(std::move(out));
}

// These read native histograms only: of float samples nothing is left.
Result<Value> OfNativeOnly(CallContext& call) {
  Value value = TRY(call.Eval(0));
  Vector empty;
  empty.steps = value.vector.steps;
  return Value::Of(std::move(empty));
}

constexpr FunctionRow NativeRow(std::string_view name, std::string_view help) {
  return {.name = name, .args = {kVector}, .kernel = OfNativeOnly, .help = help};
}

constexpr FunctionRow kRows[] = {
    {.name = "histogram_quantile",
     .args = {kScalar, kVector},
     .kernel = HistogramQuantile,
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
     .kernel = HistogramFraction,
     .help = "Fraction of observations between two values."},
    NativeRow("histogram_count", "Number of observations of native histograms."),
    NativeRow("histogram_sum", "Sum of observations of native histograms."),
    NativeRow("histogram_avg", "Mean of observations of native histograms."),
    NativeRow("histogram_stddev", "Estimated standard deviation of native histograms."),
    NativeRow("histogram_stdvar", "Estimated variance of native histograms."),
};

}  // namespace

std::span<const FunctionRow> HistogramFunctions() { return kRows; }

}  // namespace vigil::promql

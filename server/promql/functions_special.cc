// SPDX-License-Identifier: Apache-2.0
// Between types, and functions about what is not there.
#include <algorithm>

#include "server/promql/call_context.h"
#include "server/promql/functions.h"

namespace vigil::promql {
namespace {

using enum ValueType;

Result<Value> ScalarOf(CallContext& call) {
  const Value value = TRY(call.Eval(0));
  const Vector& vector = value.vector;
  std::vector<double> column(call.grid().count, NormalNaN());
  std::vector<uint8_t> found(column.size(), 0);
  for (size_t i = 0; i < vector.size(); ++i) {
    const std::span<const double> row = vector.row(i);
    for (size_t step = 0; step < row.size(); ++step) {
      if (IsStaleNaN(row[step])) continue;
      column[step] = found[step] == 0 ? row[step] : NormalNaN();
      found[step] = 1;
    }
  }
  return Value::Scalar(std::move(column));
}

Result<Value> VectorOf(CallContext& call) {
  const std::vector<double> column = TRY(call.Scalar(0));
  Vector out;
  out.steps = column.size();
  out.Append(Labels(), false, column);
  return Value::Of(std::move(out));
}

// The labels the absent series would surely have: those of equality matchers whose label occurs
// in one matcher only.
Labels LabelsOfAbsent(const Expr& expr) {
  const Expr& inner = Unwrapped(expr);
  const VectorSelector* selector = nullptr;
  if (inner.kind == NodeKind::kVectorSelector) {
    selector = static_cast<const VectorSelector*>(&inner);
  } else if (inner.kind == NodeKind::kMatrixSelector) {
    selector = static_cast<const MatrixSelector&>(inner).selector.get();
  } else {
    return {};
  }
  std::vector<LabelView> labels;
  for (const Matcher& matcher : selector->matchers) {
    if (matcher.name() == kMetricName || matcher.type() != MatchType::kEqual) continue;
    const auto same = std::ranges::count(selector->matchers, matcher.name(), &Matcher::name);
    if (same == 1) labels.push_back({matcher.name(), matcher.value()});
  }
  return Labels::Of(std::move(labels));
}

Value AbsentWhere(CallContext& call, const std::vector<uint8_t>& present) {
  Vector out;
  out.steps = present.size();
  const std::span<double> row = out.AppendEmpty(LabelsOfAbsent(call.arg(0)), false);
  for (size_t step = 0; step < row.size(); ++step) {
    if (present[step] == 0) row[step] = 1;
  }
  return Value::Of(std::move(out));
}

Result<Value> Absent(CallContext& call) {
  std::vector<uint8_t> present(call.grid().count, 0);
  RowFunction sink([&](const SeriesRow& row) -> Result<void> {
    for (size_t step = 0; step < row.values.size(); ++step) {
      if (!IsStaleNaN(row.values[step])) present[step] = 1;
    }
    for (size_t step = 0; step < row.histograms.size(); ++step) {
      if (row.histograms[step] != nullptr) present[step] = 1;
    }
    return Ok();
  });
  TRY(call.evaluator().Rows(call.arg(0), sink));
  return AbsentWhere(call, present);
}

// Marks the windows that hold any of the times. REQUIRES: rising.
template <typename Times, typename TimeOf>
void MarkWindows(const WindowSpec& spec, const Times& times, TimeOf time_of,
                 std::vector<uint8_t>* present) {
  size_t lo = 0;
  for (size_t step = 0; step < present->size(); ++step) {
    const TimestampMs end = spec.first_end + static_cast<int64_t>(step) * spec.stride;
    while (lo < times.size() && time_of(times[lo]) <= end - spec.range_ms) ++lo;
    if (lo < times.size() && time_of(times[lo]) <= end) (*present)[step] = 1;
  }
}

Result<Value> AbsentOverTime(CallContext& call) {
  const WindowSpec spec = call.evaluator().Windows(call.arg(0));
  std::vector<uint8_t> present(call.grid().count, 0);
  SamplesFunction sink([&](const Labels&, bool, const SampleColumns& samples) -> Result<void> {
    MarkWindows(
        spec, samples.timestamps, [](TimestampMs t) { return t; }, &present);
    MarkWindows(
        spec, samples.histograms, [](const HistogramSample& h) { return h.timestamp; }, &present);
    return Ok();
  });
  TRY(call.evaluator().RangeSamples(call.arg(0), "absent_over_time", sink));
  return AbsentWhere(call, present);
}

constexpr FunctionRow kSpecialRows[] = {
    {.name = "scalar",
     .args = {kVector},
     .result = kScalar,
     .kernel = ScalarOf,
     .help = "The value of the only element, NaN otherwise."},
    {.name = "vector",
     .args = {kScalar},
     .keeps_name = true,
     .kernel = VectorOf,
     .help = "A vector of one element without labels."},
    {.name = "absent",
     .args = {kVector},
     .keeps_name = true,
     .kernel = Absent,
     .help = "1 when the vector is empty."},
    {.name = "absent_over_time",
     .args = {kMatrix},
     .keeps_name = true,
     .kernel = AbsentOverTime,
     .help = "1 when the range has no sample at all."},
};

}  // namespace

std::span<const FunctionRow> SpecialFunctions() { return kSpecialRows; }

}  // namespace vigil::promql

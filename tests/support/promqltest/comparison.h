// SPDX-License-Identifier: Apache-2.0
// What a query gave beside what a script expects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"
#include "server/promql/ast.h"
#include "server/promql/engine.h"
#include "tests/support/promqltest/script.h"

namespace vigil::tests {

// A result without the gaps of its columns.
struct PlainSample {
  TimestampMs timestamp = 0;
  double value = 0;
  HistogramPtr histogram;  // instead of the value
};
struct PlainSeries {
  Labels labels;
  std::vector<PlainSample> samples;  // sorted by time
};
struct PlainResult {
  promql::ValueType type = promql::ValueType::kNone;
  double scalar = 0;
  std::string text;
  std::vector<PlainSeries> series;
};
PlainResult ToPlain(const promql::QueryResult& result);

// Equal within 1e-6 of both values' size, all NaN but the staleness marker equal.
bool AlmostEqual(double a, double b);

// The same counts, sum and buckets, empty buckets left out; schema and bounds exactly.
bool AlmostEqual(const Histogram& a, const Histogram& b);

// The errors say what was expected and what came.
Result<void> CompareResult(const EvalCommand& expected, const PlainResult& actual);
Result<void> CompareAnnotations(const EvalCommand& expected, const promql::QueryResult& actual);
// REQUIRES: the command expects a failure.
Result<void> CompareFailure(const EvalCommand& expected, std::string_view message);

}  // namespace vigil::tests

// SPDX-License-Identifier: Apache-2.0
#include "tests/support/promqltest/comparison.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_math.h"
#include "client-lib/model/histogram_text.h"

namespace vigil::tests {
namespace {

using promql::ValueType;

std::string NumberText(double value) { return IsStaleNaN(value) ? "stale" : FormatFloatG(value); }

std::string ValueText(double value, const HistogramPtr& histogram) {
  return histogram == nullptr ? NumberText(value) : HistogramTestText(*histogram);
}

std::string SamplesText(const std::vector<PlainSample>& samples) {
  std::string text;
  for (const PlainSample& sample : samples) {
    fmt::format_to(std::back_inserter(text), "{}{} @{}ms", text.empty() ? "" : ", ",
                   ValueText(sample.value, sample.histogram), sample.timestamp);
  }
  return text.empty() ? "nothing" : text;
}

// By labels; of equal ones the last, as upstream does.
using ExpectedSeries = std::map<Labels, size_t>;
ExpectedSeries IndexOf(const EvalCommand& expected) {
  ExpectedSeries index;
  for (size_t i = 0; i < expected.series.size(); ++i) index[expected.series[i].labels] = i;
  return index;
}

bool Matches(const SeriesValue& expected, const PlainSample& actual) {
  const bool histogram = expected.kind == SeriesValue::Kind::kHistogram;
  if (histogram != (actual.histogram != nullptr)) return false;
  if (!histogram) return AlmostEqual(expected.value, actual.value);
  if (expected.hint_set && expected.histogram->reset_hint != actual.histogram->reset_hint) {
    return false;
  }
  return AlmostEqual(*expected.histogram, *actual.histogram);
}

Result<void> ComparePoints(const SeriesLine& line, const PlainSeries& actual,
                           const RangeVectorTimes& times) {
  std::vector<PlainSample> wanted;
  bool equal = true;
  TimestampMs timestamp = times.start;
  for (const SeriesValue& value : line.values) {
    if (timestamp > times.end) {
      return BadData(
          fmt::format("expected {} points for {}, but the query's time range cannot "
                      "hold so many",
                      line.values.size(), line.labels.ToMetricString()));
    }
    if (value.kind != SeriesValue::Kind::kOmitted) {
      const size_t i = wanted.size();
      equal = equal && i < actual.samples.size() && actual.samples[i].timestamp == timestamp &&
              Matches(value, actual.samples[i]);
      wanted.push_back({timestamp, value.value, value.histogram});
    }
    timestamp += times.step_ms;
  }
  if (equal && wanted.size() == actual.samples.size()) return Ok();
  return BadData(fmt::format("expected {} for {}, got {}", SamplesText(wanted),
                             line.labels.ToMetricString(), SamplesText(actual.samples)));
}

Result<void> CheckAllSeen(const EvalCommand& expected, const ExpectedSeries& index,
                          const std::set<size_t>& seen) {
  for (const auto& [labels, i] : index) {
    if (seen.contains(i)) continue;
    const auto& values = expected.series[i].values;
    return BadData(
        fmt::format("expected metric {} with {} is missing", labels.ToMetricString(),
                    values.empty() ? "no value" : ValueText(values[0].value, values[0].histogram)));
  }
  return Ok();
}

Error UnexpectedSeries(const PlainSeries& series) {
  return BadData(fmt::format("unexpected metric {} in the result, it has {}",
                             series.labels.ToMetricString(), SamplesText(series.samples)));
}

Result<void> CompareMatrix(const EvalCommand& expected, const PlainResult& actual) {
  if (expected.ordered) return BadData("expected an ordered result, got a matrix");
  if (expected.scalar) return BadData("expected a scalar, got a matrix");
  if (!expected.is_range && !expected.range_vector) {
    return BadData(
        "got a range vector, say `expect range vector from <time> to <time> step "
        "<duration>`");
  }
  const auto times = expected.range_vector.value_or(
      RangeVectorTimes{expected.start, expected.end, expected.step_ms});
  const ExpectedSeries index = IndexOf(expected);
  std::set<size_t> seen;
  const Labels* previous = nullptr;
  for (const PlainSeries& series : actual.series) {
    if (previous != nullptr && !(*previous < series.labels)) {
      return BadData(
          fmt::format("the matrix is not sorted by labels at {}", series.labels.ToMetricString()));
    }
    previous = &series.labels;
    const auto found = index.find(series.labels);
    if (found == index.end()) return UnexpectedSeries(series);
    seen.insert(found->second);
    TRY(ComparePoints(expected.series[found->second], series, times));
  }
  return CheckAllSeen(expected, index, seen);
}

Result<void> CompareVector(const EvalCommand& expected, const PlainResult& actual) {
  if (expected.scalar) return BadData("expected a scalar, got a vector");
  const ExpectedSeries index = IndexOf(expected);
  std::set<size_t> seen;
  for (size_t i = 0; i < actual.series.size(); ++i) {
    const PlainSeries& series = actual.series[i];
    const auto found = index.find(series.labels);
    if (found == index.end()) return UnexpectedSeries(series);
    const SeriesLine& line = expected.series[found->second];
    if (line.values.size() != 1) {
      return BadData(fmt::format("expected {} values for {} of an instant query",
                                 line.values.size(), line.labels.ToMetricString()));
    }
    if (expected.ordered && found->second != i) {
      return BadData(fmt::format("expected {} at position {}, it is at {}",
                                 series.labels.ToMetricString(), found->second + 1, i + 1));
    }
    const PlainSample& sample = series.samples.at(0);
    if (!Matches(line.values[0], sample)) {
      return BadData(fmt::format(
          "expected {} for {}, got {}", ValueText(line.values[0].value, line.values[0].histogram),
          series.labels.ToMetricString(), ValueText(sample.value, sample.histogram)));
    }
    seen.insert(found->second);
  }
  return CheckAllSeen(expected, index, seen);
}

bool Matches(const Expectation& expectation, const std::string& text) {
  if (expectation.message) return *expectation.message == text;
  if (expectation.regexp) return re2::RE2::PartialMatch(text, *expectation.regexp);
  return true;
}

std::string ExpectationText(const Expectation& expectation) {
  if (expectation.message) return Quote(*expectation.message);
  if (expectation.regexp) return fmt::format("/{}/", *expectation.regexp);
  return "any";
}

// Every expectation must be met, and when there are any, nothing else may come.
Result<void> CompareTexts(std::string_view what, const std::vector<Expectation>& expectations,
                          const std::vector<std::string>& actual) {
  for (const Expectation& expectation : expectations) {
    if (std::ranges::any_of(actual, [&](const auto& text) { return Matches(expectation, text); })) {
      continue;
    }
    return BadData(fmt::format("expected {} {}, got {}", what, ExpectationText(expectation),
                               actual.empty() ? "none" : Join(actual, "; ")));
  }
  if (expectations.empty()) return Ok();
  for (const std::string& text : actual) {
    if (!std::ranges::any_of(expectations, [&](const auto& e) { return Matches(e, text); })) {
      return BadData(fmt::format("unexpected {} {}", what, Quote(text)));
    }
  }
  return Ok();
}

}  // namespace

PlainResult ToPlain(const promql::QueryResult& result) {
  PlainResult plain{result.type, result.scalar, result.text, {}};
  for (const promql::ResultSeries& series : result.series) {
    PlainSeries& out = plain.series.emplace_back(PlainSeries{series.labels, {}});
    for (size_t i = 0; i < series.values.size(); ++i) {
      if (!IsStaleNaN(series.values[i])) {
        out.samples.push_back({series.timestamps[i], series.values[i], nullptr});
      }
    }
    for (const HistogramSample& sample : series.histograms) {
      out.samples.push_back({sample.timestamp, 0, sample.histogram});
    }
    std::ranges::sort(out.samples, {}, &PlainSample::timestamp);
  }
  return plain;
}

bool AlmostEqual(double a, double b) {
  constexpr double kEpsilon = 1e-6;
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  if (IsStaleNaN(a) || IsStaleNaN(b)) return IsStaleNaN(a) && IsStaleNaN(b);
  if (a == b || (std::isnan(a) && std::isnan(b))) return true;
  const double sum = std::abs(a) + std::abs(b);
  const double difference = std::abs(a - b);
  if (a == 0 || b == 0 || sum < kMinNormal) return difference < kEpsilon * kMinNormal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kEpsilon;
}

bool AlmostEqual(const Histogram& a, const Histogram& b) {
  Histogram x = a;
  Histogram y = b;
  CompactHistogram(&x);
  CompactHistogram(&y);
  const auto same_buckets = [](const std::vector<double>& left, const std::vector<double>& right) {
    return std::ranges::equal(left, right, [](double l, double r) { return AlmostEqual(l, r); });
  };
  return x.schema == y.schema && AlmostEqual(x.count, y.count) && AlmostEqual(x.sum, y.sum) &&
         AlmostEqual(x.zero_threshold, y.zero_threshold) &&
         AlmostEqual(x.zero_count, y.zero_count) && x.custom_values == y.custom_values &&
         x.positive_spans == y.positive_spans && x.negative_spans == y.negative_spans &&
         same_buckets(x.positive_buckets, y.positive_buckets) &&
         same_buckets(x.negative_buckets, y.negative_buckets);
}

Result<void> CompareResult(const EvalCommand& expected, const PlainResult& actual) {
  switch (actual.type) {
    case ValueType::kMatrix:
      return CompareMatrix(expected, actual);
    case ValueType::kVector:
      return CompareVector(expected, actual);
    case ValueType::kScalar:
      if (!expected.scalar) {
        return BadData(
            fmt::format("expected series, got the scalar {}", NumberText(actual.scalar)));
      }
      if (AlmostEqual(*expected.scalar, actual.scalar)) return Ok();
      return BadData(fmt::format("expected the scalar {}, got {}", NumberText(*expected.scalar),
                                 NumberText(actual.scalar)));
    default:
      break;
  }
  if (expected.text == actual.text) return Ok();
  return BadData(fmt::format("expected {}, got the string {}",
                             expected.text ? Quote(*expected.text) : "no string",
                             Quote(actual.text)));
}

Result<void> CompareAnnotations(const EvalCommand& expected, const promql::QueryResult& actual) {
  if (expected.no_warn && !actual.warnings.empty()) {
    return BadData(fmt::format("expected no warning, got {}", Join(actual.warnings, "; ")));
  }
  if (expected.no_info && !actual.infos.empty()) {
    return BadData(fmt::format("expected no info, got {}", Join(actual.infos, "; ")));
  }
  TRY(CompareTexts("warning", expected.warn, actual.warnings));
  return CompareTexts("info", expected.info, actual.infos);
}

Result<void> CompareFailure(const EvalCommand& expected, std::string_view message) {
  return CompareTexts("failure", expected.fail, {std::string(message)});
}

}  // namespace vigil::tests

// SPDX-License-Identifier: Apache-2.0
// Any text as a query over a small store: the engine answers or says why not, within its limits;
// each step of a range query is what the instant query of that time answers; and the printed
// expression means the same. A first line `#START END STEP` (a comment to PromQL) sets the times.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/base/strings.h"
#include "server/promql/engine.h"
#include "server/promql/parser.h"
#include "tests/support/big_stack.h"
#include "tests/support/memory_storage.h"

namespace {

using vigil::Labels;
using vigil::StaleNaN;
using vigil::TimestampMs;

void AddSeries(vigil::tests::MemoryStorage* store, const Labels& labels, double step) {
  double value = 0;
  for (TimestampMs t = 0; t <= 1'200'000; t += 30'000) {
    value = t % 270'000 == 0 ? 0 : value + step;
    store->Add(labels, t, t == 600'000 ? StaleNaN() : value);
  }
}

// Exponential and custom buckets, a reset, a gauge, and a change of schema.
vigil::Histogram HistogramAt(TimestampMs t, bool custom) {
  const auto n = static_cast<double>(t % 270'000 / 30'000);
  vigil::Histogram h;
  h.schema = custom ? vigil::kCustomBucketsSchema : t < 300'000 ? 1 : 0;
  h.count = 6 * n;
  h.sum = t == 450'000 ? vigil::NormalNaN() : 7 * n;
  h.positive_spans = {{0, 1}, {1, 2}};
  h.positive_buckets = {n, n, 2 * n};
  if (custom) {
    h.custom_values = t < 600'000 ? std::vector<double>{1, 2, 5} : std::vector<double>{1, 3, 5};
    return h;
  }
  h.zero_threshold = t < 900'000 ? 0.001 : 0.6;
  h.zero_count = n;
  h.negative_spans = {{-1, 1}};
  h.negative_buckets = {n};
  if (t > 1'000'000) h.reset_hint = vigil::CounterResetHint::kGauge;
  return h;
}

void AddHistograms(vigil::tests::MemoryStorage* store, const char* job) {
  for (const char* kind : {"exponential", "custom", "mixed"}) {
    const Labels labels = Labels::Of({{"__name__", "n"}, {"job", job}, {"kind", kind}});
    for (TimestampMs t = 0; t <= 1'200'000; t += 30'000) {
      const bool mixed = *kind == 'm';
      if (mixed && t % 90'000 == 0) {
        store->Add(labels, t, 5);
      } else if (t != 600'000) {
        store->AddHistogram(labels, t, HistogramAt(t, *kind == 'c' || (mixed && t > 750'000)));
      } else {
        store->Add(labels, t, StaleNaN());
      }
    }
  }
}

const vigil::tests::MemoryStorage& Store() {
  static const vigil::tests::MemoryStorage* const kStore = [] {
    auto* store = new vigil::tests::MemoryStorage;
    for (const char* job : {"a", "b"}) {
      for (const char* instance : {"1", "2", "10"}) {
        AddSeries(store,
                  Labels::Of({{"__name__", "m_total"}, {"job", job}, {"instance", instance}}), 3.5);
      }
      for (const char* le : {"0.1", "1", "+Inf", "x"}) {
        AddSeries(store, Labels::Of({{"__name__", "h_bucket"}, {"job", job}, {"le", le}}), 2);
      }
      AddHistograms(store, job);
      AddSeries(store, Labels::Of({{"__name__", "target_info"}, {"job", job}, {"version", "3"}}),
                0);
    }
    return store;
  }();
  return *kStore;
}

vigil::promql::EngineOptions Options(bool delayed_name_removal) {
  vigil::promql::EngineOptions options;
  options.max_samples = 20'000;
  options.max_query_bytes = 16 << 20;
  options.timeout_ms = 700;  // of a dozen queries per input
  options.delayed_name_removal = delayed_name_removal;
  options.parser = vigil::promql::ParserOptions::EverythingOn();
  return options;
}

constexpr size_t kMaxSteps = 200;

using vigil::DurationMs;
using vigil::Histogram;
using vigil::HistogramPtr;
using vigil::Result;
using vigil::promql::Engine;
using vigil::promql::QueryRequest;
using vigil::promql::QueryResult;
using vigil::promql::ValueType;

QueryRequest RequestOf(std::string text) {
  std::array<int64_t, 3> times = {900'000, 1'200'000, 45'000};
  if (text.starts_with('#')) {
    const std::string line = text.substr(1, text.find('\n') - 1);
    size_t i = 0;
    for (const std::string_view part : vigil::Split(line, ' ')) {
      const auto number = vigil::ParseInt(part);
      if (i < times.size() && number) times[i++] = *number;
    }
  }
  QueryRequest request;
  request.text = std::move(text);
  request.start = std::clamp<int64_t>(times[0], -1'000'000, 3'000'000);
  request.step_ms = std::clamp<int64_t>(times[2], 1, 3'600'000);
  request.end = std::clamp<int64_t>(
      times[1], request.start, request.start + static_cast<int64_t>(kMaxSteps) * request.step_ms);
  return request;
}

bool SameNumber(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

bool SameNumbers(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), SameNumber);
}

// But for the hint, which is about the sample before: another query may not have read that.
bool SameHistogram(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
         SameNumbers({a.sum, a.count, a.zero_count}, {b.sum, b.count, b.zero_count}) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         SameNumbers(a.positive_buckets, b.positive_buckets) &&
         SameNumbers(a.negative_buckets, b.negative_buckets) &&
         SameNumbers(a.custom_values, b.custom_values);
}

// What one series has at one time.
struct Found {
  double value = 0;
  HistogramPtr histogram;

  bool operator==(const Found& other) const {
    if (histogram == nullptr || other.histogram == nullptr) {
      return histogram == other.histogram && SameNumber(value, other.value);
    }
    return SameHistogram(*histogram, *other.histogram);
  }
};
using Step = std::map<Labels, Found>;

Step StepOf(const QueryResult& result, TimestampMs at) {
  Step step;
  for (const vigil::promql::ResultSeries& series : result.series) {
    for (size_t i = 0; i < series.timestamps.size(); ++i) {
      if (series.timestamps[i] != at || vigil::IsStaleNaN(series.values[i])) continue;
      step[series.labels].value = series.values[i];
    }
    for (const vigil::HistogramSample& sample : series.histograms) {
      if (sample.timestamp == at) step[series.labels].histogram = sample.histogram;
    }
  }
  return step;
}

// Whether the expression asks for the times of the query itself. Keywords have any case.
bool LooksAtTheQuery(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::string_view kWords[] = {"start", "end", "step", "range"};
  return std::any_of(std::begin(kWords), std::end(kWords), [&text](std::string_view word) {
    return text.find(word) != std::string::npos;
  });
}

void CompareSteps(const Engine& engine, const QueryRequest& request, const QueryResult& range) {
  // With delayed removal a series keeps or loses its name at all steps of a range together.
  if (engine.options().delayed_name_removal) return;
  if (range.type != ValueType::kMatrix || LooksAtTheQuery(request.text)) return;
  const int64_t last = (request.end - request.start) / request.step_ms;
  for (const int64_t step : {int64_t{0}, last / 2, last}) {
    QueryRequest once = request;
    once.start = once.end = request.start + step * request.step_ms;
    once.step_ms = 0;
    const Result<QueryResult> instant = engine.Execute(Store(), once);
    if (!instant) {
      CHECK(instant.error().kind == vigil::ErrorKind::kTimeout);
      return;
    }
    const Step of_range = StepOf(range, once.start);
    if (instant->type == ValueType::kScalar) {
      CHECK(of_range.size() == 1);
      CHECK(SameNumber(of_range.begin()->second.value, instant->scalar));
    } else {
      CHECK(of_range == StepOf(*instant, once.start));
    }
  }
}

// The printed expression is printed the same again, and has the same result.
void ComparePrinted(const Engine& engine, const QueryRequest& request,
                    const Result<QueryResult>& result) {
  const auto& options = engine.options().parser;
  const auto expr = vigil::promql::ParseExpr(request.text, options);
  if (!expr) return;
  QueryRequest printed = request;
  printed.text = vigil::promql::Print(**expr);
  const auto again = vigil::promql::ParseExpr(printed.text, options);
  CHECK(again.has_value());
  CHECK(vigil::promql::Print(**again) == printed.text);
  const Result<QueryResult> same = engine.Execute(Store(), printed);
  if (!same && same.error().kind == vigil::ErrorKind::kTimeout) return;
  CHECK(same.has_value() == result.has_value());
  if (!same) return;
  CHECK(same->series.size() == result->series.size());
  CHECK(StepOf(*same, request.start) == StepOf(*result, request.start));
}

void Run(const Engine& engine, const QueryRequest& request) {
  const Result<QueryResult> range = engine.Execute(Store(), request);
  // What is cut off by a limit depends on how much of it there is.
  if (!range && range.error().kind != vigil::ErrorKind::kBadData) return;
  ComparePrinted(engine, request, range);
  if (!range) return;
  CHECK(range->stats.peak_samples <= static_cast<int64_t>(engine.options().max_samples));
  CompareSteps(engine, request, *range);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Engine kEngine(Options(false));
  static const Engine kDelayed(Options(true));
  const QueryRequest request = RequestOf({reinterpret_cast<const char*>(data), size});
  QueryRequest instant = request;
  instant.step_ms = 0;
  instant.end = instant.start;
  vigil::tests::RunOnBigStack([&] {
    Run(kEngine, request);
    Run(kDelayed, request);
    static_cast<void>(kEngine.Execute(Store(), instant));
  });
  return 0;
}

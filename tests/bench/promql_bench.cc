// SPDX-License-Identifier: Apache-2.0
// The engine alone: queries of the design's table over samples that lie decoded in memory.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/head/head.h"
#include "server/promql/engine.h"
#include "server/storage/store.h"
#include "tests/support/fake_backend.h"
#include "tests/support/sample_series.h"

namespace vigil::promql {
namespace {

using vigil::testing::MakeTimes;
using vigil::testing::MakeValues;
using vigil::testing::Shape;

constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr DurationMs kDay = 86'400'000;
constexpr DurationMs kHour = 3'600'000;

struct Series {
  Labels labels;
  std::vector<TimestampMs> timestamps;
  std::vector<double> values;
};

// Gives out every series in full.
class Columns : public storage::Queryable, public storage::SeriesSet {
 public:
  std::vector<Series> series;

  Result<std::unique_ptr<storage::SeriesSet>> Select(const std::vector<Matcher>&,
                                                     const storage::SelectHints&) const override {
    class View : public storage::SeriesSet {
     public:
      explicit View(const Columns& columns) : columns_(columns) {}
      [[nodiscard]] size_t size() const override { return columns_.size(); }
      [[nodiscard]] const Labels& labels(size_t i) const override { return columns_.labels(i); }
      Result<void> Read(size_t i, SampleColumns* out) const override {
        return columns_.Read(i, out);
      }
      [[nodiscard]] std::vector<std::string> warnings() const override { return {}; }

     private:
      const Columns& columns_;
    };
    return std::unique_ptr<storage::SeriesSet>(std::make_unique<View>(*this));
  }
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>&, TimestampMs,
                                              TimestampMs) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> LabelValues(std::string_view, const std::vector<Matcher>&,
                                               TimestampMs, TimestampMs) const override {
    return std::vector<std::string>();
  }
  [[nodiscard]] size_t size() const override { return series.size(); }
  [[nodiscard]] const Labels& labels(size_t i) const override { return series[i].labels; }
  Result<void> Read(size_t i, SampleColumns* out) const override {
    const Series& one = series[i];
    out->timestamps.insert(out->timestamps.end(), one.timestamps.begin(), one.timestamps.end());
    out->values.insert(out->values.end(), one.values.begin(), one.values.end());
    return Ok();
  }
  [[nodiscard]] std::vector<std::string> warnings() const override { return {}; }
};

// The same samples in the store, mostly in chunks that a flush would take.
class Stored {
 public:
  explicit Stored(const Columns& columns) {
    std::vector<storage::SeriesRef> refs;
    for (const Series& one : columns.series) refs.push_back(*store_.Resolve(one.labels));
    storage::SampleBatch batch;
    for (size_t k = 0; k < columns.series[0].timestamps.size(); ++k) {
      batch.Clear();
      for (size_t i = 0; i < refs.size(); ++i) {
        batch.Add(refs[i], columns.series[i].timestamps[k], columns.series[i].values[k]);
      }
      clock_.JumpTo(columns.series[0].timestamps[k]);
      CHECK(store_.Append(batch, storage::AppendMode::kAllOrNothing).has_value());
    }
  }
  [[nodiscard]] const storage::Queryable& store() const { return store_; }

 private:
  ManualClock clock_{kStart};
  vigil::testing::FakeBackend backend_;
  head::Head head_{clock_};
  storage::Store store_{head_, backend_, backend_, clock_};
};

void Run(benchmark::State& state, const storage::Queryable& store, const std::string& query,
         DurationMs span, DurationMs step, size_t helpers = 0) {
  EngineOptions options;
  options.helper_threads = helpers;
  const Engine engine(options);
  QueryRequest request;
  request.text = query;
  request.start = kStart;
  request.end = kStart + span;
  request.step_ms = step;
  for (auto _ : state) {
    auto result = engine.Execute(store, request);
    if (!result) state.SkipWithError(result.error().message.c_str());
    benchmark::DoNotOptimize(result);
  }
}

// Counters scraped each 30 s, from five minutes before the start.
Columns Counters(size_t count, DurationMs span, DurationMs interval, size_t instances) {
  Columns columns;
  const auto samples = static_cast<size_t>((span + 5 * 60'000) / interval);
  for (size_t i = 0; i < count; ++i) {
    columns.series.push_back(
        {Labels::Of({{"__name__", "bench_requests_total"},
                     {"instance", std::string("host-").append(std::to_string(i % instances))},
                     {"job", "bench"},
                     {"path", std::string("/p/").append(std::to_string(i))}}),
         MakeTimes(samples, kStart - 5 * 60'000, interval, 0, i),
         MakeValues(Shape::kCounter, samples, i)});
  }
  return columns;
}

void BM_Promql_SumRate24h(benchmark::State& state) {
  Run(state, Counters(100, kDay, 30'000, 10), "sum by (instance) (rate(bench_requests_total[5m]))",
      kDay, 60'000);
}
BENCHMARK(BM_Promql_SumRate24h)->Unit(benchmark::kMillisecond);

void BM_Promql_SumRate24hStored(benchmark::State& state) {
  const Stored stored(Counters(100, kDay, 30'000, 10));
  Run(state, stored.store(), "sum by (instance) (rate(bench_requests_total[5m]))", kDay, 60'000,
      static_cast<size_t>(state.range(0)));
}
BENCHMARK(BM_Promql_SumRate24hStored)->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_Promql_SumRate2500Stored(benchmark::State& state) {
  const Stored stored(Counters(2500, kHour, 15'000, 50));
  Run(state, stored.store(), "sum by (instance) (rate(bench_requests_total[5m]))", kHour, 15'000,
      static_cast<size_t>(state.range(0)));
}
BENCHMARK(BM_Promql_SumRate2500Stored)
    ->Arg(0)
    ->Arg(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BM_Promql_SumRate2500(benchmark::State& state) {
  Run(state, Counters(2500, kHour, 15'000, 50), "sum by (instance) (rate(x_total[5m]))", kHour,
      15'000);
}
BENCHMARK(BM_Promql_SumRate2500)->Unit(benchmark::kMillisecond);

void BM_Promql_Quantile24h(benchmark::State& state) {
  Columns columns = Counters(50, kDay, 30'000, 1);
  for (size_t i = 0; i < columns.series.size(); ++i) {
    LabelsBuilder builder(columns.series[i].labels);
    builder.Delete("path");
    builder.Set("le", i % 10 == 9 ? "+Inf" : std::to_string(i % 10));
    builder.Set("instance", std::to_string(i / 10));
    columns.series[i].labels = builder.Build();
    for (double& v : columns.series[i].values) v *= static_cast<double>(i % 10 + 1);
  }
  Run(state, columns, "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))", kDay, 60'000);
}
BENCHMARK(BM_Promql_Quantile24h)->Unit(benchmark::kMillisecond);

void BM_Promql_Selector24h(benchmark::State& state) {
  Run(state, Counters(100, kDay, 30'000, 10), "bench_requests_total", kDay, 60'000);
}
BENCHMARK(BM_Promql_Selector24h)->Unit(benchmark::kMillisecond);

void BM_Promql_MatchVectors24h(benchmark::State& state) {
  Run(state, Counters(100, kDay, 30'000, 10), "bench_requests_total / bench_requests_total", kDay,
      60'000);
}
BENCHMARK(BM_Promql_MatchVectors24h)->Unit(benchmark::kMillisecond);

void BM_Promql_MaxOverTime24h(benchmark::State& state) {
  Run(state, Counters(100, kDay, 30'000, 10), "max(max_over_time(x[1h]))", kDay, 60'000);
}
BENCHMARK(BM_Promql_MaxOverTime24h)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vigil::promql

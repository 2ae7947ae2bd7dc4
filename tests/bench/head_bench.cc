// SPDX-License-Identifier: Apache-2.0
// The head and the store over it: appends, replay, look-ups, memory.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <string>
#include <utility>

#include "server/head/head.h"
#include "server/head/postings.h"
#include "server/storage/store.h"
#include "tests/support/fake_backend.h"
#include "tests/support/sample_series.h"

namespace vigil::head {
namespace {

using storage::AppendMode;
using storage::SampleBatch;
using storage::SeriesRef;
using vigil::testing::kShapes;
using vigil::testing::MakeValues;
using vigil::testing::Shape;

constexpr TimestampMs kStart = 1'700'000'000'000;

// Labels as a node exporter behind a scrape has them.
Labels LabelsOf(size_t target, size_t i) {
  return Labels::Of(
      {{"__name__", std::string("node_metric_").append(std::to_string(i / 10)) + "_total"},
       {"cpu", std::to_string(i % 10)},
       {"instance", std::string("host-").append(std::to_string(target)) + ":9100"},
       {"job", "node"},
       {"mode", i % 2 == 0 ? "user" : "system"}});
}

// Two in three values are constant or whole, as in what exporters give.
Shape Mix(size_t i) {
  constexpr Shape kMix[] = {Shape::kConstant, Shape::kSparse,       Shape::kCounter,
                            Shape::kConstant, Shape::kSparse,       Shape::kSecondsCounter,
                            Shape::kConstant, Shape::kDecimalGauge, Shape::kGauge,
                            Shape::kNoise};
  return kMix[i % std::size(kMix)];
}

size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void ReportPerSample(benchmark::State& state, double samples) {
  state.counters["ns/sample"] =
      benchmark::Counter(samples / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Batches of 1000 series, as a scrape gives them; range(0): 0 head alone, 1 with journal pages.
class Scrapes {
 public:
  static constexpr size_t kSeries = 1000;
  static constexpr size_t kPeriod = 512;

  Scrapes() {
    for (size_t i = 0; i < kSeries; ++i) values_.push_back(MakeValues(Mix(i), kPeriod, i));
  }
  void Fill(size_t round, std::span<const SeriesRef> refs, SampleBatch* batch) const {
    batch->Clear();
    const TimestampMs now = kStart + static_cast<TimestampMs>(round) * 15000;
    for (size_t i = 0; i < kSeries; ++i) batch->Add(refs[i], now, values_[i][round % kPeriod]);
  }

 private:
  std::vector<std::vector<double>> values_;
};

void BM_Head_Append(benchmark::State& state) {
  ManualClock clock(kStart);
  Head head(clock);
  const Scrapes scrapes;
  std::vector<SeriesRef> refs;
  for (size_t i = 0; i < Scrapes::kSeries; ++i) {
    refs.push_back(head.Insert(static_cast<int64_t>(i + 1), LabelsOf(0, i), INT64_MIN));
  }
  SampleBatch batch;
  storage::AcceptedSamples accepted;
  std::vector<std::string> pages;
  size_t round = 0;
  for (auto _ : state) {
    state.PauseTiming();
    scrapes.Fill(round++, refs, &batch);
    clock.Advance(15000);
    accepted.Clear();
    pages.clear();
    state.ResumeTiming();
    head.Append(batch, AppendMode::kSkipRejected, &accepted);
    if (state.range(0) == 1) head.EncodePages(accepted, &pages);
  }
  ReportPerSample(state, static_cast<double>(state.iterations()) * Scrapes::kSeries);
  state.counters["B/sample"] =
      static_cast<double>(head.Stats().sample_bytes) / static_cast<double>(round * 1000);
}
BENCHMARK(BM_Head_Append)->Arg(0)->Arg(1)->Iterations(480);

void BM_Storage_Append(benchmark::State& state) {
  ManualClock clock(kStart);
  Head head(clock);
  vigil::testing::FakeBackend backend;
  backend.SetLazy(true);
  storage::Store store(head, backend, backend, clock);
  const Scrapes scrapes;
  std::vector<SeriesRef> refs;
  for (size_t i = 0; i < Scrapes::kSeries; ++i) refs.push_back(*store.Resolve(LabelsOf(0, i)));
  SampleBatch batch;
  size_t round = 0;
  for (auto _ : state) {
    state.PauseTiming();
    scrapes.Fill(round++, refs, &batch);
    clock.Advance(15000);
    state.ResumeTiming();
    benchmark::DoNotOptimize(store.Append(batch, AppendMode::kSkipRejected).has_value());
  }
  ReportPerSample(state, static_cast<double>(state.iterations()) * Scrapes::kSeries);
  state.counters["journal_B/sample"] = static_cast<double>(store.Stats().journal_bytes) /
                                       static_cast<double>(store.Stats().samples_appended);
}
BENCHMARK(BM_Storage_Append)->Iterations(480);

void BM_Head_Replay(benchmark::State& state) {
  ManualClock clock(kStart);
  const Scrapes scrapes;
  std::vector<SeriesRef> refs;
  for (size_t i = 0; i < Scrapes::kSeries; ++i) refs.push_back(i + 1);
  std::vector<std::string> pages;
  SampleBatch batch;
  storage::AcceptedSamples accepted;
  Head encoder(clock);
  for (size_t round = 0; round < 240; ++round) {
    scrapes.Fill(round, refs, &batch);
    accepted.series.assign(refs.begin(), refs.end());
    accepted.timestamps = batch.timestamps;
    accepted.values = batch.values;
    encoder.EncodePages(accepted, &pages);
  }
  for (auto _ : state) {
    state.PauseTiming();
    auto head = std::make_unique<Head>(clock);
    for (size_t i = 0; i < Scrapes::kSeries; ++i) {
      head->Insert(static_cast<int64_t>(i + 1), LabelsOf(0, i), INT64_MIN);
    }
    state.ResumeTiming();
    for (const std::string& page : pages) {
      benchmark::DoNotOptimize(head->Replay(page).has_value());
    }
    head->FinishReplay();
    state.PauseTiming();
    head.reset();
    state.ResumeTiming();
  }
  ReportPerSample(state, static_cast<double>(state.iterations()) * Scrapes::kSeries * 240);
}
BENCHMARK(BM_Head_Replay);

// Encoding of a flush: 1000 series with two hours each.
void BM_Head_Flush(benchmark::State& state) {
  ManualClock clock(kStart);
  const Scrapes scrapes;
  size_t bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Head head(clock);
    std::vector<SeriesRef> refs;
    for (size_t i = 0; i < Scrapes::kSeries; ++i) {
      refs.push_back(head.Insert(static_cast<int64_t>(i + 1), LabelsOf(0, i), INT64_MIN));
    }
    SampleBatch batch;
    storage::AcceptedSamples accepted;
    for (size_t round = 0; round < 240; ++round) {
      clock.JumpTo(kStart + static_cast<TimestampMs>(round) * 15000);
      scrapes.Fill(round, refs, &batch);
      head.Append(batch, AppendMode::kSkipRejected, &accepted);
    }
    state.ResumeTiming();
    bytes = 0;
    head.BeginGeneration();
    const auto sealed = head.Seal();
    storage::ChunkRow row;
    while (sealed->Next(&row)) bytes += row.data.size();
    head.MarkFlushed();
  }
  ReportPerSample(state, static_cast<double>(state.iterations()) * Scrapes::kSeries * 240);
  state.counters["B/sample"] = static_cast<double>(bytes) / (Scrapes::kSeries * 240.0);
}
BENCHMARK(BM_Head_Flush);

// range(0) series in a head; memory without samples.
class BigHead {
 public:
  explicit BigHead(size_t series) {
    const size_t before = HeapBytes();
    for (size_t i = 0; i < series; ++i) {
      head_.Insert(static_cast<int64_t>(i + 1), LabelsOf(i / 1000, i % 1000), INT64_MIN);
    }
    bytes_per_series_ = static_cast<double>(HeapBytes() - before) / static_cast<double>(series);
  }
  Head& head() { return head_; }
  ManualClock& clock() { return clock_; }
  [[nodiscard]] double bytes_per_series() const { return bytes_per_series_; }

 private:
  ManualClock clock_{kStart};
  Head head_{clock_};
  double bytes_per_series_ = 0;
};

void BM_Head_Insert(benchmark::State& state) {
  double bytes = 0;
  for (auto _ : state) {
    const BigHead big(static_cast<size_t>(state.range(0)));
    bytes = big.bytes_per_series();
  }
  state.counters["ns/series"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["B/series"] = bytes;
}
BENCHMARK(BM_Head_Insert)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_Head_Find(benchmark::State& state) {
  BigHead big(100'000);
  std::vector<Labels> labels;
  for (size_t i = 0; i < 1000; ++i) labels.push_back(LabelsOf(i / 10, i));
  size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(big.head().Find(labels[i++ % labels.size()]));
}
BENCHMARK(BM_Head_Find);

void BM_Head_Match(benchmark::State& state) {
  BigHead big(100'000);
  const auto make = [](MatchType type, std::string_view name, std::string_view value) {
    return Matcher::Create(type, name, value).value();
  };
  const std::pair<const char*, std::vector<Matcher>> selectors[] = {
      {"instance=", {Matcher::Equal("instance", "host-7:9100")}},
      {"name=,mode=",
       {Matcher::Equal("__name__", "node_metric_7_total"), Matcher::Equal("mode", "user")}},
      {"name=~alternatives",
       {make(MatchType::kRegexp, "__name__", "node_metric_7_total|node_metric_8_total")}},
      {"name=~prefix", {make(MatchType::kRegexp, "__name__", "node_metric_1.*")}},
      {"job=,mode!=", {Matcher::Equal("job", "node"), make(MatchType::kNotEqual, "mode", "user")}},
  };
  const auto& [name, matchers] = selectors[static_cast<size_t>(state.range(0))];
  std::vector<SeriesRef> refs;
  for (auto _ : state) {
    refs = big.head().Match(matchers);
    if (state.range(1) == 1) big.head().SortByLabels(&refs);
  }
  state.SetLabel(std::string(name) + (state.range(1) == 1 ? " sorted" : ""));
  state.counters["series"] = static_cast<double>(refs.size());
}
BENCHMARK(BM_Head_Match)->ArgsProduct({{0, 1, 2, 3, 4}, {0, 1}});

// A million series in the index, each with a label of its own.
class MillionPostings {
 public:
  static constexpr size_t kSeries = 1'000'000;

  MillionPostings() {
    LabelsBuilder builder;
    for (size_t i = 0; i < kSeries; ++i) {
      builder.Reset(LabelsOf(i / 1000, i % 1000));
      builder.Set("id", std::to_string(i));
      if (i % 4 == 0) builder.Set("zone", "eu-" + std::to_string(i % 16));
      postings_.Add(slots_.Add(static_cast<int64_t>(i + 1), builder.Build(), INT64_MIN));
    }
  }
  [[nodiscard]] const Postings& postings() const { return postings_; }

 private:
  SeriesSlots slots_;
  Postings postings_{slots_};
};

void BM_Postings_MatchMillion(benchmark::State& state) {
  static const MillionPostings* const kMillion = new MillionPostings;
  const auto make = [](std::string_view name, std::string_view op, std::string_view value) {
    constexpr MatchType kTypes[] = {MatchType::kEqual, MatchType::kNotEqual, MatchType::kRegexp,
                                    MatchType::kNotRegexp};
    const auto is_op = [op](MatchType type) { return MatchTypeText(type) == op; };
    return Matcher::Create(*std::find_if(kTypes, std::end(kTypes), is_op), name, value).value();
  };
  const std::vector<Matcher> selectors[] = {
      {make("__name__", "=~", "node_metric_1.*"), make("instance", "=~", "host-1.*")},
      {make("__name__", "=~", "node_metric_(1|2)._total|node_metric_3.*"), make("job", "=~", ".+")},
      {make("__name__", "=", "node_metric_7_total"), make("instance", "!~", "host-1.*")},
      {make("__name__", "=", "node_metric_7_total"), make("id", "=~", ".+")},
      {make("__name__", "=", "node_metric_7_total"), make("zone", "=", "")},
      {make("instance", "=~", "host-[0-4].*"), make("mode", "!=", "user")},
      {make("instance", "=~", ".*7:9100"), make("mode", "=", "user"), make("cpu", "=~", "0|2")},
      {make("job", "=~", ".+")},
      {make("zone", "!=", "")},
      {make("id", "=~", ".*99.*"), make("cpu", "=", "3")},
      {make("id", "=~", "1234.*")},
      {make("id", "=~", "1[0-4]5.+5|77.*")},
  };
  const std::vector<Matcher>& matchers = selectors[static_cast<size_t>(state.range(0))];
  size_t found = 0;
  for (auto _ : state) found = kMillion->postings().Match(matchers).size();
  std::string text;
  for (const Matcher& matcher : matchers) text += matcher.ToString() + " ";
  state.SetLabel(text);
  state.counters["series"] = static_cast<double>(found);
}
BENCHMARK(BM_Postings_MatchMillion)->DenseRange(0, 11)->Unit(benchmark::kMicrosecond);

// 2500 series, an hour at 15 s, read from memory: snapshot and decoding.
void BM_Head_Read(benchmark::State& state) {
  BigHead big(2500);
  const Scrapes scrapes;
  SampleBatch batch;
  storage::AcceptedSamples accepted;
  std::vector<SeriesRef> refs;
  for (SeriesRef ref = 1; ref <= 2500; ++ref) refs.push_back(ref);
  for (size_t round = 0; round < 240; ++round) {
    big.clock().JumpTo(kStart + static_cast<TimestampMs>(round) * 15000);
    for (size_t from = 0; from + Scrapes::kSeries <= 3000; from += Scrapes::kSeries) {
      std::vector<SeriesRef> part;
      for (size_t i = 0; i < Scrapes::kSeries; ++i) part.push_back((from + i) % 2500 + 1);
      scrapes.Fill(round, part, &batch);
      head::Head& head = big.head();
      head.Append(batch, AppendMode::kSkipRejected, &accepted);
    }
  }
  if (state.range(0) == 1) {
    big.head().BeginGeneration();
    const auto sealed = big.head().Seal();
    storage::ChunkRow row;
    while (sealed->Next(&row)) {
    }
  }
  SampleColumns out;
  size_t samples = 0;
  for (auto _ : state) {
    const auto snapshot = big.head().Snapshot(refs, 0, INT64_MAX);
    samples = 0;
    for (size_t i = 0; i < refs.size(); ++i) {
      out.Clear();
      snapshot->Read(i, &out);
      samples += out.size();
    }
  }
  state.SetLabel(state.range(0) == 1 ? "chunks" : "open");
  ReportPerSample(state, static_cast<double>(state.iterations()) * static_cast<double>(samples));
}
BENCHMARK(BM_Head_Read)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vigil::head

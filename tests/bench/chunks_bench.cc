// SPDX-License-Identifier: Apache-2.0
// Codecs: nanoseconds and bytes per sample by shape of series.
#include <benchmark/benchmark.h>

#include <string>

#include "server/chunks/chunk_encoder.h"
#include "server/chunks/journal_page.h"
#include "tests/support/sample_series.h"

namespace vigil::chunks {
namespace {

using vigil::testing::kShapes;
using vigil::testing::MakeTimes;
using vigil::testing::MakeValues;
using vigil::testing::Shape;

constexpr TimestampMs kStart = 1'700'000'000'000;

Shape ShapeOf(const benchmark::State& state) {
  return kShapes[static_cast<size_t>(state.range(0))];
}

void Report(benchmark::State& state, size_t samples, size_t bytes) {
  const auto total = static_cast<double>(samples) * static_cast<double>(state.iterations());
  state.SetLabel(std::string(ShapeName(ShapeOf(state))));
  state.counters["ns/sample"] =
      benchmark::Counter(total / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["B/sample"] = static_cast<double>(bytes) / static_cast<double>(samples);
}

void BM_Chunks_Encode(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(1));
  const auto times = MakeTimes(count, kStart, 15000, 0, 1);
  const auto values = MakeValues(ShapeOf(state), count, 1);
  ChunkEncoder encoder;
  Chunk chunk;
  for (auto _ : state) encoder.Encode(times, values, &chunk);
  Report(state, count, chunk.data.size());
}
BENCHMARK(BM_Chunks_Encode)->ArgsProduct({benchmark::CreateDenseRange(0, 7, 1), {120, 1440}});

void BM_Chunks_Decode(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(1));
  Chunk chunk;
  EncodeChunk(MakeTimes(count, kStart, 15000, 0, 1), MakeValues(ShapeOf(state), count, 1), &chunk);
  SampleColumns out;
  for (auto _ : state) {
    out.Clear();
    const Result<void> result =
        DecodeChunk({chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data},
                    INT64_MIN, INT64_MAX, &out);
    benchmark::DoNotOptimize(result.has_value());
  }
  Report(state, count, chunk.data.size());
}
BENCHMARK(BM_Chunks_Decode)->ArgsProduct({benchmark::CreateDenseRange(0, 7, 1), {120, 1440}});

// Jittered timestamps: the values are constant, so what is measured is the time column.
void BM_Chunks_EncodeJitter(benchmark::State& state) {
  const auto times = MakeTimes(240, kStart, 15000, state.range(1), 1);
  const std::vector<double> values(240, 1);
  ChunkEncoder encoder;
  Chunk chunk;
  for (auto _ : state) encoder.Encode(times, values, &chunk);
  Report(state, 240, chunk.data.size());
}
BENCHMARK(BM_Chunks_EncodeJitter)->Args({0, 3})->Args({0, 20});

// One scrape of a thousand neighbouring series.
JournalSamples Scrape(Shape shape) {
  JournalSamples samples;
  for (int64_t i = 0; i < 1000; ++i) {
    samples.series.push_back(5000 + i);
    samples.timestamps.push_back(kStart);
  }
  samples.values = MakeValues(shape, 1000, 3);
  return samples;
}

void BM_Chunks_EncodeJournal(benchmark::State& state) {
  const JournalSamples samples = Scrape(ShapeOf(state));
  std::vector<std::string> pages;
  for (auto _ : state) {
    pages.clear();
    EncodeJournalPages(samples.series, samples.timestamps, samples.values, &pages);
  }
  size_t bytes = 0;
  for (const std::string& page : pages) bytes += page.size();
  Report(state, samples.size(), bytes);
}
BENCHMARK(BM_Chunks_EncodeJournal)->DenseRange(0, 7);

void BM_Chunks_DecodeJournal(benchmark::State& state) {
  const JournalSamples samples = Scrape(ShapeOf(state));
  std::vector<std::string> pages;
  EncodeJournalPages(samples.series, samples.timestamps, samples.values, &pages);
  JournalSamples out;
  size_t bytes = 0;
  for (const std::string& page : pages) bytes += page.size();
  for (auto _ : state) {
    out.Clear();
    for (const std::string& page : pages) {
      benchmark::DoNotOptimize(DecodeJournalPage(page, &out).has_value());
    }
  }
  Report(state, samples.size(), bytes);
}
BENCHMARK(BM_Chunks_DecodeJournal)->DenseRange(0, 7);

}  // namespace
}  // namespace vigil::chunks

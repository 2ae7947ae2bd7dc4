// SPDX-License-Identifier: Apache-2.0
// Codecs: nanoseconds and bytes per sample by shape of series.
#include <benchmark/benchmark.h>

#include <string>

#include "server/chunks/chunk_encoder.h"
#include "server/chunks/journal_page.h"
#include "tests/support/sample_histograms.h"
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

void Count(benchmark::State& state, size_t samples, size_t bytes) {
  const auto total = static_cast<double>(samples) * static_cast<double>(state.iterations());
  state.counters["ns/sample"] =
      benchmark::Counter(total / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["B/sample"] = static_cast<double>(bytes) / static_cast<double>(samples);
}

void Report(benchmark::State& state, size_t samples, size_t bytes) {
  Count(state, samples, bytes);
  state.SetLabel(std::string(ShapeName(ShapeOf(state))));
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

// As compaction writes them.
void BM_Chunks_EncodeDense(benchmark::State& state) {
  const auto times = MakeTimes(1440, kStart, 15000, 0, 1);
  const auto values = MakeValues(ShapeOf(state), 1440, 1);
  ChunkEncoder encoder(Packing::kDense);
  Chunk chunk;
  for (auto _ : state) encoder.Encode(times, values, &chunk);
  Report(state, 1440, chunk.data.size());
}
BENCHMARK(BM_Chunks_EncodeDense)->DenseRange(0, 7);

void BM_Chunks_DecodeDense(benchmark::State& state) {
  Chunk chunk;
  ChunkEncoder(Packing::kDense)
      .Encode(MakeTimes(1440, kStart, 15000, 0, 1), MakeValues(ShapeOf(state), 1440, 1), &chunk);
  SampleColumns out;
  for (auto _ : state) {
    out.Clear();
    const Result<void> result =
        DecodeChunk({chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data},
                    INT64_MIN, INT64_MAX, &out);
    benchmark::DoNotOptimize(result.has_value());
  }
  Report(state, 1440, chunk.data.size());
}
BENCHMARK(BM_Chunks_DecodeDense)->DenseRange(0, 7);

// The last sixteenth of a long chunk: blocks before it are not decoded.
void BM_Chunks_DecodeEnd(benchmark::State& state) {
  constexpr size_t kCount = 5760;
  Chunk chunk;
  const auto times = MakeTimes(kCount, kStart, 15000, 0, 1);
  EncodeChunk(times, MakeValues(ShapeOf(state), kCount, 1), &chunk);
  SampleColumns out;
  for (auto _ : state) {
    out.Clear();
    const Result<void> result =
        DecodeChunk({chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data},
                    times[kCount - kCount / 16], INT64_MAX, &out);
    benchmark::DoNotOptimize(result.has_value());
  }
  Report(state, kCount, chunk.data.size());
}
BENCHMARK(BM_Chunks_DecodeEnd)->DenseRange(0, 7);

// Native histograms, integer and float, by the sample.
void BM_Chunks_EncodeHistograms(benchmark::State& state) {
  const auto samples = vigil::testing::MakeHistograms(240, state.range(0) == 0, 1);
  ChunkEncoder encoder;
  Chunk chunk;
  for (auto _ : state) encoder.EncodeHistograms(samples, &chunk);
  Count(state, samples.size(), chunk.data.size());
}
BENCHMARK(BM_Chunks_EncodeHistograms)->Arg(0)->Arg(1);

void BM_Chunks_DecodeHistograms(benchmark::State& state) {
  Chunk chunk;
  EncodeHistogramChunk(vigil::testing::MakeHistograms(240, state.range(0) == 0, 1), &chunk);
  SampleColumns out;
  for (auto _ : state) {
    out.Clear();
    const Result<void> result =
        DecodeChunk({chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data},
                    INT64_MIN, INT64_MAX, &out);
    benchmark::DoNotOptimize(result.has_value());
  }
  Count(state, 240, chunk.data.size());
}
BENCHMARK(BM_Chunks_DecodeHistograms)->Arg(0)->Arg(1);

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

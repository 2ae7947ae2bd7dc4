// SPDX-License-Identifier: Apache-2.0
// A store whose samples are all in chunks, roll-ups made of them in the plainest way, and an
// engine.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/head/chunk_row.h"
#include "server/head/head.h"
#include "server/promql/engine.h"
#include "server/storage/rollup_store.h"
#include "server/storage/store.h"
#include "tests/support/fake_backend.h"

namespace vigil::promql {

inline constexpr int64_t kMinute = 60'000;
inline constexpr int64_t kHour = 60 * kMinute;
// A border of buckets of either width.
inline constexpr TimestampMs kOrigin = 1'700'006'400'000;

// Where the plan is what the test says, as far as the hint allows it.
class FakeRollups : public storage::RollupStore {
 public:
  std::map<storage::SeriesId, SampleColumns> samples;
  std::vector<storage::RollupPiece> gone;  // samples of these are not there any more
  int64_t width = 0;                       // of roll-ups that stand beside samples; 0: none
  TimestampMs until = 0;
  std::vector<TimestampMs> leaves;  // rows end at these times
  mutable int plans = 0;

  [[nodiscard]] bool MayStandIn(TimestampMs, const storage::RollupHint&) const override {
    return true;
  }
  Result<std::vector<storage::RollupPiece>> Plan(uint16_t, TimestampMs, TimestampMs,
                                                 const storage::RollupHint& hint) const override {
    ++plans;
    std::vector<storage::RollupPiece> pieces = gone;
    std::erase_if(pieces, [&hint](const storage::RollupPiece& piece) {
      return piece.resolution_ms > hint.max_resolution_ms;
    });
    if (width == 0 || hint.exact_resolution_ms == 0 || hint.exact_resolution_ms % width != 0) {
      return pieces;
    }
    const TimestampMs to = std::min(until, hint.exact_until);
    if (hint.exact_after < to) pieces.push_back({width, hint.exact_after, to});
    return pieces;
  }

  Result<storage::RollupTable> Read(std::span<const storage::SeriesId> series,
                                    const storage::RollupPiece& piece,
                                    storage::SummaryMask columns) const override {
    storage::RollupTable table;
    for (const storage::SeriesId id : series) {
      const auto found = samples.find(id);
      if (found == samples.end()) continue;
      SampleColumns part;
      size_t leaf = 0;
      for (size_t i = 0; i < found->second.size(); ++i) {
        const TimestampMs t = found->second.timestamps[i];
        for (; leaf < leaves.size() && t >= leaves[leaf]; ++leaf) {
          AddRow(id, part, piece.resolution_ms, columns, &table);
          part.Clear();
        }
        if (!IsStaleNaN(found->second.values[i])) part.Add(t, found->second.values[i]);
      }
      AddRow(id, part, piece.resolution_ms, columns, &table);
    }
    return table;
  }

 private:
  // The columns of one bucket, as vigil.rollup_5m has them.
  static std::array<double, 7> SumUp(const SampleColumns& s, size_t from, size_t to) {
    std::array<double, 7> sums{0, 0, s.values[from], s.values[from], s.values[from], 0, 0};
    for (size_t i = from; i < to; ++i) {
      const double v = s.values[i];
      sums[0] += 1;
      sums[1] += v;
      if (v < sums[2] || std::isnan(sums[2])) sums[2] = v;
      if (v > sums[3] || std::isnan(sums[3])) sums[3] = v;
      sums[5] = v;
      if (i > 0) sums[6] += v >= s.values[i - 1] ? v - s.values[i - 1] : v;
    }
    return sums;
  }
  static void AddRow(storage::SeriesId id, const SampleColumns& s, int64_t width_ms,
                     storage::SummaryMask columns, storage::RollupTable* table) {
    std::vector<TimestampMs> times;
    std::array<std::vector<double>, 7> values;
    for (size_t from = 0; from < s.size();) {
      const TimestampMs begin = (s.timestamps[from] - 1) / width_ms * width_ms;
      size_t to = from;
      while (to < s.size() && s.timestamps[to] <= begin + width_ms) ++to;
      const std::array<double, 7> sums = SumUp(s, from, to);
      times.push_back(begin);
      for (size_t column = 0; column < 7; ++column) values[column].push_back(sums[column]);
      from = to;
    }
    if (times.empty()) return;
    storage::RollupRow row;
    row.series = id;
    for (size_t column = 0; column < 7; ++column) {
      if (!Has(columns, static_cast<storage::SummaryColumn>(column))) continue;
      // Views of short strings would not survive a move of the arena.
      std::string data;
      head::EncodeChunkRow(times, values[column], &row.columns[column], &data);
      data.reserve(100);
      table->arena.push_back(std::move(data));
      row.columns[column].data = table->arena.back();
    }
    table->rows.push_back(row);
  }
};

// Sees samples only.
class PlainStore : public storage::Queryable {
 public:
  explicit PlainStore(const storage::Queryable& store) : store_(store) {}
  Result<std::unique_ptr<storage::SeriesSet>> Select(
      const std::vector<Matcher>& matchers, const storage::SelectHints& hints) const override {
    storage::SelectHints plain = hints;
    plain.rollups = {};
    plain.chunk_summaries = {};
    return store_.Select(matchers, plain);
  }
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers,
                                              TimestampMs start, TimestampMs end) const override {
    return store_.LabelNames(matchers, start, end);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const std::vector<Matcher>& matchers,
                                               TimestampMs start, TimestampMs end) const override {
    return store_.LabelValues(name, matchers, start, end);
  }

 private:
  const storage::Queryable& store_;
};

class StandInTest : public ::testing::Test {
 protected:
  // Adds a series whose chunks hold the samples up to each of the cuts.
  void Add(const Labels& labels, const SampleColumns& samples, const std::vector<size_t>& cuts) {
    const auto id = static_cast<storage::SeriesId>(rollups_.samples.size() + 1);
    rollups_.samples[id] = samples;
    std::vector<std::string> bytes(cuts.size());
    std::vector<storage::ChunkRow> rows(cuts.size());
    size_t from = 0;
    for (size_t i = 0; i < cuts.size(); ++i) {
      head::EncodeChunkRow(std::span(samples.timestamps).subspan(from, cuts[i] - from),
                           std::span(samples.values).subspan(from, cuts[i] - from), &rows[i],
                           &bytes[i]);
      rows[i].data = bytes[i];
      rows[i].series = id;
      from = cuts[i];
    }
    const std::vector<storage::SeriesRecord> record = {{id, labels}};
    ASSERT_TRUE(backend_.WriteChunks(record, rows).has_value());
  }
  // A sample per step; chunks of `chunk` samples.
  void AddValues(const Labels& labels, const std::vector<double>& values, int64_t step_ms,
                 size_t chunk, TimestampMs first = kOrigin) {
    SampleColumns samples;
    for (size_t i = 0; i < values.size(); ++i) {
      samples.Add(first + static_cast<int64_t>(i) * step_ms, values[i]);
    }
    std::vector<size_t> cuts;
    for (size_t at = chunk; at < values.size(); at += chunk) cuts.push_back(at);
    cuts.push_back(values.size());
    Add(labels, samples, cuts);
  }
  void Open() {
    head_ = std::make_unique<head::Head>(clock_);
    store_ = std::make_unique<storage::Store>(*head_, backend_, backend_, clock_);
    store_->SetRollups(&rollups_);
    ASSERT_TRUE(store_->Recover(backend_).has_value());
    plain_ = std::make_unique<PlainStore>(*store_);
  }

  QueryResult Run(const storage::Queryable& store, const std::string& text, TimestampMs start,
                  TimestampMs end, int64_t step_ms, DurationMs resolution = -1) {
    QueryRequest request;
    request.text = text;
    request.start = start;
    request.end = end;
    request.step_ms = step_ms;
    request.max_source_resolution_ms = resolution;
    EngineOptions options;
    options.clock = &clock_;
    auto result = Engine(options).Execute(store, request);
    EXPECT_TRUE(result) << text << ": " << (result ? "" : result.error().message);
    return result ? std::move(*result) : QueryResult();
  }

  ManualClock clock_{kOrigin + 1000 * kHour};
  vigil::testing::FakeBackend backend_;
  FakeRollups rollups_;
  std::unique_ptr<head::Head> head_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<PlainStore> plain_;
};

// {labels: [values]}; no sample is the staleness marker.
inline std::map<std::string, std::vector<double>> Values(const QueryResult& result) {
  std::map<std::string, std::vector<double>> values;
  for (const ResultSeries& series : result.series) {
    values[series.labels.ToString()].assign(series.values.begin(), series.values.end());
  }
  return values;
}

}  // namespace vigil::promql

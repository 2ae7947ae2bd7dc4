// SPDX-License-Identifier: Apache-2.0
// Appenders, a reader and a flusher at the same time: meant for the thread sanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "server/head/head.h"
#include "server/storage/store.h"
#include "tests/support/fake_backend.h"

namespace vigil::storage {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr size_t kWriters = 3;
constexpr size_t kSeriesEach = 150;
constexpr int kRounds = 120;

class StoreThreads : public ::testing::Test {
 protected:
  static Labels LabelsOf(size_t writer, size_t i) {
    return Labels::Of({{"__name__", std::string("m").append(std::to_string(i % 5))},
                       {"i", std::to_string(i)},
                       {"writer", std::to_string(writer)}});
  }

  // The first writer wants all or nothing; the others also append to a series that they share,
  // where they come too late for each other.
  void Write(size_t writer) {
    SampleBatch batch;
    for (int round = 0; round < kRounds; ++round) {
      batch.Clear();
      for (size_t i = 0; i < kSeriesEach; ++i) {
        batch.Add(store_.Resolve(LabelsOf(writer, i)).value(), kStart + round, round);
      }
      const SeriesRef shared = store_.Resolve(Labels::Of({{"__name__", "shared"}})).value();
      if (writer > 0) batch.Add(shared, kStart + round, round);
      if (writer > 0) AddSideSamples(writer, round, &batch);
      const auto mode = writer == 0 ? AppendMode::kAllOrNothing : AppendMode::kSkipRejected;
      const Result<AppendOutcome> outcome = store_.Append(batch, mode);
      ASSERT_TRUE(outcome.has_value());
      if (round % 10 == 0) {
        ASSERT_TRUE(store_.WaitDurable(outcome->position, 1000).has_value());
      }
    }
  }

  // Late samples and native histograms, in series of which several writers know.
  void AddSideSamples(size_t writer, int round, SampleBatch* batch) {
    const SeriesRef late = store_.Resolve(Labels::Of({{"__name__", "late"}})).value();
    const auto back = static_cast<TimestampMs>(writer) * 1000 + round;
    batch->Add(late, kStart - back, static_cast<double>(back));
    const SeriesRef native = store_.Resolve(Labels::Of({{"__name__", "native"}})).value();
    auto histogram = std::make_shared<Histogram>();
    histogram->sum = round;
    batch->Add(native, kStart + (round * 7) % kRounds, std::move(histogram));
    ExemplarBatch exemplars;
    exemplars.refs = {native};
    exemplars.exemplars = {{Labels(), 1, kStart + round}};
    store_.AppendExemplars(exemplars);
  }

  // Of all series with this name.
  void ReadSide(std::string_view name) {
    SelectHints hints;
    hints.start = kStart - 10'000;
    hints.end = kStart + kRounds;
    const auto set = store_.Select({Matcher::Equal("__name__", name)}, hints).value();
    SampleColumns out;
    for (size_t i = 0; i < set->size(); ++i) {
      ASSERT_TRUE(set->Read(i, &out).has_value());
      for (size_t k = 1; k < out.size(); ++k) {
        ASSERT_LT(out.timestamps[k - 1], out.timestamps[k]);
      }
      for (size_t k = 1; k < out.histograms.size(); ++k) {
        ASSERT_LT(out.histograms[k - 1].timestamp, out.histograms[k].timestamp);
      }
    }
    (void)store_.SelectExemplars({{Matcher::Equal("__name__", name)}}, hints.start, hints.end);
  }

  void ReadAll() {
    ReadSide("late");
    ReadSide("native");
    SelectHints hints;
    hints.start = kStart;
    hints.end = kStart + kRounds;
    const auto set = store_.Select({Matcher::Equal("__name__", "m1")}, hints).value();
    SampleColumns out;
    for (size_t i = 0; i < set->size(); ++i) {
      out.Clear();
      ASSERT_TRUE(set->Read(i, &out).has_value());
      // Writers append each round once, in order, so what is seen is a prefix.
      for (size_t k = 0; k < out.size(); ++k) {
        ASSERT_EQ(out.timestamps[k], kStart + static_cast<TimestampMs>(k));
        ASSERT_EQ(out.values[k], static_cast<double>(k));
      }
    }
    (void)store_.LabelValues("i", {Matcher::Equal("writer", "1")}, kStart, kStart + kRounds);
    (void)store_.Stats();
  }

  ManualClock clock_{kStart + kRounds};
  vigil::testing::FakeBackend backend_;
  head::Head head_{clock_, head::HeadOptions{.out_of_order_window_ms = 100'000}};
  Store store_{head_, backend_, backend_, clock_};
};

TEST_F(StoreThreads, AppendReadAndFlushTogether) {
  std::atomic<bool> done{false};
  std::latch writers(kWriters);
  std::vector<std::jthread> threads;
  for (size_t writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([this, writer, &writers] {
      Write(writer);
      writers.count_down();
    });
  }
  threads.emplace_back([this, &done] {
    while (!done) ReadAll();
  });
  threads.emplace_back([this, &done] {
    while (!done) ASSERT_TRUE(store_.Flush().has_value());
  });
  writers.wait();
  done = true;
  threads.clear();
  ReadAll();
  EXPECT_EQ(store_.Stats().recent.series, kWriters * kSeriesEach + 3);
  // Of the shared series each sample was taken once, repeated or came late.
  EXPECT_GE(store_.Stats().samples_appended, kWriters * kSeriesEach * kRounds);
}

}  // namespace
}  // namespace vigil::storage

// SPDX-License-Identifier: Apache-2.0
// Late samples and native histograms against a plain map: random appends, flushes, failures,
// crashes and reads.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "server/chunks/histogram_record.h"
#include "server/head/head.h"
#include "server/storage/store.h"
#include "tests/support/fake_backend.h"
#include "tests/support/sample_histograms.h"

namespace vigil::storage {
namespace {

constexpr size_t kLateSeries = 8;
constexpr size_t kFloatSeries = 5;  // the others have histograms
constexpr int64_t kWindowMs = 8 * 3'600'000;

class LateModel {
 public:
  explicit LateModel(uint64_t seed)
      : random_(seed), histograms_(vigil::testing::MakeHistograms(97, seed % 2 == 0, seed)) {
    Start();
  }

  void Step() {
    clock_.Advance(static_cast<int64_t>(random_() % 300'000));
    switch (random_() % 16) {
      case 0:
        backend_.FailFlushAfter(random_() % kLateSeries);
        break;
      case 1:
        backend_.SetLazy(random_() % 2 == 0);
        break;
      case 2:
      case 3:
        (void)store_->Flush();
        break;
      case 4:
        Crash();
        break;
      case 5:
        backend_.LoseFlushAnswer();
        break;
      case 6:
      case 7:
        Read();
        break;
      default:
        Append();
    }
  }
  void Finish() {
    Crash();
    ReadSpan(INT64_MIN / 2, INT64_MAX / 2);
    for (const auto& chunk : backend_.chunks()) {
      ASSERT_EQ(chunk.row.min_time / (6 * 3'600'000), chunk.row.max_time / (6 * 3'600'000));
    }
  }

 private:
  // By series; a value follows from series and time, so that a sample that comes again is the same.
  using Times = std::map<size_t, std::set<TimestampMs>>;

  static double ValueOf(size_t series, TimestampMs time) {
    return static_cast<double>((static_cast<uint64_t>(time) * 31 + series) % 1009) / 8;
  }
  [[nodiscard]] const HistogramPtr& HistogramOf(size_t series, TimestampMs time) const {
    return histograms_[(static_cast<size_t>(time) * 7 + series) % histograms_.size()].histogram;
  }

  void Start() {
    store_.reset();
    head_ = std::make_unique<head::Head>(clock_,
                                         head::HeadOptions{.out_of_order_window_ms = kWindowMs});
    store_ = std::make_unique<Store>(*head_, backend_, backend_, clock_);
    refs_.assign(kLateSeries, 0);
  }

  void Crash() {
    if (random_() % 2 == 0) {
      ASSERT_TRUE(store_->WaitDurable(position_, 1).has_value());
      acknowledged_ = twin_;
    }
    backend_.Crash();
    twin_ = acknowledged_;
    Start();
    ASSERT_TRUE(store_->Recover(backend_).has_value());
  }

  void Append() {
    SampleBatch batch;
    const size_t count = 1 + random_() % 60;
    for (size_t k = 0; k < count; ++k) {
      const size_t i = random_() % kLateSeries;
      if (refs_[i] == 0) {
        refs_[i] =
            store_->Resolve(Labels::Of({{"__name__", "m"}, {"i", std::to_string(i)}})).value();
      }
      // Mostly now, sometimes late; often a time that was there before.
      const int64_t back = random_() % 3 == 0 ? static_cast<int64_t>(random_() % 420) * 60'000 : 0;
      const TimestampMs time = clock_.Now() / 1000 * 1000 - back;
      if (i < kFloatSeries) {
        batch.Add(refs_[i], time, ValueOf(i, time));
      } else {
        batch.Add(refs_[i], time, HistogramOf(i, time));
      }
      twin_[i].insert(time);
      ever_[i].insert(time);
    }
    const AppendMode mode =
        random_() % 2 == 0 ? AppendMode::kSkipRejected : AppendMode::kAllOrNothing;
    const Result<AppendOutcome> outcome = store_->Append(batch, mode);
    ASSERT_TRUE(outcome.has_value());
    ASSERT_EQ(outcome->rejected(), 0U) << SampleVerdictText(outcome->first_reason);
    ASSERT_EQ(outcome->accepted + outcome->duplicates_same, count);
    position_ = outcome->position;
    if (random_() % 3 == 0) {
      ASSERT_TRUE(store_->WaitDurable(position_, 1).has_value());
      acknowledged_ = twin_;
    }
  }

  void Read() {
    const TimestampMs end = clock_.Now() - static_cast<TimestampMs>(random_() % 10'000'000);
    ReadSpan(end - static_cast<TimestampMs>(random_() % 30'000'000), end);
  }

  void ReadSpan(TimestampMs start, TimestampMs end) {
    SelectHints hints;
    hints.start = start;
    hints.end = end;
    const auto set = store_->Select({Matcher::Equal("__name__", "m")}, hints).value();
    std::map<size_t, std::set<TimestampMs>> got;
    for (size_t s = 0; s < set->size(); ++s) {
      const size_t i = static_cast<size_t>(set->labels(s).Get("i")[0] - '0');
      SampleColumns out;
      ASSERT_TRUE(set->Read(s, &out).has_value());
      ASSERT_TRUE(i < kFloatSeries ? out.histograms.empty() : out.empty());
      Check(i, out, &got[i]);
    }
    for (size_t i = 0; i < kLateSeries; ++i) {
      for (const TimestampMs time : twin_[i]) {
        if (time >= start && time <= end) {
          ASSERT_TRUE(got[i].contains(time)) << i << " at " << time;
        }
      }
    }
  }

  void Check(size_t i, const SampleColumns& out, std::set<TimestampMs>* got) {
    TimestampMs last = INT64_MIN;
    const auto take = [&](TimestampMs time) {
      ASSERT_GT(time, last);
      ASSERT_TRUE(ever_[i].contains(time));
      last = time;
      got->insert(time);
    };
    for (size_t k = 0; k < out.size(); ++k) {
      take(out.timestamps[k]);
      ASSERT_EQ(out.values[k], ValueOf(i, out.timestamps[k]));
    }
    for (const HistogramSample& sample : out.histograms) {
      take(sample.timestamp);
      ASSERT_TRUE(chunks::SameHistogram(*sample.histogram, *HistogramOf(i, sample.timestamp)));
    }
  }

  std::mt19937_64 random_;
  const std::vector<HistogramSample> histograms_;
  ManualClock clock_{1'700'000'000'000};
  vigil::testing::FakeBackend backend_;
  std::unique_ptr<head::Head> head_;
  std::unique_ptr<Store> store_;
  std::vector<SeriesRef> refs_;
  JournalPosition position_ = 0;
  Times twin_;          // what readers must see
  Times acknowledged_;  // what must survive
  Times ever_;          // what was accepted, lost or not
};

TEST(StoreLateModel, NeverLosesAnAcknowledgedSample) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    LateModel model(seed);
    for (int step = 0; step < 250 && !::testing::Test::HasFailure(); ++step) model.Step();
    model.Finish();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace vigil::storage

// SPDX-License-Identifier: Apache-2.0
// The store against a plain map: random appends, flushes, failures, crashes and reads.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <random>

#include "server/head/head.h"
#include "server/storage/store.h"
#include "tests/support/fake_backend.h"
#include "tests/support/sample_series.h"

namespace vigil::storage {
namespace {

constexpr size_t kSeries = 40;

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) { Start(); }

  void Step() {
    clock_.Advance(static_cast<int64_t>(random_() % 20'000));
    switch (random_() % 40) {
      case 0:
        backend_.FailFlushAfter(random_() % kSeries);
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
      case 6:
      case 7:
        Read();
        break;
      case 8:
        backend_.LoseFlushAnswer();
        break;
      default:
        Append();
    }
  }
  void Finish() {
    Crash();
    ReadSpan(INT64_MIN / 2, INT64_MAX / 2);
    ExpectNoSampleTwice();
  }

 private:
  using Samples = std::map<TimestampMs, double>;

  static Labels LabelsOf(size_t i) {
    return Labels::Of(
        {{"__name__", std::string("m").append(std::to_string(i % 3))}, {"i", std::to_string(i)}});
  }

  void Start() {
    store_.reset();
    head_ = std::make_unique<head::Head>(clock_);
    store_ = std::make_unique<Store>(*head_, backend_, backend_, clock_);
    refs_.assign(kSeries, 0);
  }

  // Everything that was acknowledged must be there again; the rest may be gone.
  void Crash() {
    if (random_() % 2 == 0) {
      ASSERT_TRUE(store_->WaitDurable(position_, 1).has_value());
      Acknowledge();
    }
    backend_.Crash();
    twin_ = acknowledged_;
    for (TimestampMs& last : last_) last = std::max<TimestampMs>(last, clock_.Now());
    clock_.Advance(1);
    Start();
    ASSERT_TRUE(store_->Recover(backend_).has_value());
  }

  void Acknowledge() { acknowledged_ = twin_; }

  void Append() {
    SampleBatch batch;
    const size_t first = random_() % kSeries;
    const size_t count = 1 + random_() % kSeries;
    for (size_t k = 0; k < count; ++k) {
      const size_t i = (first + k) % kSeries;
      if (refs_[i] == 0) refs_[i] = store_->Resolve(LabelsOf(i)).value();
      const double value = NextValue(i);
      batch.Add(refs_[i], clock_.Now(), value);
      if (last_[i] < clock_.Now()) {
        twin_[i][clock_.Now()] = value;
        ever_[i][clock_.Now()] = value;
        last_[i] = clock_.Now();
      }
    }
    const Result<AppendOutcome> outcome = store_->Append(batch, AppendMode::kSkipRejected);
    ASSERT_TRUE(outcome.has_value());
    position_ = outcome->position;
    if (random_() % 3 == 0) {
      ASSERT_TRUE(store_->WaitDurable(position_, 1).has_value());
      Acknowledge();
    }
  }

  double NextValue(size_t i) {
    const auto shape = vigil::testing::kShapes[i % std::size(vigil::testing::kShapes)];
    std::vector<double>& values = values_[i];
    if (values.empty()) values = vigil::testing::MakeValues(shape, 1000, i);
    return values[cursor_++ % values.size()];
  }

  // In the table of chunks: queries in SQL do not merge.
  void ExpectNoSampleTwice() {
    std::map<SeriesId, std::map<TimestampMs, TimestampMs>> spans;
    for (const auto& chunk : backend_.chunks()) {
      auto& of_series = spans[chunk.row.series];
      ASSERT_TRUE(of_series.emplace(chunk.row.min_time, chunk.row.max_time).second);
    }
    for (const auto& [series, of_series] : spans) {
      TimestampMs last = INT64_MIN;
      for (const auto& [min, max] : of_series) {
        ASSERT_GT(min, last);
        last = max;
      }
    }
  }

  void Read() {
    const TimestampMs now = clock_.Now();
    const auto back = static_cast<TimestampMs>(random_() % 2'000'000);
    ReadSpan(now - back, now - static_cast<TimestampMs>(random_() % 500'000));
  }

  void ReadSpan(TimestampMs start, TimestampMs end) {
    SelectHints hints;
    hints.start = start;
    hints.end = end;
    const auto set =
        store_->Select({Matcher::Create(MatchType::kNotEqual, "i", "").value()}, hints).value();
    std::map<std::string, SampleColumns> got;
    for (size_t i = 0; i < set->size(); ++i) {
      if (i > 0) {
        ASSERT_TRUE(set->labels(i - 1) < set->labels(i));
      }
      ASSERT_TRUE(set->Read(i, &got[std::string(set->labels(i).Get("i"))]).has_value());
    }
    for (size_t i = 0; i < kSeries; ++i) {
      SampleColumns want;
      for (const auto& [timestamp, value] : twin_[i]) {
        if (timestamp >= start && timestamp <= end) want.Add(timestamp, value);
      }
      const SampleColumns& have = got[std::to_string(i)];
      // What was not acknowledged before a crash may have been kept.
      ExpectAtLeast(have, want, i);
    }
  }

  void ExpectAtLeast(const SampleColumns& have, const SampleColumns& want, size_t series) {
    for (size_t k = 0; k < want.size(); ++k) {
      const auto found =
          std::lower_bound(have.timestamps.begin(), have.timestamps.end(), want.timestamps[k]);
      ASSERT_TRUE(found != have.timestamps.end() && *found == want.timestamps[k]) << series;
      const auto index = static_cast<size_t>(found - have.timestamps.begin());
      ASSERT_TRUE(SameBits(have.values[index], want.values[k])) << series;
    }
    for (size_t k = 0; k < have.size(); ++k) {
      if (k > 0) {
        ASSERT_LT(have.timestamps[k - 1], have.timestamps[k]);
      }
      const auto found = ever_[series].find(have.timestamps[k]);
      ASSERT_TRUE(found != ever_[series].end() && SameBits(found->second, have.values[k]));
    }
  }

  std::mt19937_64 random_;
  ManualClock clock_{1'700'000'000'000};
  vigil::testing::FakeBackend backend_;
  std::unique_ptr<head::Head> head_;
  std::unique_ptr<Store> store_;
  std::vector<SeriesRef> refs_;
  JournalPosition position_ = 0;
  std::map<size_t, Samples> twin_;          // what readers must see
  std::map<size_t, Samples> acknowledged_;  // what must survive
  std::map<size_t, Samples> ever_;          // what was accepted, lost or not
  std::array<TimestampMs, kSeries> last_{};
  std::map<size_t, std::vector<double>> values_;
  size_t cursor_ = 0;
};

TEST(StoreModel, NeverLosesAnAcknowledgedSample) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    for (int step = 0; step < 400 && !::testing::Test::HasFailure(); ++step) model.Step();
    model.Finish();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace vigil::storage

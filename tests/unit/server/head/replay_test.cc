// SPDX-License-Identifier: Apache-2.0
// A replay of more samples than are gathered at once.
#include <gtest/gtest.h>

#include <utility>

#include "server/chunks/journal_page.h"
#include "server/head/head.h"

namespace vigil::head {
namespace {

constexpr size_t kSeriesCount = 5'000;
constexpr size_t kRounds = 450;  // 2.25 million samples
constexpr TimestampMs kBegin = 1'700'000'000'000;

double ValueOf(size_t series, size_t round) { return static_cast<double>(series * 7 + round); }

std::vector<std::string> PagesOf(size_t round) {
  chunks::JournalSamples samples;
  for (size_t i = 0; i < kSeriesCount; ++i) {
    samples.series.push_back(static_cast<int64_t>(100 + i));
    samples.timestamps.push_back(kBegin + static_cast<int64_t>(round) * 15'000);
    samples.values.push_back(ValueOf(i, round));
  }
  std::vector<std::string> pages;
  chunks::EncodeJournalPages(samples.series, samples.timestamps, samples.values, &pages);
  return pages;
}

TEST(Replay, OfSeriesWithIdsFarApart) {
  ManualClock clock{kBegin};
  Head head(clock);
  const std::vector<storage::SeriesId> ids = {5, 1'000'000'000'000, 70, INT64_MAX};
  std::vector<storage::SeriesRef> refs;
  for (const storage::SeriesId id : ids) {
    refs.push_back(head.Insert(id, Labels::Of({{"__name__", std::to_string(id)}}), INT64_MIN));
  }
  std::vector<std::string> pages;
  chunks::EncodeJournalPages(std::vector<int64_t>{5, 6, 70, 1'000'000'000'000, INT64_MAX},
                             std::vector<TimestampMs>(5, kBegin),
                             std::vector<double>{1, 0, 3, 2, 4}, &pages);
  const auto replayed = head.Replay(pages.at(0));
  ASSERT_TRUE(replayed.has_value());
  EXPECT_EQ(replayed->unknown_series, 1U);
  EXPECT_EQ(head.FinishReplay().samples, 4U);
  const auto snapshot = head.Snapshot(refs, INT64_MIN, INT64_MAX);
  for (size_t i = 0; i < ids.size(); ++i) {
    SampleColumns out;
    snapshot->Read(i, &out);
    EXPECT_EQ(out.values, std::vector<double>{static_cast<double>(i + 1)});
  }
}

TEST(Replay, OfManyPages) {
  ManualClock clock{kBegin};
  Head head(clock);
  std::vector<storage::SeriesRef> refs;
  for (size_t i = 0; i < kSeriesCount; ++i) {
    const auto id = static_cast<storage::SeriesId>(100 + i);
    refs.push_back(head.Insert(id, Labels::Of({{"__name__", std::to_string(i)}}), INT64_MIN));
  }
  size_t samples = 0;
  for (size_t round = 0; round < kRounds; ++round) {
    // Two rounds that were queued the wrong way round, and one that comes again.
    const size_t taken = round == 100 ? 101 : round == 101 ? 100 : round;
    for (const std::string& page : PagesOf(taken)) samples += head.Replay(page)->samples;
    if (round == 300) {
      for (const std::string& page : PagesOf(taken)) samples += head.Replay(page)->samples;
    }
  }
  samples += head.FinishReplay().samples;
  EXPECT_EQ(samples, kSeriesCount * kRounds);
  EXPECT_EQ(head.Stats().open_samples, kSeriesCount * kRounds);
  const auto snapshot = head.Snapshot(refs, INT64_MIN, INT64_MAX);
  for (size_t i = 0; i < kSeriesCount; i += 99) {
    SampleColumns out;
    snapshot->Read(i, &out);
    ASSERT_EQ(out.size(), kRounds);
    for (size_t round = 0; round < kRounds; ++round) {
      EXPECT_EQ(out.timestamps[round], kBegin + static_cast<int64_t>(round) * 15'000);
      EXPECT_EQ(out.values[round], ValueOf(i, round));
    }
  }
}

}  // namespace
}  // namespace vigil::head

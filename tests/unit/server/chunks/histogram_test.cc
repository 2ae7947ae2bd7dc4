// SPDX-License-Identifier: Apache-2.0
// Native histograms as chunks, journal pages and streams.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>
#include <random>

#include "server/chunks/chunk.h"
#include "server/chunks/crc32c.h"
#include "server/chunks/histogram_record.h"
#include "server/chunks/histogram_stream.h"
#include "server/chunks/journal_page.h"
#include "tests/support/sample_histograms.h"
#include "tests/support/slow_decoder.h"

namespace vigil::chunks {
namespace {

using vigil::testing::MakeHistograms;
using vigil::testing::MakeWildHistograms;
using Samples = std::vector<HistogramSample>;

ChunkView HistogramView(const Chunk& chunk) {
  return {chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data};
}

void ExpectSame(const Samples& got, const Samples& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].timestamp, want[i].timestamp) << i;
    ASSERT_TRUE(SameHistogram(*got[i].histogram, *want[i].histogram)) << i;
  }
}

Chunk ExpectChunkRoundTrip(const Samples& samples) {
  Chunk chunk;
  EncodeHistogramChunk(samples, &chunk);
  EXPECT_TRUE(HoldsHistograms(chunk.encoding));
  SampleColumns fast;
  const Result<void> decoded = DecodeChunk(HistogramView(chunk), INT64_MIN, INT64_MAX, &fast);
  EXPECT_TRUE(decoded.has_value()) << (decoded ? "" : decoded.error().message);
  EXPECT_TRUE(fast.empty());
  ExpectSame(fast.histograms, samples);
  ExpectSame(testing::SlowDecodeHistogramChunk(chunk.data, chunk.min_time), samples);
  return chunk;
}

HistogramPtr Make(const Histogram& histogram) {
  return std::make_shared<const Histogram>(histogram);
}

// All buckets in one span.
Histogram Wide(size_t buckets, double count) {
  Histogram histogram;
  histogram.schema = 8;
  histogram.positive_spans = {{-100, static_cast<uint32_t>(buckets)}};
  histogram.positive_buckets.assign(buckets, count);
  histogram.count = count * static_cast<double>(buckets);
  histogram.sum = 0.1;
  return histogram;
}

TEST(HistogramChunk, GivesBackWhatClientsSend) {
  for (const size_t count : {1U, 2U, 3U, 240U, 1441U}) {
    for (const bool integer : {true, false}) {
      ExpectChunkRoundTrip(MakeHistograms(count, integer, count));
    }
  }
}

TEST(HistogramChunk, GivesBackWildHistogramsBitForBit) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    ExpectChunkRoundTrip(MakeWildHistograms(1 + seed % 60, seed));
  }
}

TEST(HistogramChunk, TakesAboutAByteForEachBucket) {
  const Samples samples = MakeHistograms(1000, true, 3);
  size_t buckets = 0;
  for (const HistogramSample& sample : samples)
    buckets += sample.histogram->positive_buckets.size();
  EXPECT_LE(ExpectChunkRoundTrip(samples).data.size(), buckets);
}

TEST(HistogramChunk, EqualNeighboursAreOneObject) {
  Samples samples;
  for (int i = 0; i < 1000; ++i) samples.push_back({i, Make(Wide(160, i < 600 ? 1 : 2))});
  const Chunk chunk = ExpectChunkRoundTrip(samples);
  EXPECT_LE(chunk.data.size(), 250U);
  SampleColumns out;
  ASSERT_TRUE(DecodeChunk(HistogramView(chunk), 590, 610, &out).has_value());
  ASSERT_EQ(out.histograms.size(), 21U);
  EXPECT_EQ(out.histograms[0].timestamp, 590);
  EXPECT_EQ(out.histograms[0].histogram, out.histograms[9].histogram);
  EXPECT_NE(out.histograms[9].histogram, out.histograms[10].histogram);
  EXPECT_EQ(out.histograms[10].histogram, out.histograms[20].histogram);
}

TEST(HistogramChunk, NewBucketDoesNotCostAllOthersAgain) {
  Histogram histogram = Wide(100, 1'000'000'000);
  Samples samples{{0, Make(histogram)}};
  ExpectChunkRoundTrip(samples);
  Chunk one;
  EncodeHistogramChunk(samples, &one);
  histogram.positive_spans = {{-101, 101}};
  histogram.positive_buckets.insert(histogram.positive_buckets.begin(), 1);
  histogram.count += 1;
  samples.push_back({15000, Make(histogram)});
  EXPECT_LE(ExpectChunkRoundTrip(samples).data.size(), one.data.size() + 40);
}

TEST(HistogramChunk, KeepsTheOddOnes) {
  const double nan = NormalNaN();
  Histogram histogram;
  Samples samples{{0, Make(histogram)}};
  const auto add = [&] {
    samples.push_back({static_cast<TimestampMs>(samples.size()), Make(histogram)});
  };
  histogram.positive_spans = {{0, 0}, {5, 0}};
  add();
  histogram.sum = nan;
  histogram.integer = true;
  add();
  histogram.count = 5;  // NaN observations are in no bucket
  add();
  histogram.count = -0.0;
  histogram.sum = -0.0;
  add();
  histogram.schema = kCustomBucketsSchema;
  histogram.custom_values = {-1, 0.1, 1e300, std::numeric_limits<double>::infinity()};
  histogram.positive_spans = {{0, 2}, {1, 1}};
  histogram.positive_buckets = {1, 9007199254740991.0, -9007199254740991.0};
  histogram.count = 9007199254740991.0;
  add();
  histogram.positive_buckets = {9007199254740992.0, 0.5, StaleNaN()};
  add();
  histogram.negative_spans = {{INT32_MIN, 1}, {INT32_MAX, 1}, {-7, 2}};
  histogram.negative_buckets = {1, 2, 3, 4};
  add();
  histogram.negative_spans = {{INT32_MIN, 1}, {INT32_MAX, 2}, {-7, 2}};
  histogram.negative_buckets = {1, 2, 3, 4, 5};
  add();
  histogram.reset_hint = CounterResetHint::kGauge;
  add();
  ExpectChunkRoundTrip(samples);
}

TEST(HistogramChunk, SummaryIsTheCount) {
  Chunk chunk;
  EncodeHistogramChunk(MakeHistograms(10, true, 1), &chunk);
  const Result<ChunkSummary> summary = ReadChunkSummary(HistogramView(chunk));
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->count, 10U);
  EXPECT_EQ(summary->stale, 0U);
}

// A schema that is none would make shifts and bounds of buckets what they cannot be.
TEST(HistogramChunk, SchemaThatIsNoneIsACorruptChunk) {
  for (const int32_t schema : {INT32_MIN, -563, -54, -5, 9, 52, INT32_MAX}) {
    Histogram histogram = Wide(3, 1);
    histogram.schema = schema;
    const Samples samples{{1000, Make(Wide(3, 1))}, {2000, Make(histogram)}};
    Chunk chunk;
    EncodeHistogramChunk(samples, &chunk);
    SampleColumns out;
    EXPECT_FALSE(DecodeChunk(HistogramView(chunk), INT64_MIN, INT64_MAX, &out).has_value())
        << schema;
    EXPECT_TRUE(out.histograms.empty());
    std::vector<std::string> pages;
    EncodeHistogramJournalPages(std::vector<int64_t>{1, 1}, samples, &pages);
    JournalSamples got;
    ASSERT_EQ(pages.size(), 1U);
    EXPECT_FALSE(DecodeJournalPage(pages[0], &got).has_value()) << schema;
  }
}

TEST(HistogramChunk, SurvivesChangedBytesUnderAGoodChecksum) {
  std::mt19937_64 random(3);
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Chunk chunk;
    EncodeHistogramChunk(
        seed % 2 == 0 ? MakeWildHistograms(20, seed) : MakeHistograms(20, true, seed), &chunk);
    for (int round = 0; round < 500; ++round) {
      Chunk changed = chunk;
      changed.data[5 + random() % (changed.data.size() - 5)] = static_cast<char>(random());
      if (random() % 4 == 0) changed.data.resize(5 + random() % (changed.data.size() - 5));
      const uint32_t crc = Crc32c(std::string_view(changed.data).substr(4));
      std::memcpy(changed.data.data(), &crc, 4);
      SampleColumns out;
      const bool good = DecodeChunk(HistogramView(changed), INT64_MIN, INT64_MAX, &out).has_value();
      EXPECT_NE(good, out.histograms.empty());
    }
  }
}

// Several series, one of them more than once in a row.
void ExpectPageRoundTrip(const Samples& samples, size_t per_series) {
  std::vector<int64_t> series;
  for (size_t i = 0; i < samples.size(); ++i)
    series.push_back(static_cast<int64_t>(i / per_series));
  std::vector<std::string> pages;
  EncodeHistogramJournalPages(series, samples, &pages);
  JournalSamples got;
  for (const std::string& page : pages) {
    EXPECT_LE(page.size(), kMaxJournalPageBytes);
    const Result<void> result = DecodeJournalPage(page, &got);
    ASSERT_TRUE(result.has_value()) << result.error().message;
  }
  EXPECT_EQ(got.size(), 0U);
  EXPECT_EQ(got.parts.count, 0U);
  EXPECT_EQ(got.histogram_series, series);
  ExpectSame(got.histograms, samples);
}

TEST(HistogramPages, GiveBackWhatWasWritten) {
  for (const size_t per_series : {1U, 3U}) {
    ExpectPageRoundTrip({}, per_series);
    ExpectPageRoundTrip(MakeHistograms(2000, true, 5), per_series);
    ExpectPageRoundTrip(MakeHistograms(500, false, 5), per_series);
    for (uint64_t seed = 0; seed < 100; ++seed) {
      ExpectPageRoundTrip(MakeWildHistograms(300, seed), per_series);
    }
  }
}

TEST(HistogramPages, LargeHistogramsAreCutIntoParts) {
  for (const size_t buckets : {700U, 870U, 880U, 900U, 1000U, 5000U, 100'000U}) {
    Samples samples;
    for (int i = 0; i < 4; ++i) {
      Histogram histogram = Wide(i == 1 ? 3 : buckets, 1);
      for (size_t b = 0; b < histogram.positive_buckets.size(); ++b) {
        histogram.positive_buckets[b] = 1 / static_cast<double>(b + 3);
      }
      samples.push_back({1000 + i, Make(histogram)});
    }
    ExpectPageRoundTrip(samples, 2);
  }
}

TEST(HistogramPages, ALostPartLosesTheHistogramOnly) {
  Histogram histogram = Wide(3000, 1);
  for (size_t b = 0; b < 3000; ++b) histogram.positive_buckets[b] = 1 / static_cast<double>(b + 3);
  const Samples samples{{1, Make(histogram)}, {2, Make(Wide(4, 1))}};
  const std::vector<int64_t> series{1, 2};
  std::vector<std::string> pages;
  EncodeHistogramJournalPages(series, samples, &pages);
  ASSERT_EQ(pages.size(), 5U);
  for (size_t lost = 0; lost < 4; ++lost) {
    JournalSamples got;
    size_t refused = 0;
    for (size_t i = 0; i < pages.size(); ++i) {
      got.Clear();
      if (i != lost && !DecodeJournalPage(pages[i], &got)) ++refused;
    }
    EXPECT_EQ(refused, 3 - lost);
    EXPECT_EQ(got.histogram_series, std::vector<int64_t>{2});
    EXPECT_EQ(got.histograms.size(), 1U);
  }
}

TEST(HistogramPages, RefuseEveryChangedByte) {
  const std::vector<int64_t> series{1, 2};
  const Samples samples = MakeHistograms(2, true, 1);
  std::vector<std::string> pages;
  EncodeHistogramJournalPages(series, samples, &pages);
  JournalSamples out;
  for (size_t i = 0; i < pages[0].size(); ++i) {
    std::string changed = pages[0];
    changed[i] = static_cast<char>(changed[i] ^ 2);
    EXPECT_FALSE(DecodeJournalPage(changed, &out).has_value());
  }
  EXPECT_TRUE(out.histograms.empty());
}

void ExpectStreamRoundTrip(const Samples& samples) {
  HistogramStream stream;
  for (const HistogramSample& sample : samples) stream.Append(sample.timestamp, sample.histogram);
  EXPECT_EQ(stream.count(), samples.size());
  EXPECT_EQ(stream.last_time(), samples.back().timestamp);
  EXPECT_EQ(stream.last(), samples.back().histogram);
  Samples got;
  ASSERT_TRUE(
      DecodeHistogramStream(stream.data(), stream.first_time(), INT64_MIN, INT64_MAX, &got));
  ExpectSame(got, samples);
  const TimestampMs from = samples[samples.size() / 3].timestamp;
  const TimestampMs to = samples[samples.size() / 2].timestamp;
  Samples some;
  ASSERT_TRUE(DecodeHistogramStream(stream.data(), stream.first_time(), from, to, &some));
  ExpectSame(some, Samples(samples.begin() + static_cast<ptrdiff_t>(samples.size() / 3),
                           samples.begin() + static_cast<ptrdiff_t>(samples.size() / 2 + 1)));
}

TEST(HistogramStream, GivesBackWhatWasAppended) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    ExpectStreamRoundTrip(MakeWildHistograms(1 + seed % 40, seed));
  }
  ExpectStreamRoundTrip(MakeHistograms(500, true, 1));
}

TEST(HistogramStream, BeginsAnewAfterReset) {
  const Samples samples = MakeHistograms(6, true, 1);
  HistogramStream stream;
  for (size_t i = 0; i < 3; ++i) stream.Append(samples[i].timestamp, samples[i].histogram);
  stream.Reset();
  EXPECT_TRUE(stream.empty());
  EXPECT_EQ(stream.last(), samples[2].histogram);
  for (size_t i = 3; i < 6; ++i) stream.Append(samples[i].timestamp, samples[i].histogram);
  Samples got;
  ASSERT_TRUE(
      DecodeHistogramStream(stream.data(), stream.first_time(), INT64_MIN, INT64_MAX, &got));
  ExpectSame(got, Samples(samples.begin() + 3, samples.end()));
}

TEST(HistogramStream, RefusesACutStream) {
  const Samples samples = MakeHistograms(3, true, 1);
  HistogramStream stream;
  for (const HistogramSample& sample : samples) stream.Append(sample.timestamp, sample.histogram);
  Samples got;
  EXPECT_FALSE(DecodeHistogramStream(stream.data().substr(0, stream.data().size() - 1),
                                     stream.first_time(), INT64_MIN, INT64_MAX, &got));
  EXPECT_TRUE(got.empty());
}

}  // namespace
}  // namespace vigil::chunks

// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/journal_page.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>

#include "server/chunks/crc32c.h"
#include "tests/support/sample_series.h"
#include "tests/support/slow_decoder.h"

namespace vigil::chunks {
namespace {

std::vector<std::string> Encode(const JournalSamples& samples) {
  std::vector<std::string> pages;
  EncodeJournalPages(samples.series, samples.timestamps, samples.values, &pages);
  return pages;
}

void ExpectSame(const JournalSamples& got, const JournalSamples& want) {
  EXPECT_EQ(got.series, want.series);
  EXPECT_EQ(got.timestamps, want.timestamps);
  ASSERT_EQ(got.values.size(), want.values.size());
  EXPECT_EQ(std::memcmp(got.values.data(), want.values.data(), 8 * want.values.size()), 0);
}

void ExpectRoundTrip(const JournalSamples& samples) {
  JournalSamples fast;
  JournalSamples slow;
  for (const std::string& page : Encode(samples)) {
    EXPECT_LE(page.size(), kMaxJournalPageBytes);
    const Result<void> result = DecodeJournalPage(page, &fast);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    const JournalSamples part = testing::SlowDecodeJournalPage(page);
    slow.series.insert(slow.series.end(), part.series.begin(), part.series.end());
    slow.timestamps.insert(slow.timestamps.end(), part.timestamps.begin(), part.timestamps.end());
    slow.values.insert(slow.values.end(), part.values.begin(), part.values.end());
  }
  ExpectSame(fast, samples);
  ExpectSame(slow, samples);
}

JournalSamples Scrape(size_t count) {
  JournalSamples samples;
  for (size_t i = 0; i < count; ++i) {
    samples.series.push_back(static_cast<int64_t>(1000 + i));
    samples.timestamps.push_back(1'700'000'000'000);
  }
  samples.values = vigil::testing::MakeValues(vigil::testing::Shape::kMixed, count, 4);
  return samples;
}

TEST(JournalPage, HoldsNothingForNothing) { EXPECT_TRUE(Encode({}).empty()); }

TEST(JournalPage, GivesBackAScrape) {
  for (const size_t count : {1U, 2U, 1000U, 20000U}) ExpectRoundTrip(Scrape(count));
}

TEST(JournalPage, ThousandEqualValuesOfNeighboursAreTiny) {
  JournalSamples samples = Scrape(1000);
  samples.values.assign(1000, 0);
  const std::vector<std::string> pages = Encode(samples);
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_LE(pages[0].size(), 90U);
  ExpectRoundTrip(samples);
  JournalSamples many = Scrape(100'000);
  many.values.assign(100'000, 0);
  ExpectRoundTrip(many);
}

TEST(JournalPage, GivesBackRandomColumns) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    JournalSamples samples;
    const size_t count = 1 + random() % 3000;
    for (size_t i = 0; i < count; ++i) {
      const bool wild = random() % 8 == 0;
      samples.series.push_back(i == 0 || wild ? static_cast<int64_t>(random() >> (random() % 64))
                                              : samples.series.back() + 1);
      samples.timestamps.push_back(i == 0 || wild ? static_cast<int64_t>(random())
                                                  : samples.timestamps.back());
      samples.values.push_back(i == 0 || random() % 3 == 0 ? std::bit_cast<double>(random())
                                                           : samples.values.back());
    }
    ExpectRoundTrip(samples);
  }
}

TEST(JournalPage, WorstSamplesStayWithinThePage) {
  JournalSamples samples;
  for (int i = 0; i < 5000; ++i) {
    samples.series.push_back(i % 2 == 0 ? INT64_MAX : INT64_MIN / 2);
    samples.timestamps.push_back(i % 2 == 0 ? INT64_MIN : INT64_MAX / 2);
    samples.values.push_back(
        std::bit_cast<double>(0x0123456789abcd00ULL + static_cast<unsigned>(i % 255) + 1));
  }
  ExpectRoundTrip(samples);
}

TEST(JournalPage, RefusesEveryChangedByteAndEveryCut) {
  const std::string page = Encode(Scrape(40))[0];
  JournalSamples out;
  for (size_t i = 0; i < page.size(); ++i) {
    std::string changed = page;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(DecodeJournalPage(changed, &out).has_value());
    EXPECT_FALSE(DecodeJournalPage(page.substr(0, i), &out).has_value());
  }
  EXPECT_EQ(out.size(), 0U);
}

TEST(JournalPage, SurvivesChangedBytesUnderAGoodChecksum) {
  const std::string page = Encode(Scrape(200))[0];
  std::mt19937_64 random(11);
  for (int round = 0; round < 20000; ++round) {
    std::string changed = page;
    changed[5 + random() % (changed.size() - 5)] = static_cast<char>(random());
    const uint32_t crc = Crc32c(std::string_view(changed).substr(5));
    std::memcpy(changed.data() + 1, &crc, 4);
    JournalSamples out;
    const bool good = DecodeJournalPage(changed, &out).has_value();
    EXPECT_NE(good, out.size() + out.values.size() == 0);
  }
}

}  // namespace
}  // namespace vigil::chunks

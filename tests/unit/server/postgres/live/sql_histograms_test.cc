// SPDX-License-Identifier: Apache-2.0
// Native histograms in SQL: what C++ encodes, PL/pgSQL reads.
#include <cmath>
#include <random>

#include "server/chunks/chunk.h"
#include "server/chunks/journal_page.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kHistogramTimeoutMs = 60'000;
constexpr int64_t kHistogramStart = 1'700'000'000'000;

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

// "count sum [bucket counts]", empty buckets left out, as the queries below put it.
std::string Text(const Histogram& h) {
  std::vector<double> counts(h.negative_buckets.rbegin(), h.negative_buckets.rend());
  counts.push_back(h.zero_count);
  counts.insert(counts.end(), h.positive_buckets.begin(), h.positive_buckets.end());
  std::string buckets;
  for (const double count : counts) {
    if (count != 0) buckets += (buckets.empty() ? "" : ",") + Number(count);
  }
  return Number(h.count) + " " + Number(h.sum) + " [" + buckets + "]";
}

// Counts grow; now and then the layout changes, the counts become fractions or whole again.
std::vector<HistogramSample> MakeHistograms(size_t n, uint64_t seed, bool custom) {
  std::mt19937_64 random(seed);
  Histogram now;
  std::vector<HistogramSample> samples;
  for (size_t i = 0; i < n; ++i) {
    if (i % 7 == 0) {
      now = Histogram();
      now.zero_threshold = custom ? 0 : 1e-128;
      now.schema = custom ? kCustomBucketsSchema : static_cast<int32_t>(i % 14 == 0 ? 3 : 2);
      now.integer = i % 3 == 0;
      now.positive_spans = {{custom ? 0 : -3, 2 + static_cast<uint32_t>(i % 4)}, {2, 3}};
      now.positive_buckets.assign(5 + i % 4, 0);
      if (custom) {
        for (int bound = 0; bound < 12; ++bound) now.custom_values.push_back(bound * 2.5);
      } else {
        now.negative_spans = {{1, 2}};
        now.negative_buckets.assign(2, 0);
      }
    }
    const double unit = now.integer ? 1 : 0.25;
    for (double& count : now.positive_buckets) count += unit * static_cast<double>(random() % 5);
    for (double& count : now.negative_buckets) count += unit * static_cast<double>(random() % 3);
    if (!custom) now.zero_count += unit * static_cast<double>(random() % 2);
    now.count = now.zero_count;
    for (const double count : now.positive_buckets) now.count += count;
    for (const double count : now.negative_buckets) now.count += count;
    now.sum += static_cast<double>(random() % 1000) / 8;
    samples.push_back({kHistogramStart + static_cast<int64_t>(i) * 15'000,
                       i % 5 == 4 ? samples.back().histogram : std::make_shared<Histogram>(now)});
  }
  return samples;
}

// Does not fit into a journal page.
HistogramPtr LargeHistogram() {
  Histogram large;
  large.positive_spans = {{0, 4000}};
  std::mt19937_64 random(9);
  for (int i = 0; i < 4000; ++i) {
    large.positive_buckets.push_back(1 + static_cast<double>(random() % (1U << 30)));
    large.count += large.positive_buckets.back();
  }
  large.schema = 8;
  large.integer = true;
  return std::make_shared<Histogram>(large);
}

class SqlHistogramsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    path_ = new TemporaryPath();
    managed_ = StartManaged(path_->path()).release();
    if (managed_ == nullptr) return;
    database_ = OpenDatabase(OptionsFor(managed_->conninfo())).release();
    connection_ = Connect(managed_->conninfo()).release();
  }
  static void TearDownTestSuite() {
    delete connection_;
    delete database_;
    delete managed_;
    delete path_;
  }
  void SetUp() override { ASSERT_NE(database_, nullptr); }

  // Lines "series time text" of vigil.histograms().
  static std::vector<std::string> FromSql(const std::string& selector) {
    auto rows = connection_->Query(
        "SELECT series_id::text || ' ' || (extract(epoch FROM time) * 1000)::int8, count::text, "
        "sum::text, (SELECT coalesce(string_agg(b->>2, ' '), '') FROM "
        "jsonb_array_elements(buckets) "
        "AS b) FROM vigil.histograms('" +
            selector + "', '-infinity', 'infinity') ORDER BY series_id, time",
        kHistogramTimeoutMs);
    EXPECT_TRUE(rows) << rows.error().message;
    std::vector<std::string> lines;
    for (int i = 0; rows && i < rows->size(); ++i) {
      std::string buckets;
      std::string word;
      for (const char c : std::string(rows->Bytes(i, 3)) + " ") {
        if (c != ' ') {
          word += c;
        } else if (!word.empty()) {
          buckets += (buckets.empty() ? "" : ",") + Number(std::stod(std::exchange(word, "")));
        }
      }
      lines.push_back(std::string(rows->Bytes(i, 0)) + " " +
                      Number(std::stod(std::string(rows->Bytes(i, 1)))) + " " +
                      Number(std::stod(std::string(rows->Bytes(i, 2)))) + " [" + buckets + "]");
    }
    return lines;
  }

  static inline TemporaryPath* path_ = nullptr;
  static inline ManagedPostgres* managed_ = nullptr;
  static inline Database* database_ = nullptr;
  static inline Connection* connection_ = nullptr;
};

TEST_F(SqlHistogramsTest, ComeFromTheJournalAndFromChunks) {
  const auto first = MakeHistograms(60, 1, false);
  const auto second = MakeHistograms(60, 2, true);
  std::vector<storage::SeriesRecord> series;
  series.push_back({201, Labels::Of({{"__name__", "latency"}, {"n", "1"}})});
  series.push_back({202, Labels::Of({{"__name__", "latency"}, {"n", "2"}})});
  std::vector<int64_t> ids;
  std::vector<HistogramSample> mixed;
  std::vector<std::string> expected;
  for (size_t i = 0; i < first.size(); ++i) {
    ids.insert(ids.end(), {201, 202});
    mixed.insert(mixed.end(), {first[i], second[i]});
  }
  ids.push_back(202);
  mixed.push_back({kHistogramStart + 3'600'000, LargeHistogram()});
  for (const int64_t id : {201, 202}) {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] != id) continue;
      expected.push_back(std::to_string(id) + " " + std::to_string(mixed[i].timestamp) + " " +
                         Text(*mixed[i].histogram));
    }
  }
  std::vector<std::string> pages;
  chunks::EncodeHistogramJournalPages(ids, mixed, &pages);
  ASSERT_GT(pages.size(), 2U);
  const auto position = database_->journal().Enqueue(series, pages);
  ASSERT_OK(database_->journal().WaitDurable(position, kHistogramTimeoutMs));
  EXPECT_EQ(FromSql("latency"), expected);
  EXPECT_EQ(Ask(connection_, "SELECT count(*)::text FROM vigil.samples('latency', '-infinity')"),
            "0");

  const auto cut = database_->journal().Cut();
  std::vector<chunks::Chunk> encoded(2);
  chunks::EncodeHistogramChunk(first, &encoded[0]);
  std::vector<HistogramSample> with_large = second;
  with_large.push_back(mixed.back());
  chunks::EncodeHistogramChunk(with_large, &encoded[1]);
  size_t next = 0;
  ASSERT_OK(database_->chunks().WriteFlush(
      [&](storage::ChunkRow* row) {
        if (next == encoded.size()) return false;
        const chunks::Chunk& chunk = encoded[next];
        *row = storage::ChunkRow();
        row->series = static_cast<int64_t>(201 + next++);
        row->min_time = chunk.min_time;
        row->max_time = chunk.max_time;
        row->count = chunk.count;
        row->encoding = chunk.encoding;
        row->data = chunk.data;
        return true;
      },
      cut));
  EXPECT_EQ(Ask(connection_, "SELECT count(*)::text FROM vigil.unflushed_page"), "0");
  EXPECT_EQ(FromSql("latency"), expected);
  EXPECT_EQ(Ask(connection_, "SELECT count(*)::text FROM vigil.samples('latency', '-infinity')"),
            "0");
}

TEST_F(SqlHistogramsTest, BoundsFollowTheSchema) {
  const auto bound = [](const std::string& arguments) {
    return Ask(connection_, "SELECT vigil.bucket_bound(" + arguments + ")::text");
  };
  EXPECT_EQ(bound("0, '{}', 3"), "8");
  EXPECT_EQ(bound("-1, '{}', 2"), "16");
  EXPECT_EQ(bound("3, '{}', 8"), "2");
  EXPECT_EQ(bound("3, '{}', 4"), "1.4142135623730951");
  EXPECT_EQ(bound("0, '{}', 1024"), "Infinity");
  EXPECT_EQ(bound("-53, '{1,2.5}', 1"), "2.5");
  EXPECT_EQ(bound("-53, '{1,2.5}', 2"), "Infinity");
  EXPECT_EQ(bound("-53, '{1,2.5}', -1"), "-Infinity");
}

}  // namespace
}  // namespace vigil::postgres

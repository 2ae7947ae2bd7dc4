// SPDX-License-Identifier: Apache-2.0
// The SQL surface: its decoders against the C++ ones, selectors, samples().
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "server/chunks/chunk.h"
#include "server/chunks/journal_page.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kSqlTimeoutMs = 60'000;
constexpr int64_t kSqlStart = 1'700'000'000'000;

struct Series {
  std::vector<TimestampMs> times;
  std::vector<double> values;
};

// A chunk's bytes as an SQL literal.
std::string Hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex = "'\\x";
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex + "'::bytea";
}

double FloatOf(std::string_view bytes) {
  return std::bit_cast<double>(static_cast<uint64_t>(ReadInt(bytes)));
}

std::string Bits(double value) {
  if (std::isnan(value)) return "NaN";  // SQL has one
  return std::to_string(std::bit_cast<uint64_t>(value)) + " (" + std::to_string(value) + ")";
}

Series WithoutStale(const Series& in) {
  Series out;
  for (size_t i = 0; i < in.times.size(); ++i) {
    if (IsStaleNaN(in.values[i])) continue;
    out.times.push_back(in.times[i]);
    out.values.push_back(in.values[i]);
  }
  return out;
}

class SqlTest : public testing::Test {
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

  static Rows Run(const std::string& sql) {
    auto rows = connection_->Query(sql, kSqlTimeoutMs);
    EXPECT_TRUE(rows) << rows.error().message << " in " << sql.substr(0, 500);
    return rows ? std::move(*rows) : Rows();
  }

  // What SQL makes of the chunk that C++ makes of the series.
  static void ExpectSameInSql(const Series& series, const std::string& what) {
    chunks::Chunk chunk;
    chunks::EncodeChunk(series.times, series.values, &chunk);
    SCOPED_TRACE(what + ", encoding " + std::to_string(chunk.encoding) + ", " + Hex(chunk.data));
    const Rows rows = Run("SELECT t, v FROM vigil.decode_chunk(" + std::to_string(chunk.min_time) +
                          ", " + Hex(chunk.data) + ")");
    const Series expected = WithoutStale(series);
    ASSERT_EQ(static_cast<size_t>(rows.size()), expected.times.size());
    for (int i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(rows.Int(i, 0), expected.times[static_cast<size_t>(i)]) << i;
      ASSERT_EQ(Bits(FloatOf(rows.Bytes(i, 1))), Bits(expected.values[static_cast<size_t>(i)]))
          << i;
    }
    seen_.insert(chunk.encoding);
  }

  static inline TemporaryPath* path_ = nullptr;
  static inline ManagedPostgres* managed_ = nullptr;
  static inline Database* database_ = nullptr;
  static inline Connection* connection_ = nullptr;
  static inline std::set<uint32_t> seen_;
};

const std::vector<double>& SpecialValues() {
  static const std::vector<double> values = {0.0,
                                             -0.0,
                                             1.0,
                                             -1.5,
                                             0.1,
                                             1e300,
                                             -1e-300,
                                             5e-324,
                                             -2.2250738585072009e-308,
                                             std::numeric_limits<double>::min(),
                                             std::numeric_limits<double>::max(),
                                             std::numeric_limits<double>::lowest(),
                                             std::numeric_limits<double>::infinity(),
                                             -std::numeric_limits<double>::infinity(),
                                             NormalNaN(),
                                             StaleNaN(),
                                             9007199254740992.0,
                                             -9007199254740993.0,
                                             123456.789,
                                             1.7e9};
  return values;
}

TEST_F(SqlTest, FloatsFromBitsAreExact) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> all;
  for (const double value : SpecialValues()) all.push_back(std::bit_cast<uint64_t>(value));
  for (int i = 0; i < 3000; ++i) all.push_back(random() >> (i % 3 == 0 ? 12 : 0));
  std::string list;
  for (const uint64_t bits : all) {
    list += (list.empty() ? "" : ",") + ("'" + std::to_string(static_cast<int64_t>(bits)) + "'");
  }
  const Rows rows =
      Run("SELECT vigil.float_of_bits(b) FROM unnest(ARRAY[" + list + "]::int8[]) AS x (b)");
  ASSERT_EQ(static_cast<size_t>(rows.size()), all.size());
  for (int i = 0; i < rows.size(); ++i) {
    const auto expected = std::bit_cast<double>(all[static_cast<size_t>(i)]);
    if (IsStaleNaN(expected)) {
      EXPECT_TRUE(rows.IsNull(i, 0));
    } else {
      ASSERT_EQ(Bits(FloatOf(rows.Bytes(i, 0))), Bits(expected));
    }
  }
}

// Timestamps: regular, jittered by bursts, jittered always.
std::vector<TimestampMs> Times(size_t n, int shape, std::mt19937_64* random) {
  std::vector<TimestampMs> times;
  TimestampMs t = kSqlStart + static_cast<int64_t>((*random)() % 1000);
  for (size_t i = 0; i < n; ++i) {
    times.push_back(t);
    t += 15'000;
    if (shape == 1 && (*random)() % 10 == 0) t += 1 + static_cast<int64_t>((*random)() % 500);
    if (shape == 2) t += static_cast<int64_t>((*random)() % 40);
  }
  return times;
}

double NextValue(int shape, double last, std::mt19937_64* random) {
  const auto r = static_cast<double>((*random)() % 1000);
  switch (shape) {
    case 0:
      return 42.5;  // constant
    case 1:
      return last + r;  // counter
    case 2:
      return std::round((last + r / 100) * 100) / 100;  // seconds counter
    case 3:
      return 4096 * r;  // gauge
    case 4:
      return (*random)() % 50 == 0 ? r : last;  // seldom moves
    case 5:
      return last * 0.9 + r / 7;  // full mantissas
    case 6:
      return SpecialValues()[(*random)() % SpecialValues().size()];
    case 7:
      return (*random)() % 20 == 0 ? StaleNaN() : std::round(r);
    case 8:
      return (*random)() % 20 == 0 ? -0.0 : last + 1;
    default:
      return std::bit_cast<double>((*random)());
  }
}

TEST_F(SqlTest, DecodesChunksBitForBit) {
  std::mt19937_64 random(7);
  for (const size_t n : {1U, 2U, 3U, 17U, 240U}) {
    for (int time_shape = 0; time_shape < 3; ++time_shape) {
      for (int value_shape = 0; value_shape < 10; ++value_shape) {
        Series series;
        series.times = Times(n, time_shape, &random);
        double last = 0;
        for (size_t i = 0; i < n; ++i) {
          const double value = NextValue(value_shape, std::isfinite(last) ? last : 0, &random);
          series.values.push_back(value);
          last = value;
        }
        ExpectSameInSql(series, "shape " + std::to_string(value_shape));
        if (HasFatalFailure()) return;
      }
    }
  }
  std::set<uint32_t> time_encodings;
  std::set<uint32_t> value_encodings;
  for (const uint32_t encoding : seen_) {
    time_encodings.insert(encoding & 0xff);
    value_encodings.insert(encoding >> 8);
  }
  EXPECT_EQ(time_encodings.size(), 3U);
  EXPECT_GE(value_encodings.size(), 5U);
}

TEST_F(SqlTest, BrokenChunkIsAWarningAndNoRows) {
  Series series{{kSqlStart, kSqlStart + 15'000}, {1.0, 2.5}};
  chunks::Chunk chunk;
  chunks::EncodeChunk(series.times, series.values, &chunk);
  for (size_t cut = 0; cut < chunk.data.size(); ++cut) {
    const Rows rows = Run("SELECT t, v FROM vigil.decode_chunk(0, " +
                          Hex(std::string_view(chunk.data).substr(0, cut)) + ")");
    EXPECT_EQ(rows.size(), 0) << cut;
  }
}

TEST_F(SqlTest, DecodesJournalPagesBitForBit) {
  std::mt19937_64 random(3);
  chunks::JournalSamples samples;
  for (int scrape = 0; scrape < 4; ++scrape) {
    for (int64_t id = 1; id <= 600; ++id) {
      samples.series.push_back(id < 300 ? id : id * 7);
      samples.timestamps.push_back(kSqlStart + scrape * 1000 + (id % 50 == 0 ? 3 : 0));
      samples.values.push_back(NextValue(static_cast<int>(id % 10), 12, &random));
    }
  }
  std::vector<std::string> pages;
  chunks::EncodeJournalPages(samples.series, samples.timestamps, samples.values, &pages);
  ASSERT_GT(pages.size(), 1U);
  const std::vector<int64_t> wanted = {1, 2, 7, 150, 299, 2100, 2107, 4200, 9999};
  std::string wanted_list;
  for (const int64_t id : wanted) wanted_list += (id == 1 ? "" : ",") + std::to_string(id);
  const TimestampMs from = kSqlStart + 1000;
  const TimestampMs to = kSqlStart + 2999;
  for (const std::string& page : pages) {
    chunks::JournalSamples decoded;
    ASSERT_OK(chunks::DecodeJournalPage(page, &decoded));
    std::vector<std::string> expected;
    for (size_t i = 0; i < decoded.size(); ++i) {
      const TimestampMs t = decoded.timestamps[i];
      if (std::find(wanted.begin(), wanted.end(), decoded.series[i]) == wanted.end()) continue;
      if (t < from || t > to || IsStaleNaN(decoded.values[i])) continue;
      expected.push_back(std::to_string(decoded.series[i]) + " " + std::to_string(t) + " " +
                         Bits(decoded.values[i]));
    }
    const Rows rows =
        Run("SELECT series_id, t, v FROM vigil.decode_page(" + Hex(page) + ", ARRAY[" +
            wanted_list + "]::int8[], " + std::to_string(from) + ", " + std::to_string(to) + ")");
    std::vector<std::string> got;
    for (int i = 0; i < rows.size(); ++i) {
      got.push_back(std::to_string(rows.Int(i, 0)) + " " + std::to_string(rows.Int(i, 1)) + " " +
                    Bits(FloatOf(rows.Bytes(i, 2))));
    }
    ASSERT_EQ(got, expected);
  }
}

TEST_F(SqlTest, SelectorsBecomeConditions) {
  const auto condition = [&](const std::string& selector) {
    return Ask(connection_, "SELECT vigil.selector_condition($sel$" + selector + "$sel$)");
  };
  EXPECT_EQ(condition("up"), "metric = 'up'");
  EXPECT_EQ(condition(" up { } "), "metric = 'up'");
  EXPECT_EQ(condition("{job='a'}"), "coalesce(labels->>'job', '') = 'a'");
  EXPECT_EQ(condition("up{job!=\"it's\", env =~ `a|b`,}"),
            "metric = 'up' AND coalesce(labels->>'job', '') <> 'it''s' AND "
            "coalesce(labels->>'env', '') ~ '^(?:a|b)$'");
  EXPECT_EQ(condition("{__name__=~\"a.*\",x!~\"q\\\\d\"}"),
            "metric ~ '^(?:a.*)$' AND coalesce(labels->>'x', '') !~ E'^(?:q\\\\d)$'");
  for (const std::string bad : {"", "{}", "up{", "up{a}", "up{a=b}", "up{a=\"b\" c=\"d\"}", "1a"}) {
    EXPECT_FALSE(
        connection_->Query("SELECT vigil.selector_condition($sel$" + bad + "$sel$)", kSqlTimeoutMs))
        << bad;
  }
}

TEST_F(SqlTest, SamplesJoinsChunksAndJournal) {
  std::vector<storage::SeriesRecord> series;
  series.push_back({101, Labels::Of({{"__name__", "temp"}, {"room", "kitchen"}})});
  series.push_back({102, Labels::Of({{"__name__", "temp"}, {"room", "hall"}})});
  series.push_back({103, Labels::Of({{"__name__", "other"}})});
  std::vector<std::string> pages;
  const std::vector<int64_t> ids = {101, 102, 103};
  const std::vector<TimestampMs> old_times = {kSqlStart, kSqlStart, kSqlStart};
  chunks::EncodeJournalPages(ids, old_times, std::vector<double>{20, 18, 1}, &pages);
  database_->journal().Enqueue(series, pages);
  const auto cut = database_->journal().Cut();
  pages.clear();
  const std::vector<TimestampMs> new_times(3, kSqlStart + 15'000);
  chunks::EncodeJournalPages(ids, new_times, std::vector<double>{20.5, StaleNaN(), 2}, &pages);
  ASSERT_OK(
      database_->journal().WaitDurable(database_->journal().Enqueue({}, pages), kSqlTimeoutMs));

  const std::string sql =
      "SELECT string_agg(labels->>'room' || ' ' || extract(epoch FROM time)::text || ' ' || "
      "value::text, '; ' ORDER BY time, series_id) FROM vigil.samples('temp{room!=\"\"}', "
      "'2023-11-14', '2023-11-15')";
  const std::string expected =
      "kitchen 1700000000.000000 20; hall 1700000000.000000 18; kitchen 1700000015.000000 20.5";
  EXPECT_EQ(Ask(connection_, sql), expected);

  int64_t next = 101;
  std::vector<chunks::Chunk> flushed(3);
  ASSERT_OK(database_->chunks().WriteFlush(
      [&](storage::ChunkRow* row) {
        if (next > 103) return false;
        chunks::Chunk& chunk = flushed[static_cast<size_t>(next - 101)];
        const double value = next == 101 ? 20 : next == 102 ? 18 : 1;
        chunks::EncodeChunk(std::vector<TimestampMs>{kSqlStart}, std::vector<double>{value},
                            &chunk);
        *row = {next++, chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data};
        return true;
      },
      cut));
  EXPECT_EQ(Ask(connection_, sql), expected);
  EXPECT_EQ(Ask(connection_,
                "SELECT count(*)::text FROM vigil.samples('temp', '2023-11-14', "
                "'2023-11-14 22:13:20')"),
            "2");
  EXPECT_EQ(Ask(connection_, "SELECT n_series::text FROM vigil.metric WHERE name = 'temp'"), "2");
  EXPECT_EQ(Ask(connection_, "SELECT labels::text FROM vigil.series WHERE id = 101"),
            R"({"room": "kitchen", "__name__": "temp"})");
}

}  // namespace
}  // namespace vigil::postgres

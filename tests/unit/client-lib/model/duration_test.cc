// SPDX-License-Identifier: Apache-2.0
// Durations, times and sizes.
#include "client-lib/model/duration.h"

#include <gtest/gtest.h>

namespace vigil {
namespace {

struct DurationRow {
  const char* text;
  DurationMs ms;
  const char* printed;
};

TEST(Duration, ParsesAndPrintsCanonically) {
  const DurationRow rows[] = {
      {"0", 0, "0s"},
      {"0s", 0, "0s"},
      {"1ms", 1, "1ms"},
      {"324ms", 324, "324ms"},
      {"3s", 3000, "3s"},
      {"90s", 90'000, "1m30s"},
      {"5m", 300'000, "5m"},
      {"1h", 3'600'000, "1h"},
      {"1h30m", 5'400'000, "1h30m"},
      {"4d", 4 * 86'400'000LL, "4d"},
      {"4d1h", 4 * 86'400'000LL + 3'600'000, "4d1h"},
      {"14d", 14 * 86'400'000LL, "2w"},
      {"3w", 21 * 86'400'000LL, "3w"},
      {"3w2d1h", 23 * 86'400'000LL + 3'600'000, "23d1h"},
      {"10y", 3650 * 86'400'000LL, "10y"},
      {"1y1d", 366 * 86'400'000LL, "366d"},
      {"1y2w3d4h5m6s7ms", ((365LL + 14 + 3) * 24 + 4) * 3'600'000 + 306'007, "382d4h5m6s7ms"},
  };
  for (const DurationRow& row : rows) {
    const auto parsed = ParseDuration(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(*parsed, row.ms) << row.text;
    EXPECT_EQ(FormatDuration(row.ms), row.printed);
    EXPECT_EQ(*ParseDuration(row.printed), row.ms);
  }
  EXPECT_EQ(FormatDuration(-90'000), "-1m30s");
  EXPECT_EQ(FormatDuration(INT64_MIN).substr(0, 1), "-");
}

TEST(Duration, RefusesWithUpstreamsWords) {
  const auto error = [](const char* text) { return ParseDuration(text).error().message; };
  EXPECT_EQ(error(""), "empty duration string");
  for (const char* bad : {"1", "1.5d", "-1w", "d", "1h1h", "1s1h", "30m1h", " 1s", "00"}) {
    const std::string message = error(bad);
    EXPECT_TRUE(message.starts_with("not a valid duration string: \"") ||
                message.starts_with("unknown unit"))
        << bad << ": " << message;
  }
  EXPECT_EQ(error("1q"), "unknown unit \"q\" in duration \"1q\"");
  EXPECT_EQ(error("1s "), "unknown unit \"s \" in duration \"1s \"");
  EXPECT_EQ(error("294y"), "duration out of range");
  EXPECT_EQ(error("200y10400w"), "duration out of range");
  EXPECT_EQ(error("99999999999999999999s"),
            "not a valid duration string: \"99999999999999999999s\"");
}

TEST(GoDuration, ParsesAndPrints) {
  const DurationRow rows[] = {{"1m0s", 60'000, "1m0s"},
                              {"1.5s", 1500, "1.5s"},
                              {"100ms", 100, "100ms"},
                              {"0", 0, "0s"},
                              {"1h0m0.05s", 3'600'050, "1h0m0.05s"},
                              {"-2h", -7'200'000, "-2h0m0s"},
                              {"90m", 5'400'000, "1h30m0s"},
                              {"1500us", 2, "2ms"},
                              {".5s", 500, "500ms"},
                              {"1.s", 1000, "1s"},
                              {"+10s", 10'000, "10s"},
                              {"1s500ms", 1500, "1.5s"}};
  for (const DurationRow& row : rows) {
    const auto parsed = ParseGoDuration(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(*parsed, row.ms) << row.text;
    EXPECT_EQ(FormatGoDuration(row.ms), row.printed);
  }
}

TEST(GoDuration, RefusesWithGosWords) {
  EXPECT_EQ(ParseGoDuration("").error().message, "time: invalid duration \"\"");
  EXPECT_EQ(ParseGoDuration("5").error().message, "time: missing unit in duration \"5\"");
  EXPECT_EQ(ParseGoDuration("5d").error().message, "time: unknown unit \"d\" in duration \"5d\"");
  for (const char* bad : {"-", ".s", "s", "1..5s", "1e3s", "99999999h"}) {
    EXPECT_FALSE(ParseGoDuration(bad)) << bad;
  }
}

TEST(ApiTime, ParsesSecondsAndRfc3339) {
  const std::pair<const char*, int64_t> rows[] = {
      {"0", 0},
      {"1435781451.781", 1435781451781},
      {"-1.5", -1500},
      {"1.0005", 1000},
      {"1.0015", 1002},
      {"1e3", 1'000'000},
      {"2015-07-01T20:10:51.781Z", 1435781451781},
      {"2015-07-01T22:10:51.781+02:00", 1435781451781},
      {"2015-07-01T20:10:51.7819999Z", 1435781451781},
      {"2015-07-01T20:10:51Z", 1435781451000},
      {"1969-12-31T23:59:59.5Z", -500},
      {"0000-01-01T00:00:00Z", -62167219200000},
  };
  for (const auto& [text, ms] : rows) {
    const auto parsed = ParseApiTime(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, ms) << text;
  }
}

TEST(ApiTime, TheTwoExtremesLeaveRoom) {
  const int64_t low = *ParseApiTime("-292273086-05-16T16:47:06Z");
  const int64_t high = *ParseApiTime("292277025-08-18T07:12:54.999999999Z");
  EXPECT_LT(low, -9'000'000'000'000'000LL);
  EXPECT_GT(high, 9'000'000'000'000'000LL);
  EXPECT_GT(low - (int64_t{1} << 44), INT64_MIN);
}

TEST(ApiTime, Refuses) {
  for (const char* bad :
       {"", "x", "NaN", "Inf", "1e400", "1e300", "2015-07-01", "2015-02-30T00:00:00Z",
        "2015-07-01T24:00:00Z", "2015-07-01T20:10:51", "2015-07-01T20:10:51.Z",
        "2015-07-01 20:10:51Z", "2015-07-01T20:10:51+0200"}) {
    EXPECT_FALSE(ParseApiTime(bad)) << bad;
  }
  EXPECT_EQ(ParseApiTime("x").error().message, "cannot parse \"x\" to a valid timestamp");
}

TEST(Rfc3339, Prints) {
  EXPECT_EQ(FormatRfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(1435781451781), "2015-07-01T20:10:51.781Z");
  EXPECT_EQ(FormatRfc3339(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_FALSE(FormatRfc3339(INT64_MIN).empty());
  EXPECT_FALSE(FormatRfc3339(INT64_MAX).empty());
}

TEST(ByteSize, PowersOf1024) {
  const std::pair<const char*, uint64_t> rows[] = {{"0", 0},
                                                   {"1B", 1},
                                                   {"10KiB", 10240},
                                                   {"10KB", 10240},
                                                   {"1.5GB", 1610612736},
                                                   {"512MB", 536870912},
                                                   {"1TB", 1ULL << 40},
                                                   {"1EiB", 1ULL << 60},
                                                   {"1GB512MB", 1610612736}};
  for (const auto& [text, bytes] : rows) {
    const auto parsed = ParseByteSize(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, bytes) << text;
  }
  for (const char* bad :
       {"", "10", "MB", "-1MB", "1 MB", "1mb", "1ZB", "1K", "1KiBx", "9EB", "1iB"}) {
    EXPECT_FALSE(ParseByteSize(bad)) << bad;
  }
}

}  // namespace
}  // namespace vigil

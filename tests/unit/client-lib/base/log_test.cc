// SPDX-License-Identifier: Apache-2.0
// The lines of the log.
#include "client-lib/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace vigil::log {
namespace {

using testing::MatchesRegex;
using testing::StartsWith;

class Log : public testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(Configure("info", "logfmt")); }

  static std::string Captured(const std::function<void()>& write) {
    testing::internal::CaptureStderr();
    write();
    return testing::internal::GetCapturedStderr();
  }
  // Behind the time, which changes.
  static std::string Line(const std::function<void()>& write) {
    const std::string line = Captured(write);
    const size_t level = line.find("level");
    return level == std::string::npos ? line : line.substr(level);
  }
};

TEST_F(Log, WritesLogfmtWithTime) {
  const std::string line = Captured([] {
    Info("scrape", "target is down", {{"url", "http://h:1/m"}, {"tries", 3}});
  });
  EXPECT_THAT(line, MatchesRegex("ts=[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z "
                                 "level=info component=scrape msg=\"target is down\" "
                                 "url=http://h:1/m tries=3\n"));
}

TEST_F(Log, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(Line([] {
              Warn("x", "plain", {{"a", ""}, {"b", "x=y"}, {"c", "q\"\n"}, {"d", "w\\z"}});
            }),
            "level=warn component=x msg=plain a=\"\" b=\"x=y\" c=\"q\\\"\\n\" d=w\\z\n");
}

TEST_F(Log, WritesAllKindsOfValues) {
  EXPECT_EQ(Line([] {
              Error("x", "m",
                    {{"d", 0.5},
                     {"i", int64_t{-1}},
                     {"u", uint64_t{1}},
                     {"b", true},
                     {"e", BadData("no good")},
                     {"s", std::string("t")}});
            }),
            "level=error component=x msg=m d=0.5 i=-1 u=1 b=true e=\"no good\" s=t\n");
}

TEST_F(Log, WritesJson) {
  ASSERT_TRUE(Configure("info", "json"));
  const std::string line = Captured([] {
    Info("web", "said \"hi\"\n", {{"k", "a\\b\x01"}, {"bad", "\xff"}});
  });
  EXPECT_THAT(line, StartsWith("{\"ts\":\"2"));
  EXPECT_EQ(line.substr(line.find("\"level\"")),
            "\"level\":\"info\",\"component\":\"web\",\"msg\":\"said \\\"hi\\\"\\n\","
            "\"k\":\"a\\\\b\\u0001\",\"bad\":\"\\\"\\\\xff\\\"\"}\n");
}

TEST_F(Log, LevelHidesWhatIsBelow) {
  EXPECT_EQ(Captured([] { Debug("x", "hidden"); }), "");
  ASSERT_TRUE(Configure("debug", "logfmt"));
  EXPECT_EQ(Line([] { Debug("x", "seen"); }), "level=debug component=x msg=seen\n");
  ASSERT_TRUE(Configure("error", "logfmt"));
  EXPECT_EQ(Captured([] { Warn("x", "hidden"); }), "");
  EXPECT_FALSE(Enabled(Level::kWarn));
  EXPECT_TRUE(Enabled(Level::kError));
}

TEST_F(Log, ConfigureRefusesUnknownWords) {
  EXPECT_EQ(Configure("loud", "logfmt").error().message,
            "unknown log level \"loud\": use debug, info, warn or error");
  EXPECT_EQ(Configure("info", "xml").error().message,
            "unknown log format \"xml\": use logfmt or json");
}

}  // namespace
}  // namespace vigil::log

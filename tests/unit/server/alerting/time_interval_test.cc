// SPDX-License-Identifier: Apache-2.0
// tests/scripts/alerting/time_intervals: an interval in YAML, then `at TIME` lines.
#include "server/alerting/time_interval.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "client-lib/model/duration.h"
#include "server/alerting/config_loader.h"
#include "server/alerting/posix_zone_rule.h"
#include "tests/support/script_cases.h"

namespace vigil::alerting {
namespace {

std::vector<std::string> RunTimeIntervalCase(const testing_support::ScriptCase& one) {
  std::string yaml =
      "route: {receiver: r}\nreceivers: [{name: r}]\ntime_intervals:\n- name: t\n"
      "  time_intervals:\n";
  std::vector<std::string> times;
  for (const std::string& line : one.input) {
    if (line.starts_with("at ")) {
      times.push_back(line.substr(3));
    } else {
      yaml += "  " + line + "\n";
    }
  }
  const Result<AlertingConfig> config = LoadAlertingText(yaml, "a.yml");
  if (!config) return {config.error().message};
  std::vector<std::string> out;
  for (const std::string& text : times) {
    const Result<int64_t> time = ParseApiTime(text);
    EXPECT_TRUE(time) << text;
    bool in = false;
    for (const TimeInterval& interval : config->time_intervals[0].intervals) {
      in = in || interval.Contains(*time);
    }
    out.push_back(text + (in ? " in" : " out"));
  }
  return out;
}

TEST(TimeInterval, FollowsTheScripts) {
  testing_support::RunScripts("alerting/time_intervals", &RunTimeIntervalCase);
}

TEST(TimeZone, KnowsTheOffsetsOfTheDatabase) {
  const Result<TimeZone> berlin = TimeZone::Load("Europe/Berlin");
  ASSERT_TRUE(berlin) << berlin.error().message;
  EXPECT_EQ(berlin->OffsetAt(1711846799), 3600);  // 2024-03-31 00:59:59 UTC
  EXPECT_EQ(berlin->OffsetAt(1711846800), 7200);  // an hour later by the clock
  EXPECT_EQ(berlin->OffsetAt(1729990799), 7200);  // 2024-10-27 00:59:59 UTC
  EXPECT_EQ(berlin->OffsetAt(1729990800), 3600);
  EXPECT_EQ(berlin->OffsetAt(4118043600), 7200);  // 2100-06-30: by the rule at the end
  EXPECT_EQ(berlin->OffsetAt(4133980800), 3600);  // 2101-01-01
  const Result<TimeZone> sydney = TimeZone::Load("Australia/Sydney");
  ASSERT_TRUE(sydney);
  EXPECT_EQ(sydney->OffsetAt(4118043600), 36000);
  EXPECT_EQ(sydney->OffsetAt(4133980800), 39600);
}

TEST(TimeZone, RefusesNamesThatAreNone) {
  for (const char* name : {"Mars/Base", "../../etc/passwd", "/etc/passwd", "Europe"}) {
    EXPECT_FALSE(TimeZone::Load(name)) << name;
  }
  EXPECT_FALSE(TimeZone::Parse("TZif2", "short"));
  EXPECT_TRUE(TimeZone::Load(""));
}

TEST(PosixZoneRule, ReadsAllForms) {
  for (const char* good :
       {"UTC0", "<+0330>-3:30", "EST5EDT,M3.2.0,M11.1.0", "IST-1GMT0,M10.5.0,M3.5.0/1",
        "XXX3YYY,J60/2,J300/2:30:15", "AAA-1BBB,0,364/26"}) {
    EXPECT_TRUE(ParsePosixZoneRule(good)) << good;
  }
  for (const char* bad : {"", "UT0", "EST", "EST5EDT", "EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.2.0",
                          "EST5EDT,M3.2.0,M11.1.0x", "EST5EDT,J0,J1"}) {
    EXPECT_FALSE(ParsePosixZoneRule(bad)) << bad;
  }
  // Day 60 of Julian counting is the 1st of March in leap years as well.
  const auto rule = ParsePosixZoneRule("XXX0YYY,J60/0,J300/0");
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->OffsetAt(DaysFromCivil(2024, 3, 1) * 86400 - 1), 0);
  EXPECT_EQ(rule->OffsetAt(DaysFromCivil(2024, 3, 1) * 86400), 3600);
  EXPECT_EQ(rule->OffsetAt(DaysFromCivil(2023, 3, 1) * 86400), 3600);
}

TEST(CivilTime, ConvertsDaysBothWays) {
  for (int64_t day = -1'000'000; day <= 1'000'000; day += 321) {
    const CivilTime civil = CivilFromDays(day);
    EXPECT_EQ(DaysFromCivil(civil.year, civil.month, civil.day), day);
  }
  EXPECT_EQ(CivilFromDays(0).weekday, 4);
  EXPECT_EQ(CivilFromDays(-1).weekday, 3);
  EXPECT_EQ(DaysInMonth(2000, 2), 29);
  EXPECT_EQ(DaysInMonth(1900, 2), 28);
}

}  // namespace
}  // namespace vigil::alerting

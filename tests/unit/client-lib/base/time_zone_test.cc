// SPDX-License-Identifier: Apache-2.0
#include "client-lib/base/time_zone.h"

#include <gtest/gtest.h>

#include "client-lib/base/civil.h"

namespace vigil {
namespace {

TEST(TimeZone, KnowsTheOffsetsOfTheDatabase) {
  const auto berlin = TimeZone::Load("Europe/Berlin");
  ASSERT_TRUE(berlin) << berlin.error().message;
  const auto at = [](const auto& zone, int64_t seconds) { return (*zone)->At(seconds).seconds; };
  EXPECT_EQ(at(berlin, 1711846799), 3600);  // 2024-03-31 00:59:59 UTC
  EXPECT_EQ(at(berlin, 1711846800), 7200);  // an hour later by the clock
  EXPECT_EQ(at(berlin, 1729990799), 7200);  // 2024-10-27 00:59:59 UTC
  EXPECT_EQ(at(berlin, 1729990800), 3600);
  EXPECT_EQ(at(berlin, 4118043600), 7200);  // 2100-06-30: by the rule at the end
  EXPECT_EQ(at(berlin, 4133980800), 3600);  // 2101-01-01
  EXPECT_EQ((*berlin)->At(1711846800).name, "CEST");
  EXPECT_EQ((*berlin)->At(4133980800).name, "CET");
  const auto sydney = TimeZone::Load("Australia/Sydney");
  ASSERT_TRUE(sydney);
  EXPECT_EQ(at(sydney, 4118043600), 36000);
  EXPECT_EQ(at(sydney, 4133980800), 39600);
}

TEST(TimeZone, FindsTheMomentOfAWallClock) {
  const auto berlin = TimeZone::Load("Europe/Berlin");
  ASSERT_TRUE(berlin);
  EXPECT_EQ((*berlin)->FromWallClock(1711846799 + 3600), 1711846799);
  EXPECT_EQ((*berlin)->FromWallClock(1711846800 + 7200), 1711846800);
  EXPECT_EQ(TimeZone::Fixed(-3600, "X")->FromWallClock(0), 3600);
}

TEST(TimeZone, RefusesNamesThatAreNone) {
  for (const char* name : {"Mars/Base", "../../etc/passwd", "/etc/passwd", "Europe"}) {
    const auto zone = TimeZone::Load(name);
    ASSERT_FALSE(zone) << name;
    EXPECT_EQ(zone.error().message, std::string("unknown time zone ") + name);
  }
  EXPECT_FALSE(TimeZone::Parse("short", "TZif2"));
  EXPECT_EQ((*TimeZone::Load(""))->name(), "UTC");
}

TEST(TimeZone, TheLocalOneIsWhatTzNames) {
  const auto name_of = [](const char* variable) {
    const auto zone = TimeZone::LocalOf(variable);
    return zone ? (*zone)->name() : "error: " + zone.error().message;
  };
  EXPECT_EQ(name_of("Europe/Berlin"), "Europe/Berlin");
  EXPECT_EQ(name_of(":Europe/Berlin"), "Europe/Berlin");
  const char* const path = "/usr/share/zoneinfo/Europe/Berlin";
  EXPECT_EQ(name_of(path), path);
  EXPECT_EQ((*TimeZone::LocalOf(":/usr/share/zoneinfo/Europe/Berlin"))->At(1711846800).seconds,
            7200);
  for (const char* none : {"", ":", "UTC", "Mars/Base", "CET-1CEST", "/etc/passwd", "/", "/gone"}) {
    EXPECT_EQ(name_of(none), "UTC") << none;
  }
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
  EXPECT_EQ(ParsePosixZoneRule("<+0330>-3:30")->standard_name, "+0330");
  // Day 60 of Julian counting is the 1st of March in leap years as well.
  const auto rule = ParsePosixZoneRule("XXX0YYY,J60/0,J300/0");
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->OffsetAt(DaysFromCivil(2024, 3, 1) * 86400 - 1), 0);
  EXPECT_EQ(rule->OffsetAt(DaysFromCivil(2024, 3, 1) * 86400), 3600);
  EXPECT_EQ(rule->OffsetAt(DaysFromCivil(2023, 3, 1) * 86400), 3600);
  EXPECT_EQ(rule->summer_name, "YYY");
}

TEST(CivilDate, ConvertsDaysBothWays) {
  for (int64_t day = -1'000'000; day <= 1'000'000; day += 321) {
    const CivilDate date = CivilFromDays(day);
    EXPECT_EQ(DaysFromCivil(date.year, date.month, date.day), day);
  }
  EXPECT_EQ(WeekdayOf(0), 4);
  EXPECT_EQ(WeekdayOf(-1), 3);
  EXPECT_EQ(DaysInMonth(2000, 2), 29);
  EXPECT_EQ(DaysInMonth(1900, 2), 28);
}

}  // namespace
}  // namespace vigil

// SPDX-License-Identifier: Apache-2.0
// tests/scripts/alerting/time_intervals: an interval in YAML, then `at TIME` lines.
#include "server/alerting/time_interval.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "client-lib/model/duration.h"
#include "server/alerting/civil_time.h"
#include "server/alerting/config_loader.h"
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

TEST(CivilTime, IsWhatTheClocksShow) {
  const auto berlin = LoadLocation("Europe/Berlin");
  ASSERT_TRUE(berlin) << berlin.error().message;
  const CivilTime time = CivilTimeAt(**berlin, 1'711'846'800'999);  // clocks went ahead just now
  EXPECT_EQ(time.month * 100 + time.day, 331);
  EXPECT_EQ(time.weekday, 0);
  EXPECT_EQ(time.minute_of_day, 180);
  EXPECT_EQ(CivilTimeAt(*TimeZone::Utc(), -1).minute_of_day, 1'439);
  EXPECT_FALSE(LoadLocation("Mars/Base"));
  EXPECT_TRUE(LoadLocation(""));
  EXPECT_TRUE(LoadLocation("Local"));
}

}  // namespace
}  // namespace vigil::alerting

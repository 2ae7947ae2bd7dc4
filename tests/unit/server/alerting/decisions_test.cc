// SPDX-License-Identifier: Apache-2.0
// Pure decisions, as rows: tests/scripts/alerting/decisions (what to say), merge (two reports of an
// alert), routes (who is told).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "client-lib/base/strings.h"
#include "server/alerting/alert.h"
#include "server/alerting/config_loader.h"
#include "server/alerting/notification_log.h"
#include "server/alerting/retry.h"
#include "server/alerting/route_tree.h"
#include "tests/support/script_cases.h"

namespace vigil::alerting {
namespace {

HashSet HashesOf(std::string_view text) {
  HashSet set;
  for (const std::string_view part : Split(text, ',')) {
    if (const std::optional<uint64_t> hash = ParseUint(part)) set.push_back(*hash);
  }
  return set;
}

// entry: firing=1,2 resolved=3 owed=4 age=5m [expired] | now: firing=1 resolved= [send_resolved]
std::vector<std::string> RunDecisionCase(const testing_support::ScriptCase& one) {
  std::vector<std::string> out;
  for (const std::string& line : one.input) {
    LogEntry entry;
    NotifyQuestion question;
    question.now = 1'000'000'000;
    question.repeat_interval = 3'600'000;
    question.send_resolved = false;
    entry.expires_at = question.now + 1;
    bool current = false;
    for (const std::string_view word : Fields(line)) {
      const size_t equal = word.find('=');
      const std::string_view key = word.substr(0, equal);
      const std::string_view value =
          equal == std::string_view::npos ? std::string_view() : word.substr(equal + 1);
      if (key == "entry:") question.entry = &entry;
      if (key == "now:") current = true;
      if (key == "firing") (current ? question.firing : entry.firing) = HashesOf(value);
      if (key == "resolved") (current ? question.resolved : entry.resolved) = HashesOf(value);
      if (key == "owed") entry.owed = HashesOf(value);
      if (key == "age") entry.timestamp = question.now - *ParseDuration(value);
      if (key == "expired") entry.expires_at = question.now;
      if (key == "send_resolved") question.send_resolved = true;
    }
    out.emplace_back(NotifyReasonText(DecideNotification(question)));
  }
  return out;
}

TEST(DecideNotification, FollowsTheScripts) {
  testing_support::RunScripts("alerting/decisions", &RunDecisionCase);
}

// old: starts=1 ends=5 updated=1 [timeout] | new: ... | now=3 ; seconds
std::vector<std::string> RunMergeCase(const testing_support::ScriptCase& one) {
  std::vector<std::string> out;
  for (const std::string& line : one.input) {
    Alert old;
    Alert fresh;
    old.annotations = Labels::Of({{"from", "old"}});
    fresh.annotations = Labels::Of({{"from", "new"}});
    Alert* alert = &old;
    TimestampMs now = 0;
    for (const std::string_view word : Fields(line)) {
      if (word == "new:") alert = &fresh;
      if (word == "timeout") alert->timeout = true;
      const size_t equal = word.find('=');
      if (equal == std::string_view::npos) continue;
      const std::string_view key = word.substr(0, equal);
      const auto value = static_cast<TimestampMs>(*ParseUint(word.substr(equal + 1)));
      if (key == "starts") alert->starts_at = value;
      if (key == "ends") alert->ends_at = value;
      if (key == "updated") alert->updated_at = value;
      if (key == "now") now = value;
    }
    const Alert merged = MergeReports(old, fresh, now);
    out.push_back(fmt::format("starts={} ends={}{} from {}", merged.starts_at, merged.ends_at,
                              merged.timeout ? " timeout" : "", merged.annotations.Get("from")));
  }
  return out;
}

TEST(MergeReports, FollowsTheScripts) {
  testing_support::RunScripts("alerting/merge", &RunMergeCase);
}

// A configuration, then `alert a=b c=d` lines: the routes of each.
std::vector<std::string> RunRouteCase(const testing_support::ScriptCase& one) {
  std::string yaml;
  std::vector<std::string> alerts;
  for (const std::string& line : one.input) {
    if (line.starts_with("alert")) {
      alerts.push_back(line);
    } else {
      yaml += line + "\n";
    }
  }
  const Result<AlertingConfig> config = LoadAlertingText(yaml, "a.yml");
  if (!config) return {config.error().message};
  const RouteTree tree(config->route);
  std::vector<std::string> out;
  for (const std::string& line : alerts) {
    LabelsBuilder labels;
    for (const std::string_view word : Fields(line).size() > 1 ? Fields(line) : Fields("")) {
      const size_t equal = word.find('=');
      if (equal != std::string_view::npos)
        labels.Set(word.substr(0, equal), word.substr(equal + 1));
    }
    const Labels built = labels.Build();
    for (const Route* route : tree.Match(built)) {
      out.push_back(fmt::format("{} {} wait={} interval={} repeat={} id={}", route->receiver,
                                GroupKey(*route, route->GroupLabels(built)),
                                FormatDuration(route->group_wait),
                                FormatDuration(route->group_interval),
                                FormatDuration(route->repeat_interval), route->id));
    }
  }
  return out;
}

TEST(RouteTree, FollowsTheScripts) {
  testing_support::RunScripts("alerting/routes", &RunRouteCase);
}

TEST(RouteTree, WarnsOfOddTimers) {
  auto config = LoadAlertingText(
      "route: {receiver: r, group_interval: 5m, repeat_interval: 1m, routes: [{repeat_interval: "
      "10d}]}\nreceivers: [{name: r}]\n",
      "a.yml");
  ASSERT_TRUE(config);
  EXPECT_EQ(RouteWarnings(RouteTree(config->route), 5LL * 86'400'000).size(), 2U);
}

TEST(Retry, ReadsRetryAfter) {
  constexpr TimestampMs kDate = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(ParseRetryAfter(" 120 ", 0), 120'000);
  EXPECT_EQ(ParseRetryAfter("99999999999", 0), 86'400'000);
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:37 GMT", kDate - 5'000), 5'000);
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:37 GMT", kDate + 5'000), 0);
  for (const char* bad : {"", "soon", "-5", "1.5", "Sun, 06 Now 1994 08:49:37 GMT",
                          "Sunday, 06-Nov-94 08:49:37 GMT"}) {
    EXPECT_FALSE(ParseRetryAfter(bad, 0)) << bad;
  }
}

TEST(Retry, JudgesStatus) {
  constexpr int kAlso[] = {403};
  EXPECT_EQ(JudgeStatus(204, {}), SendVerdict::kSent);
  EXPECT_EQ(JudgeStatus(429, {}), SendVerdict::kRetry);
  EXPECT_EQ(JudgeStatus(503, {}), SendVerdict::kRetry);
  EXPECT_EQ(JudgeStatus(403, {}), SendVerdict::kFinal);
  EXPECT_EQ(JudgeStatus(403, kAlso), SendVerdict::kRetry);
  EXPECT_EQ(JudgeStatus(301, {}), SendVerdict::kFinal);
}

TEST(Retry, SpreadsAndBoundsPauses) {
  const SendOutcome failed{SendVerdict::kRetry, std::nullopt};
  EXPECT_EQ(NextTry(1, failed, 0, 1'000'000, 0.0), 250);
  EXPECT_EQ(NextTry(1, failed, 0, 1'000'000, 0.5), 500);
  EXPECT_EQ(NextTry(3, failed, 0, 1'000'000, 0.5), 1125);
  EXPECT_EQ(NextTry(100, failed, 0, 1'000'000, 0.5), 60'000);
  EXPECT_EQ(NextTry(1, {SendVerdict::kRetry, 7'000}, 0, 1'000'000, 0.5), 7'000);
  EXPECT_FALSE(NextTry(1, {SendVerdict::kRetry, 7'000}, 0, 7'000, 0.5));
  EXPECT_FALSE(NextTry(1, {SendVerdict::kFinal, std::nullopt}, 0, 1'000'000, 0.5));
}

TEST(Fingerprint, IsUpstreams) {
  EXPECT_EQ(FingerprintText(Fingerprint(Labels())), "cbf29ce484222325");
  EXPECT_EQ(FingerprintText(Fingerprint(Labels::Of({{"alertname", "test"}}))), "1f56cb8f931d1bd4");
  EXPECT_EQ(FingerprintText(Fingerprint(Labels::Of({{"job", "j"}, {"a", "\u00e4"}}))),
            "724eef7435ab5c40");
}

}  // namespace
}  // namespace vigil::alerting

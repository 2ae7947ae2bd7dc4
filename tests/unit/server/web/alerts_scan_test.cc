// SPDX-License-Identifier: Apache-2.0
#include "server/web/alerts_scan.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/web/alerting_bodies.h"
#include "tests/support/script_cases.h"

namespace vigil::web {
namespace {

constexpr std::string_view kUsualAlert =
    R"({"annotations":{"summary":"it \"is\" {down}"},"endsAt":"2023-11-14T22:20:00.000Z",)"
    R"("startsAt":"2023-11-14T22:13:20Z","generatorURL":"http://h/g?a\u0026b",)"
    R"("labels":{"alertname":"A","endsAt":"x"}})";

// The keys of a body's alerts; nothing when it is not usual.
std::optional<std::vector<alerting::TextKey>> KeysOf(const std::string& body) {
  AlertsScan scan(42);
  if (!scan.Read(body)) return std::nullopt;
  std::vector<alerting::TextKey> keys;
  for (const alerting::AlertText& text : scan.texts()) keys.push_back(text.key);
  return keys;
}

std::string Replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  out.replace(out.find(from), from.size(), to);
  return out;
}

std::string ArrayOf(std::string_view alert) { return "[" + std::string(alert) + "]"; }

TEST(AlertsScan, LeavesOutTimesAndNothingElse) {
  const auto keys = KeysOf(ArrayOf(kUsualAlert));
  ASSERT_TRUE(keys.has_value());
  for (const char* time : {"", "2024-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"}) {
    EXPECT_EQ(KeysOf(ArrayOf(Replaced(kUsualAlert, "2023-11-14T22:20:00.000Z", time))), keys);
    EXPECT_EQ(KeysOf(ArrayOf(Replaced(kUsualAlert, "2023-11-14T22:13:20Z", time))), keys);
  }
  for (const char* part :
       {"is", "summary", "endsAt\":\"x", "alertname", "http", "{down}", "u0026"}) {
    const auto other = KeysOf(ArrayOf(Replaced(kUsualAlert, part, std::string(part) + "0")));
    ASSERT_TRUE(other.has_value()) << part;
    EXPECT_FALSE(other == keys) << part;
  }
  EXPECT_FALSE(
      KeysOf(ArrayOf(Replaced(kUsualAlert, "\"startsAt\":\"2023-11-14T22:13:20Z\",", ""))) == keys);
}

TEST(AlertsScan, LeavesUnusualBodiesToTheReader) {
  EXPECT_TRUE(KeysOf(" [ " + std::string(kUsualAlert) + "\n] ").has_value());
  for (const char* body : {"", "[]", "null", "{}", "[{}]", "[1]", "[null]", "[[]]"}) {
    EXPECT_FALSE(KeysOf(body).has_value()) << body;
  }
  const auto refused = [](std::string_view from, std::string_view to) {
    return !KeysOf(ArrayOf(Replaced(kUsualAlert, from, to))).has_value();
  };
  EXPECT_TRUE(refused("\"endsAt\":", "\"EndsAt\":"));    // is a member all the same
  EXPECT_TRUE(refused("\"endsAt\":", "\"startsAt\":"));  // twice
  EXPECT_TRUE(refused("\"labels\":{", "\"labels\":{\"a\":{},"));
  EXPECT_TRUE(refused("\"labels\":{", "\"labels\":{\"a\":[],"));
  EXPECT_TRUE(refused("\"2023-11-14T22:20:00.000Z\"", "null"));
  EXPECT_TRUE(refused("22:20:00.000Z", "22:20:00.000\\u005a"));
  EXPECT_TRUE(refused("22:20:00.000Z", "25:20:00.000Z"));
  EXPECT_TRUE(refused("\"labels\"", "labels"));
  EXPECT_TRUE(refused("\"labels\":", "\"labels\""));
  // Cut anywhere.
  const std::string whole = ArrayOf(kUsualAlert);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(KeysOf(whole.substr(0, size)).has_value()) << size;
  }
}

// Whatever both take, they agree on.
TEST(AlertsScan, FindsWhatTheReaderReads) {
  size_t scanned = 0;
  testing_support::RunScripts("posted_alerts", [&](const testing_support::ScriptCase& one) {
    std::string body;
    for (const std::string& line : one.input) body += (body.empty() ? "" : "\n") + line;
    std::vector<alerting::PostedAlert> alerts;
    AlertsScan scan(42);
    if (!scan.Read(body) || ReadAlertsBody(body, &alerts)) return one.expected;
    ++scanned;
    EXPECT_EQ(scan.texts().size(), alerts.size()) << body;
    for (size_t i = 0; i < alerts.size() && i < scan.texts().size(); ++i) {
      EXPECT_EQ(scan.texts()[i].starts_at, alerts[i].starts_at) << body;
      EXPECT_EQ(scan.texts()[i].ends_at, alerts[i].ends_at) << body;
    }
    return one.expected;
  });
  EXPECT_GT(scanned, 5U);
}

}  // namespace
}  // namespace vigil::web

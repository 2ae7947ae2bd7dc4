// SPDX-License-Identifier: Apache-2.0
#include "server/cli/alertmanager.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "client-lib/base/files.h"
#include "server/alerting/config_loader.h"
#include "server/cli/alert.h"
#include "server/cli/routing.h"
#include "server/cli/silence.h"
#include "server/cli/silence_body.h"
#include "server/cli/template_render.h"
#include "server/cli/text_table.h"

namespace vigil::cli {
namespace {

constexpr std::string_view kTwoAlerts = R"([
{"annotations":{"summary":"bad"},"endsAt":"2026-01-01T02:00:00.000Z","fingerprint":"f",
 "receivers":[{"name":"r"}],"startsAt":"2026-01-01T01:00:00.000Z",
 "status":{"inhibitedBy":[],"silencedBy":[],"state":"active"},"generatorURL":"http://h/",
 "labels":{"node":"ü","alertname":"foo"}},
{"annotations":{},"endsAt":"2026-01-01T02:00:00.000Z","startsAt":"2026-01-01T00:00:00.000Z",
 "status":{"state":"suppressed"},"labels":{"alertname":"earlier"}}])";

constexpr std::string_view kTwoSilences = R"([
{"id":"2","status":{"state":"active"},"updatedAt":"2026-01-01T00:00:00.000Z","comment":"some words",
 "createdBy":"me","endsAt":"2026-01-01T05:00:00.000Z","startsAt":"2026-01-01T00:00:00.000Z",
 "matchers":[{"isEqual":true,"isRegex":false,"name":"a","value":"b"},
             {"isEqual":false,"isRegex":true,"name":"c","value":"d.*"}]},
{"id":"1","status":{"state":"active"},"updatedAt":"2026-01-01T00:00:00.000Z","comment":"",
 "createdBy":"","endsAt":"2026-01-01T03:00:00.000Z","startsAt":"2026-01-01T00:00:00.000Z",
 "matchers":[{"isRegex":true,"name":"a","value":"x"},{"isEqual":false,"isRegex":false,"name":"b",
 "value":"y"}]}])";

TEST(PrintTable, PadsAllColumns) {
  EXPECT_EQ(PrintTable({{"A", "Bc"}, {"üü", "d"}}), "A   Bc  \nüü  d   \n");
}

TEST(PrintAlerts, AsAmtoolDoes) {
  AlertmanagerFlags flags;
  EXPECT_EQ(PrintAlerts(*ParseJson(kTwoAlerts), flags),
            "Alertname  Starts At                Summary  State       \n"
            "earlier    2026-01-01 00:00:00 UTC           suppressed  \n"
            "foo        2026-01-01 01:00:00 UTC  bad      active      \n");
  flags.output = "extended";
  flags.date_format = "15:04";
  EXPECT_EQ(
      PrintAlerts(*ParseJson(kTwoAlerts), flags),
      "Labels                    Annotations    Starts At  Ends At  Generator URL  State       "
      "\n"
      "alertname=\"earlier\"                      00:00      02:00                   suppressed "
      " \n"
      "alertname=\"foo\" node=\"ü\"  summary=\"bad\"  01:00      02:00    http://h/      active   "
      "   \n");
  flags.output = "json";
  EXPECT_EQ(PrintAlerts(*ParseJson(R"([ {"a" : "b<", "c": [1, true, null]} ])"), flags),
            "[{\"a\":\"b\\u003c\",\"c\":[1,true,null]}]\n");
}

TEST(PrintSilences, AsAmtoolDoes) {
  AlertmanagerFlags flags;
  flags.date_format = "15:04";
  EXPECT_EQ(PrintSilences(*ParseJson(kTwoSilences), flags),
            "ID  Matchers        Ends At  Created By  Comment     \n"
            "1   a=~\"x\" b!=\"y\"   03:00                            \n"
            "2   a=\"b\" c!~\"d.*\"  05:00    me          some words  \n");
  flags.output = "extended";
  EXPECT_EQ(PrintSilences(*ParseJson(kTwoSilences), flags),
            "ID  Matchers          Starts At  Ends At  Updated At  Created By  Comment     \n"
            "1   {a=~\"x\",b!=\"y\"}   00:00      03:00    00:00                               \n"
            "2   {a=\"b\",c!~\"d.*\"}  00:00      05:00    00:00       me          some words  \n");
}

TEST(Silences, ArePostedWithoutWhatServersSay) {
  JsonValue silences = *ParseJson(kTwoSilences);
  SetText(&silences.items[0], "id", "");
  const std::string body = PostableSilence(silences.items[0]);
  EXPECT_EQ(body.find("status"), std::string::npos);
  EXPECT_EQ(body.find("updatedAt"), std::string::npos);
  EXPECT_NE(body.find(R"("id":"")"), std::string::npos);
  SilenceBody made;
  made.matchers = *alerting::MatcherParser().ParseList("a=b,c!~\"d\"");
  made.ends_at = 1'767'225'600'500;
  made.comment = "x\"y";
  made.annotations = {{"k", "v"}};
  EXPECT_EQ(made.ToJson(),
            R"({"matchers":[{"name":"a","value":"b","isRegex":false,"isEqual":true},)"
            R"({"name":"c","value":"d","isRegex":true,"isEqual":false}],)"
            R"("startsAt":"1970-01-01T00:00:00.000Z","endsAt":"2026-01-01T00:00:00.500Z",)"
            R"("createdBy":"","comment":"x\"y","annotations":{"k":"v"}})");
}

TEST(Words, AFirstOneMayBeTheAlertName) {
  const auto mode = alerting::MatcherMode::kFallback;
  EXPECT_EQ(WithAlertName({"foo", "a=b"}, mode),
            (std::vector<std::string>{"alertname=\"foo\"", "a=b"}));
  EXPECT_EQ(WithAlertName({"a=~b"}, mode), std::vector<std::string>{"a=~b"});
  EXPECT_TRUE(WithAlertName({}, mode).empty());
  const auto pairs = ParsePairs({"a=b", "c=\"d e\""}, mode);
  ASSERT_TRUE(pairs);
  EXPECT_EQ((*pairs)[1].second, "d e");
  EXPECT_EQ(ParsePairs({"a!=b"}, mode).error().message, "\"a!=b\" must be specified as key=value");
}

TEST(AmtoolFiles, GiveWhatTheCommandLineDoesNot) {
  const std::string file = testing::TempDir() + "/vigil_amtool.yml";
  ASSERT_TRUE(WriteFileAtomically(file,
                                  "alertmanager.url: http://from.file:9093\noutput: json\n"
                                  "comment_required: false\nauthor: them\nunknown: 5\n"));
  AlertmanagerFlags common;
  bool require_comment = true;
  std::string author;
  toolkit::FlagSet flags("x", "y");
  common.AddTo(&flags);
  flags.Bool("require-comment", "", &require_comment);
  flags.String("author", "", &author);
  EXPECT_EQ(ParseAlertmanagerCommand(&flags, {"-o", "extended"}, {"/nowhere", file}), std::nullopt);
  EXPECT_EQ(common.url, "http://from.file:9093");
  EXPECT_EQ(common.output, "extended");
  EXPECT_FALSE(require_comment);
  EXPECT_EQ(author, "them");
  std::filesystem::remove(file);
}

TEST(PrintRoutes, DrawsATree) {
  const auto config = alerting::LoadAlertingText(
      "route: {receiver: r, routes: [{matchers: [team=a], continue: true, routes: [{matchers: "
      "[x=y], receiver: s}]}, {matchers: ['team=~\"a|b\"'], receiver: s}]}\n"
      "receivers: [{name: r}, {name: s}]\n",
      "a.yml");
  ASSERT_TRUE(config);
  const alerting::RouteTree tree(config->route);
  EXPECT_EQ(PrintRoutes(tree),
            ".\n"
            "└── default-route  receiver: r\n"
            "    ├── {team=\"a\"}  continue: true  receiver: r\n"
            "    │   └── {x=\"y\"}  receiver: s\n"
            "    └── {team=~\"a|b\"}  receiver: s\n");
  EXPECT_EQ(PrintMatchingRoutes(tree, Labels::Of({{"team", "a"}})),
            ".\n"
            "└── default-route\n"
            "    ├── {team=\"a\"}  receiver: r\n"
            "    └── {team=~\"a|b\"}  receiver: s\n");
  EXPECT_EQ(PrintMatchingRoutes(tree, {}), ".\n└── default-route  receiver: r\n");
}

TEST(TemplateRender, ReadsWhatWebhooksGet) {
  const auto read = ReadNotification(
      R"({"receiver":"r","status":"firing","alerts":[{"status":"firing","labels":{"a":"b"},)"
      R"("startsAt":"2026-01-01T00:00:00Z","fingerprint":"f"}],"groupLabels":{"g":"h"}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->alerts[0].labels.at("a"), "b");
  EXPECT_EQ(read->alerts[0].starts_at.seconds, 1'767'225'600);
  EXPECT_TRUE(read->alerts[0].ends_at.IsZero());
  EXPECT_EQ(read->group_labels.at("g"), "h");
  EXPECT_FALSE(ReadNotification("[]"));
  EXPECT_FALSE(ReadNotification(R"({"alerts":[{"startsAt":"x"}]})"));
  EXPECT_EQ(SampleNotification(0).alerts.size(), 2U);
}

}  // namespace
}  // namespace vigil::cli

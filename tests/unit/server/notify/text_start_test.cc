// SPDX-License-Identifier: Apache-2.0
// Texts beyond the limits of templates, for receivers that show the start of a text only.
#include <gtest/gtest.h>

#include <string>

#include "server/notify/templates.h"
#include "server/template/alert_data.h"
#include "tests/unit/server/notify/notify_rig.h"

namespace vigil::notify {
namespace {

// The same piece again and again: above the 16 MiB of a template.
std::string HugeText(const std::string& piece) {
  std::string huge;
  for (int i = 0; i < 20; ++i) huge += piece;
  return "'" + huge + "'";
}

std::string HugeText() { return HugeText("{{ printf \"%0999999d\" 0 }}"); }

struct HugeCase {
  const char* type;
  std::string config;  // @ is the text
  const char* start;   // of what arrives
};

class StartOfHugeText : public ::testing::TestWithParam<HugeCase> {};

TEST_P(StartOfHugeText, IsSent) {
  const HugeCase& one = GetParam();
  NotifyRig rig;
  std::string config = one.config;
  config.replace(config.find('@'), 1, HugeText());
  rig.Configure(std::string(one.type) + "_configs: [" + config + "]");
  rig.Answer(200, R"({"ok":true,"success":true,"issues":[]})", "application/json");
  rig.TrySent(one.type);
  const std::string sent = rig.last().body.empty() ? rig.last().url : rig.last().body;
  EXPECT_NE(sent.find(one.start), std::string::npos) << sent.substr(0, 1000);
  EXPECT_LT(sent.size(), 100'000U);
}

const HugeCase kHugeCases[] = {
    {"discord", "{webhook_url: 'http://d.example/h', title: @, message: M}", "000…"},
    {"discord", "{webhook_url: 'http://d.example/h', title: T, message: @}", "000…"},
    {"discord", "{webhook_url: 'http://d.example/h', message: M, content: @}", "000…"},
    {"jira",
     "{api_url: 'http://j.example/rest/api/2', project: P, issue_type: Bug, description: D, "
     "summary: @}",
     "000…"},
    {"jira",
     "{api_url: 'http://j.example/rest/api/2', project: P, issue_type: Bug, summary: S, "
     "description: @}",
     "000…"},
    {"mattermost", "{webhook_url: 'http://m.example/h', text: @}", "000…"},
    {"opsgenie", "{api_key: k, message: @}", "000…"},
    {"pagerduty", "{routing_key: k, description: @, details: {firing: ''}}", "000…"},
    {"pushover", "{user_key: u, token: t, message: M, title: @}", "title=000"},
    {"pushover", "{user_key: u, token: t, message: @}", "message=000"},
    {"pushover", "{user_key: u, token: t, html: true, message: @}", "message=000"},
    {"rocketchat",
     "{api_url: 'http://r.example', token: t, token_id: i, channel: c, text: T, title: @}", "000…"},
    {"slack", "{api_url: 'http://s.example/h', channel: c, text: T, title: @}", "000…"},
    {"telegram", "{bot_token: t, chat_id: 1, parse_mode: '', message: @}", "000…"},
    {"telegram", "{bot_token: t, chat_id: 1, parse_mode: HTML, message: @}",
     "message length exceeds Telegram limits"},
    {"victorops", "{api_key: k, routing_key: r, state_message: @}", "000…"},
    {"webex", "{room_id: r, message: @, http_config: {authorization: {credentials: x}}}", "000…"},
};

INSTANTIATE_TEST_SUITE_P(Receivers, StartOfHugeText, ::testing::ValuesIn(kHugeCases));

// A function that makes too much leaves less than what would be shown: that is said.
TEST(StartOfText, SaysWhatIsLeftOut) {
  NotifyRig rig;
  // 18 texts of a million characters each make one that is too long.
  std::string print = "{{ $x := printf \"%0999999d\" 0 }}before {{ print";
  for (int i = 0; i < 18; ++i) print += " $x";
  rig.Configure("discord_configs: [{webhook_url: 'http://d.example/h', message: '" + print +
                " }}'}]");
  rig.TrySent("discord");
  EXPECT_NE(rig.last().body.find(
                "before \\n[the rest is left out: it is beyond the limits of templates]"),
            std::string::npos)
      << rig.last().body.substr(0, 1000);
}

// What was made of a text before a limit may lack end tags, which Telegram would refuse.
TEST(StartOfText, CutHtmlIsNotSentToTelegram) {
  NotifyRig rig;
  std::string print = "{{ $x := printf \"%0999999d\" 0 }}<b>before {{ print";
  for (int i = 0; i < 18; ++i) print += " $x";
  rig.Configure("telegram_configs: [{bot_token: t, chat_id: 1, parse_mode: HTML, message: '" +
                print + " }}</b>'}]");
  rig.Answer(200, R"({"ok":true})", "application/json");
  rig.TrySent("telegram");
  EXPECT_NE(rig.last().body.find("message length exceeds Telegram limits"), std::string::npos);
  EXPECT_EQ(rig.last().body.find("before"), std::string::npos);
}

// Reading the clock takes it on, as a text that computes would.
class HastyClock final : public Clock {
 public:
  [[nodiscard]] TimestampMs Now() const override { return kRigNow; }
  [[nodiscard]] int64_t MonotonicNs() const override { return now_ns_ += 1'000'000'000; }

 private:
  mutable int64_t now_ns_ = 0;
};

TEST(StartOfText, AllTextsOfAMessageShareTheirTime) {
  const HastyClock clock;
  const auto templates = Templates::Load({}, "", clock);
  ASSERT_TRUE(templates);
  const tmpl::Value dot = tmpl::NotificationValue(tmpl::Notification());
  std::string slow;
  for (int i = 0; i < 260; ++i) slow += "{{ 1 }}";
  Expander texts(**templates, dot);
  EXPECT_EQ(texts.Text(slow).size(), 260U);
  ASSERT_TRUE(texts.Check());
  EXPECT_EQ(texts.Text(slow), "");
  const auto checked = texts.Check();
  ASSERT_FALSE(checked);
  EXPECT_TRUE(tmpl::IsLimitError(checked.error()));
}

// What is not cut has the limits that it had.
TEST(StartOfText, WholeTextsKeepTheirLimits) {
  NotifyRig rig;
  rig.Configure("slack_configs: [{api_url: 'http://s.example/h', channel: c, text: " + HugeText() +
                "}]");
  const auto result = rig.Try(NotifyRig::Group(NotifyRig::TwoAlerts(true, true), "slack"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->outcome.verdict, SendVerdict::kFinal);
  EXPECT_NE(result->outcome.error.find("the output is larger than"), std::string::npos);
}

}  // namespace
}  // namespace vigil::notify

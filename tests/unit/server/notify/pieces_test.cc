// SPDX-License-Identifier: Apache-2.0
// Messages, texts, URLs and the built-in templates.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "client-lib/base/files.h"
#include "server/notify/any_value.h"
#include "server/notify/default_templates.h"
#include "server/notify/text_limits.h"
#include "server/notify/url.h"
#include "server/template/json_text.h"
#include "tests/unit/server/notify/notify_rig.h"

namespace vigil::notify {
namespace {

TEST(TextLimits, CutCharacters) {
  EXPECT_EQ(TruncateInRunes("äöü", 3).text, "äöü");
  EXPECT_FALSE(TruncateInRunes("äöü", 3).cut);
  EXPECT_EQ(TruncateInRunes("äöüß", 3).text, "äöü");
  EXPECT_TRUE(TruncateInRunes("äöüß", 3).cut);
  EXPECT_EQ(TruncateInRunes("äöüßx", 4).text, "äöü…");
  EXPECT_EQ(TruncateInRunes("abc", 0).text, "");
}

TEST(TextLimits, CutBytes) {
  EXPECT_EQ(TruncateInBytes("abcde", 5).text, "abcde");
  EXPECT_EQ(TruncateInBytes("abcdef", 5).text, "ab…");
  EXPECT_EQ(TruncateInBytes("äöüß", 7).text, "äö…");
  EXPECT_EQ(TruncateInBytes("äöüß", 6).text, "ä…");
  EXPECT_EQ(TruncateInBytes("abcdef", 3).text, "…");
  EXPECT_EQ(TruncateInBytes("abcdef", 2).text, "..");
}

TEST(TextLimits, HashKeys) {
  EXPECT_EQ(KeyHash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Urls, AreBuiltAsGoBuildsThem) {
  EXPECT_EQ(QueryEscape("a b/c?ä~"), "a+b%2Fc%3F%C3%A4~");
  EXPECT_EQ(PathEscape("a b/c:d"), "a%20b%2Fc:d");
  EXPECT_EQ(EncodeQuery({{"b", "2"}, {"a", "x y"}}), "a=x+y&b=2");
  EXPECT_EQ(JoinPath("http://x/a/?q=1", "/b/c"), "http://x/a/b/c?q=1");
  EXPECT_EQ(AddQuery("http://x/?a=1#f", {{"b", "2"}}), "http://x/?a=1&b=2#f");
  EXPECT_TRUE(CheckUrl("https://x/y"));
  EXPECT_FALSE(CheckUrl("ftp://x/y"));
  EXPECT_FALSE(CheckUrl("http:///y"));
  EXPECT_FALSE(CheckUrl("x/y"));
}

TEST(Errors, DoNotShowUrls) {
  EXPECT_EQ(RedactUrl("Post \"http://x/secret\": EOF"), "Post \"<redacted>\": EOF");
  EXPECT_EQ(RedactUrl("oauth2: x\nResponse: {\"error\": \"no\"}"),
            "oauth2: x\nResponse: {\"error\": \"no\"}");
  EXPECT_EQ(RedactUrl("EOF"), "EOF");
}

TEST(Scalars, MeanWhatYaml11Says) {
  const auto json = [](std::string_view text) { return *tmpl::ToJson(ScalarValue(text), 1'000); };
  EXPECT_EQ(json("~"), "null");
  EXPECT_EQ(json("Yes"), "true");
  EXPECT_EQ(json("off"), "false");
  EXPECT_EQ(json("0x1F"), "31");
  EXPECT_EQ(json("-0b101"), "-5");
  EXPECT_EQ(json("0755"), "493");
  EXPECT_EQ(json("1_000"), "1000");
  EXPECT_EQ(json("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(json("1.50"), "1.5");
  EXPECT_EQ(json(".5e1"), "5");
  EXPECT_EQ(json("1.2.3"), "\"1.2.3\"");
  EXPECT_EQ(json("08"), "8");
  EXPECT_EQ(json("2026-02-03"), "\"2026-02-03\"");
  EXPECT_EQ(json("-"), "\"-\"");
  EXPECT_EQ(json("+-1"), "\"+-1\"");
}

// Texts in texts whose aliases repeat further texts: ten million nodes out of a few hundred bytes.
TEST(AnyValues, LeaveTextsThatBlowUpAsTheyAre) {
  std::string text = "x";
  for (int level = 0; level < 5; ++level) {
    std::string quoted = "[&a '";
    for (const char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
    quoted += "'";
    for (int i = 0; i < 24; ++i) quoted += ", *a";
    text = quoted + "]";
  }
  auto templates = Templates::Load({}, "http://vigil.example");
  ASSERT_TRUE(templates);
  const tmpl::Value dot = tmpl::Value::String(text);
  const auto expanded = [&](const std::string& yaml) {
    const auto node = config::ParseYaml(yaml, "x.yml");
    EXPECT_TRUE(node);
    Expander texts(**templates, dot);
    return *tmpl::ToJson(ExpandAny(*node, &texts), 64 << 20);
  };
  EXPECT_EQ(expanded("['{{ . }}', '{{ len . }}']"),
            "[" + *tmpl::ToJson(dot, 1 << 20) + ",\"" + std::to_string(text.size()) + "\"]");
  EXPECT_EQ(expanded("'[5, \"[a, {b: c}]\"]'"), R"([5,["a",{"b":"c"}]])");
  const std::string longer = "[" + std::string(70'000, ' ') + "1]";
  EXPECT_EQ(expanded("'" + longer + "'")[0], '"');
}

TEST(Messages, QuoteTheReceiverAndExpandRouteLabels) {
  auto templates = Templates::Load({}, "http://vigil.example");
  ASSERT_TRUE(templates) << templates.error().message;
  alerting::RouteConfig root;
  root.receiver = "team.a";
  root.labels = {{"team", "t-{{ .GroupLabels.alertname }}"}};
  auto tree = std::make_shared<const alerting::RouteTree>(root);
  alerting::Outgoing out = NotifyRig::Group(NotifyRig::TwoAlerts(false, false), "webhook");
  out.tree = tree;
  out.route = tree->routes().data();
  const auto message = MakeMessage(out, *templates);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_TRUE((*message)->resolved());
  EXPECT_EQ((*message)->data.receiver, "team\\.a");
  EXPECT_EQ((*message)->data.route_labels.at("team"), "t-Down");
  EXPECT_EQ((*message)->data.common_labels.size(), 2U);
  EXPECT_EQ((*message)->data.reason, "first notification");
  Expander texts = (*message)->Texts();
  EXPECT_EQ(texts.Text("{{ .RouteLabels.team }} {{ .CommonAnnotations.runbook }}"), "t-Down ");
  EXPECT_TRUE(texts.Check());
}

TEST(Templates, ShowTimesOfTheMachinesZone) {
  const char* before = std::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  setenv("TZ", "America/New_York", 1);
  auto templates = Templates::Load({}, "http://vigil.example");
  before == nullptr ? unsetenv("TZ") : setenv("TZ", kept.c_str(), 1);
  ASSERT_TRUE(templates);
  const auto message =
      MakeMessage(NotifyRig::Group(NotifyRig::TwoAlerts(true, true), "x"), *templates);
  ASSERT_TRUE(message);
  Expander texts = (*message)->Texts();
  EXPECT_EQ(texts.Text(R"({{ ((index .Alerts 0).StartsAt | tz "Local").Format "15:04 MST" }})"),
            "23:04 EST");
  EXPECT_EQ(texts.Text(R"({{ (index .Alerts 0).StartsAt.Format "15:04 MST" }})"), "04:04 UTC");
}

// Upstream's file, where Debian's package is unpacked or installed.
std::string UpstreamTemplates() {
  const std::string path = "/usr/share/prometheus/alertmanager/default.tmpl";
  for (const std::string& root : {std::string(VIGIL_SOURCE_DIR) + "/build/peers", std::string()}) {
    if (FileExists(root + path)) return *ReadFile(root + path);
  }
  return {};
}

TEST(BuiltInTemplates, PrintWhatUpstreamsPrint) {
  const std::string upstream = UpstreamTemplates();
  if (upstream.empty()) GTEST_SKIP() << "no prometheus-alertmanager here";
  tmpl::TemplateSet theirs(tmpl::AlertmanagerFunctions());
  ASSERT_TRUE(theirs.Parse("default.tmpl", upstream));
  tmpl::TemplateSet ours(tmpl::AlertmanagerFunctions());
  for (const DefaultTemplates& file : BuiltInTemplates()) {
    ASSERT_TRUE(ours.Parse(file.name, file.text));
  }
  auto templates = Templates::Load({}, "http://vigil.example");
  ASSERT_TRUE(templates);
  size_t compared = 0;
  for (const auto& [first, second] : {std::pair{true, true}, {true, false}, {false, false}}) {
    const auto message =
        MakeMessage(NotifyRig::Group(NotifyRig::TwoAlerts(first, second), "x"), *templates);
    ASSERT_TRUE(message);
    for (const std::string& name : theirs.Names()) {
      // "__text_alert_list" and what calls it take a list; e-mail has a page of its own.
      if (name.find(".default.") == std::string::npos || name.starts_with("email.") ||
          name == "pagerduty.default.instances") {
        continue;
      }
      const auto wanted = theirs.Execute(name, (*message)->dot, {});
      const auto got = ours.Execute(name, (*message)->dot, {});
      ASSERT_TRUE(wanted) << wanted.error().message;
      ASSERT_TRUE(got) << got.error().message;
      EXPECT_EQ(*got, *wanted) << name;
      ++compared;
    }
  }
  EXPECT_GT(compared, 60U);
}

}  // namespace
}  // namespace vigil::notify

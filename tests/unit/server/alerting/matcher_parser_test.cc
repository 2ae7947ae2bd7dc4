// SPDX-License-Identifier: Apache-2.0
// tests/scripts/alerting/matchers: `classic|utf8|fallback|strict|one <text>` (Go escapes in double
// quotes when the text has odd characters).
#include "server/alerting/matcher_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "client-lib/base/strings.h"
#include "server/alerting/utf8_text.h"
#include "tests/support/script_cases.h"

namespace vigil::alerting {
namespace {

std::string ShowMatchers(const Result<LabelMatchers>& matchers) {
  return matchers ? ToString(*matchers) : "error: " + matchers.error().message;
}

std::vector<std::string> RunMatcherCase(const testing_support::ScriptCase& one) {
  std::vector<std::string> out;
  for (const std::string& line : one.input) {
    const size_t space = line.find(' ');
    const std::string language = line.substr(0, space);
    std::string text = space == std::string::npos ? "" : line.substr(space + 1);
    if (text.starts_with("go:")) text = UnquoteGo(text.substr(3)).value_or("bad literal");
    if (language == "classic") {
      out.push_back(ShowMatchers(ParseClassicMatchers(text)));
    } else if (language == "utf8") {
      out.push_back(ShowMatchers(ParseUtf8Matchers(text)));
    } else {
      MatcherParser parser(language == "strict" ? MatcherMode::kUtf8 : MatcherMode::kFallback);
      if (language == "one") {
        Result<LabelMatcher> matcher = parser.ParseOne(text);
        out.push_back(matcher ? matcher->ToString() : "error: " + matcher.error().message);
      } else {
        out.push_back(ShowMatchers(parser.ParseList(text)));
      }
      for (const std::string& warning : parser.warnings()) out.push_back("warning: " + warning);
    }
  }
  return out;
}

TEST(MatcherParser, FollowsTheScripts) {
  testing_support::RunScripts("alerting/matchers", &RunMatcherCase);
}

TEST(LabelMatcher, DotTakesNoNewline) {
  const auto matches = [](MatchType type, std::string_view pattern, std::string_view value) {
    const Result<LabelMatcher> matcher = LabelMatcher::Create(type, "a", pattern);
    EXPECT_TRUE(matcher);
    return matcher->MatchesValue(value);
  };
  EXPECT_TRUE(matches(MatchType::kRegexp, "a.c", "abc"));
  EXPECT_FALSE(matches(MatchType::kRegexp, "a.c", "a\nc"));
  EXPECT_TRUE(matches(MatchType::kNotRegexp, "a.*", "a\nc"));
  EXPECT_TRUE(matches(MatchType::kRegexp, "(?s)a.c", "a\nc"));
  EXPECT_TRUE(matches(MatchType::kRegexp, "a|b", "b"));
  EXPECT_FALSE(matches(MatchType::kRegexp, "a|b", "ab"));
}

TEST(LabelMatcher, MissingLabelIsAnEmptyValue) {
  const Labels labels = Labels::Of({{"a", "b"}});
  EXPECT_TRUE(ParseClassicMatcher("c=")->Matches(labels));
  EXPECT_TRUE(ParseClassicMatcher("c!=x")->Matches(labels));
  EXPECT_FALSE(ParseClassicMatcher("c=~.+")->Matches(labels));
  EXPECT_TRUE(ParseClassicMatcher("c=~.*")->Matches(labels));
}

TEST(UnquoteGo, KnowsAllEscapes) {
  EXPECT_EQ(UnquoteGo(R"("\a\b\f\n\r\t\v\\\"\101\x41\u00e9\U0001f600")"),
            "\a\b\f\n\r\t\v\\\"AA\u00e9\U0001f600");
  for (const char* bad : {R"("\")", R"("\q")", R"("\x4")", R"("\ud800")", R"("\U00110000")",
                          R"("\400")", R"(")", R"(x)", R"("a"b")"}) {
    EXPECT_FALSE(UnquoteGo(bad)) << bad;
  }
}

TEST(TrimUnicodeSpace, KnowsWideSpaces) {
  EXPECT_EQ(TrimUnicodeSpace("\u3000 a\u00a0b \u2003\n"), "a\u00a0b");
  EXPECT_EQ(TrimUnicodeSpace(" \u00a0"), "");
}

}  // namespace
}  // namespace vigil::alerting

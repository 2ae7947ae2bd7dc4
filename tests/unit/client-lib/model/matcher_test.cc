// SPDX-License-Identifier: Apache-2.0
// Regular expressions with their shortcuts, and matchers.
#include "client-lib/model/matcher.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <random>

namespace vigil {
namespace {

using Strings = std::vector<std::string>;

Regexp Compiled(std::string_view pattern) {
  Result<Regexp> regexp = Regexp::Compile(pattern);
  EXPECT_TRUE(regexp) << pattern;
  return *regexp;
}

std::string Expanded(std::string_view pattern, std::string_view text, std::string_view form) {
  std::string out;
  return Compiled(pattern).Expand(text, form, &out) ? out : "no match";
}

TEST(Regexp, MatchesTheWholeTextOnly) {
  EXPECT_TRUE(Compiled("a+b").Matches("aab"));
  EXPECT_FALSE(Compiled("a+b").Matches("xaab"));
  EXPECT_FALSE(Compiled("a+b").Matches("aabx"));
  EXPECT_TRUE(Compiled("a|ab").Matches("ab"));
  EXPECT_TRUE(Compiled("a.b").Matches("a\nb")) << "the dot takes a newline";
  EXPECT_FALSE(Compiled("a$").Matches("a\n"));
  EXPECT_TRUE(Compiled("(?i)GET").Matches("get"));
  EXPECT_TRUE(Compiled("").Matches(""));
  EXPECT_FALSE(Compiled("").Matches("x"));
}

bool StartsWithOne(const std::string& text, const Strings& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return text.starts_with(prefix); });
}

// What patterns are tried on.
Strings Texts() {
  return {"",
          "a",
          "b",
          "c",
          "ab",
          "abc",
          "abcd",
          "xabc",
          "a.b",
          "axb",
          "a.",
          "a..",
          "a\\",
          "a\\x",
          "a|b",
          "a\nb",
          "abd",
          "acd",
          "a1",
          "ABC",
          "aB",
          "b\xc3\xa4",
          "\xc3\xa4",
          "ac",
          "\xc3\xa4\xc3\xa4"
          "b",
          "x",
          "xabcx",
          "bc",
          "\n",
          "ax",
          "aab"};
}

// Every shortcut is compared with RE2 itself.
TEST(Regexp, ShortcutsAgreeWithRe2) {
  const Strings patterns = {"",           "a",          "abc",    "a|b|c",   "(a|b)",   "(?:ab|c)",
                            "a|",         "|",          ".*",     ".+",      "abc.*",   "abc.+",
                            ".*abc",      ".*abc.*",    ".*.*",   "a\\.b",   "a\\.*",   "a\\\\.*",
                            "a\\.b|c",    "ab*",        "ab?c",   "ab{0}c",  "a[|]b",   "[a|b].*",
                            "a(b|c)",     "a(b|c)d",    "(a)(b)", "a|b.*",   "a.b",     "a.*b",
                            "^abc$",      "abc$",       "^a|b$",  "(a|b).*", "a\\d+",   "\\Qa|b\\E",
                            "\\Qa.b\\E",  "(?i)abc",    "x.*?",   "()",      "(a|(b))", "a(?i)b",
                            "\xc3\xa4*b", "\xc3\xa4|b", "a)b|(c", "[a",      "a\\",     "(?s).*",
                            ".*a|a.*",    ".*^a",       ".+abc",  ".+b.+",   ".*b.+",   "a.*|b.+",
                            "(a|b)c?",    "a.+|ab",     "[]a]",   "[a-]",    "[a-c-e]", "[^]a].*",
                            "a{",         "a{1,}b",     "()*",    "(ab?|x)+"};
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  for (const std::string& pattern : patterns) {
    const RE2 plain(pattern, options);
    const Result<Regexp> ours = Regexp::Compile(pattern);
    ASSERT_EQ(ours.has_value(), plain.ok()) << pattern;
    if (!ours) continue;
    for (const std::string& text : Texts()) {
      const bool wanted = RE2::FullMatch(text, plain);
      EXPECT_EQ(ours->Matches(text), wanted) << pattern << " on " << text;
      if (!wanted) continue;
      EXPECT_TRUE(StartsWithOne(text, ours->prefixes())) << pattern << " on " << text;
      const Strings& literals = ours->literals();
      EXPECT_TRUE(literals.empty() ||
                  std::find(literals.begin(), literals.end(), text) != literals.end());
    }
    for (const std::string& literal : ours->literals()) EXPECT_TRUE(RE2::FullMatch(literal, plain));
  }
}

TEST(Regexp, FindsLiterals) {
  EXPECT_EQ(Compiled("b|a|b").literals(), (Strings{"a", "b"}));
  EXPECT_EQ(Compiled("(?:GET|POST)").literals(), (Strings{"GET", "POST"}));
  EXPECT_EQ(Compiled("10\\.0\\.0\\.1:9100|x").literals(), (Strings{"10.0.0.1:9100", "x"}));
  EXPECT_EQ(Compiled("a|").literals(), (Strings{"", "a"}));
  EXPECT_EQ(Compiled("host-[1-3](a|b)?").literals(),
            (Strings{"host-1", "host-1a", "host-1b", "host-2", "host-2a", "host-2b", "host-3",
                     "host-3a", "host-3b"}));
  EXPECT_EQ(Compiled("^(?:GET|P(OS|U)T)$").literals(), (Strings{"GET", "POST", "PUT"}));
  EXPECT_TRUE(Compiled("a|b.*").literals().empty());
  EXPECT_TRUE(Compiled("(?i)a").literals().empty());
}

// Patterns put together from pieces, on texts put together from the same letters.
TEST(Regexp, RandomPatternsAgreeWithRe2) {
  constexpr const char* kPieces[] = {
      "a",    "b",  "c",   "ab",  "(",   ")",   "(?:", "|",     "|",
      ".",    ".*", ".+",  "?",   "*",   "+",   "^",   "$",     "[ab]",
      "[^a]", "\\", "\\.", "\\d", "\\b", "{2}", "{",   "[a-c]", "\xc3\xa4"};
  constexpr const char* kLetters[] = {"a", "b", "c", ".", "1", "\n", "\xc3\xa4"};
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  std::mt19937_64 random(1);
  size_t tried = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern;
    for (uint64_t left = random() % 8; left > 0; --left) {
      pattern += kPieces[random() % std::size(kPieces)];
    }
    const RE2 plain(pattern, options);
    if (!plain.ok()) continue;
    const Regexp ours = Compiled(pattern);
    ++tried;
    for (int i = 0; i < 20; ++i) {
      std::string text;
      for (uint64_t left = random() % 5; left > 0; --left) {
        text += kLetters[random() % std::size(kLetters)];
      }
      const bool wanted = RE2::FullMatch(text, plain);
      ASSERT_EQ(ours.Matches(text), wanted) << pattern << " on " << text;
      EXPECT_TRUE(!wanted || StartsWithOne(text, ours.prefixes())) << pattern << " on " << text;
    }
  }
  EXPECT_GT(tried, 5'000U);
}

TEST(Regexp, FindsPrefixes) {
  EXPECT_EQ(Compiled("node_.*").prefixes(), Strings{"node_"});
  EXPECT_EQ(Compiled("node_(cpu|memory)_x+").prefixes(), (Strings{"node_cpu_x", "node_memory_x"}));
  EXPECT_EQ(Compiled("abc*").prefixes(), Strings{"ab"});
  EXPECT_EQ(Compiled("abc+").prefixes(), Strings{"abc"});
  EXPECT_EQ(Compiled("a\xc3\xa4?").prefixes(), Strings{"a"});
  EXPECT_EQ(Compiled("ab|ac.*").prefixes(), (Strings{"ab", "ac"}));
  EXPECT_EQ(Compiled("(?i)ab").prefixes(), Strings{""});
  EXPECT_EQ(Compiled("ab(?i)c").prefixes(), Strings{"ab"});
  EXPECT_EQ(Compiled(".*").prefixes(), Strings{""});
}

TEST(Regexp, KnowsWhenNothingIsAsked) {
  EXPECT_TRUE(Compiled(".*").MatchesAll());
  EXPECT_TRUE(Compiled("(.*)").MatchesAll());
  EXPECT_TRUE(Compiled("^.*$").MatchesAll());
  EXPECT_TRUE(Compiled("a|.*").MatchesAll());
  EXPECT_FALSE(Compiled(".*a").MatchesAll());
  EXPECT_TRUE(Compiled(".+").MatchesAllButEmpty());
  EXPECT_TRUE(Compiled("a|.+|b.*").MatchesAllButEmpty());
  EXPECT_FALSE(Compiled("a.+").MatchesAllButEmpty());
}

TEST(Regexp, ExplainsErrorsInGosWords) {
  EXPECT_EQ(Regexp::Compile("a(").error().message, "error parsing regexp: missing closing ): `a(`");
  EXPECT_EQ(Regexp::Compile("[").error().message, "error parsing regexp: missing closing ]: `[`");
  EXPECT_EQ(Regexp::Compile("*").error().message,
            "error parsing regexp: missing argument to repetition operator: `*`");
  EXPECT_EQ(Regexp::Compile("\xff").error().kind, ErrorKind::kBadData);
  EXPECT_FALSE(Regexp::Compile("(?=a)")) << "no look-ahead in RE2";
  EXPECT_FALSE(Regexp::Compile("((a{1000}){1000}){1000}")) << "bounded memory";
}

TEST(Regexp, ExpandsTemplatesLikeGo) {
  EXPECT_EQ(Expanded("(.*)-(.*)", "a-b", "$2/$1"), "b/a");
  EXPECT_EQ(Expanded("(.*)-(.*)", "a-b", "${2}x$1x"), "bx") << "$1x names the group \"1x\"";
  EXPECT_EQ(Expanded("(?P<host>[^:]+):.*", "h:1", "$host-${host}"), "h-h");
  EXPECT_EQ(Expanded("a", "a", "$$1 $0"), "$1 a");
  EXPECT_EQ(Expanded("a", "a", "x$7y${none}z"), "xz");
  EXPECT_EQ(Expanded("a", "a", "cost $ ${ ${} ${1"), "cost $ ${ ${} ${1");
  EXPECT_EQ(Expanded("(a)", "a", "$01"), "") << "a leading zero is a name, not a number";
  EXPECT_EQ(Expanded("(a)|b", "b", "[$1]"), "[]") << "a group without a match is empty";
  EXPECT_EQ(Expanded("(.*)", "", "$1"), "");
  EXPECT_EQ(Expanded("a", "b", "x"), "no match");
}

TEST(Regexp, ReplaceAllKeepsWhatDoesNotMatch) {
  const Regexp regexp = Compiled("__meta_(.+)");
  EXPECT_EQ(regexp.ReplaceAll("__meta_zone", "$1"), "zone");
  EXPECT_EQ(regexp.ReplaceAll("zone", "$1"), "zone");
}

TEST(Matcher, EachType) {
  const auto matches = [](MatchType type, std::string_view value, std::string_view text) {
    return Matcher::Create(type, "l", value)->Matches(text);
  };
  EXPECT_TRUE(matches(MatchType::kEqual, "a", "a"));
  EXPECT_FALSE(matches(MatchType::kEqual, "a", "ab"));
  EXPECT_TRUE(matches(MatchType::kNotEqual, "a", ""));
  EXPECT_TRUE(matches(MatchType::kRegexp, "a|b", "b"));
  EXPECT_FALSE(matches(MatchType::kNotRegexp, "a|b", "b"));
  EXPECT_TRUE(matches(MatchType::kNotRegexp, "a|b", ""));
  EXPECT_FALSE(Matcher::Create(MatchType::kRegexp, "l", "("));
  EXPECT_TRUE(Matcher::Create(MatchType::kEqual, "l", "(")) << "no expression, no error";
}

TEST(Matcher, KnowsWhetherAMissingLabelMatches) {
  EXPECT_TRUE(Matcher::Equal("l", "").MatchesEmpty());
  EXPECT_TRUE(Matcher::Create(MatchType::kNotEqual, "l", "x")->MatchesEmpty());
  EXPECT_TRUE(Matcher::Create(MatchType::kRegexp, "l", ".*")->MatchesEmpty());
  EXPECT_FALSE(Matcher::Create(MatchType::kRegexp, "l", ".+")->MatchesEmpty());
}

TEST(Matcher, PrintsItself) {
  EXPECT_EQ(Matcher::Equal("l", "a\"b").ToString(), "l=\"a\\\"b\"");
  EXPECT_EQ(Matcher::Create(MatchType::kNotRegexp, "l.l", "a")->ToString(), "\"l.l\"!~\"a\"");
}

TEST(Matcher, AllMustMatch) {
  const Labels labels = Labels::Of({{"a", "1"}, {"b", "2"}});
  EXPECT_TRUE(MatchesAll({}, labels));
  EXPECT_TRUE(MatchesAll({Matcher::Equal("a", "1"), Matcher::Equal("c", "")}, labels));
  EXPECT_FALSE(MatchesAll({Matcher::Equal("a", "1"), Matcher::Equal("b", "1")}, labels));
}

}  // namespace
}  // namespace vigil

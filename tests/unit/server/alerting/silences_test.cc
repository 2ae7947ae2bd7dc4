// SPDX-License-Identifier: Apache-2.0
// tests/scripts/alerting/silences: a list of silences and what is done to it. Ids are s1, s2, ...
//   set [id=s1] [starts=5s] [ends=60s] [by=x] [comment=y] a=b c=~"d"     expire s1     gc
//   mutes a=b c=d      list     now 30s     (times are seconds from the start)
#include "server/alerting/silences.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "client-lib/base/strings.h"
#include "tests/support/script_cases.h"

namespace vigil::alerting {
namespace {

constexpr TimestampMs kSilenceStart = 1'700'000'000'000;

Silences::Options SilenceTestOptions() {
  Silences::Options options;
  options.retention = 100'000;
  options.max_silences = 4;
  options.max_size_bytes = 400;
  auto count = std::make_shared<int>(0);
  options.new_id = [count] { return fmt::format("s{}", ++*count); };
  return options;
}

// Threads: owner thread only.
class SilenceScript {
 public:
  SilenceScript() : silences_(SilenceTestOptions()) {}

  std::string Run(const std::string& line) {
    const std::vector<std::string_view> words = Fields(line);
    if (words[0] == "now") {
      now_ = Time(words[1]);
      return line;
    }
    if (words[0] == "set") return Set(words);
    if (words[0] == "expire") {
      const Result<void> done = silences_.Expire(std::string(words[1]), now_);
      return done ? "expired" : done.error().message;
    }
    if (words[0] == "gc") return "gone: " + Join(silences_.CollectGarbage(now_), " ");
    if (words[0] == "mutes") {
      LabelsBuilder labels;
      for (size_t i = 1; i < words.size(); ++i) {
        const size_t equal = words[i].find('=');
        labels.Set(words[i].substr(0, equal), words[i].substr(equal + 1));
      }
      return "muted by: " + Join(silences_.Muting(labels.Build(), now_), " ");
    }
    std::string out = "all:";
    for (const Silence* silence : silences_.All(now_)) {
      out += fmt::format(" {}={}", silence->id, SilenceStateText(silence->StateAt(now_)));
    }
    return out;
  }

 private:
  static TimestampMs Time(std::string_view text) {
    return kSilenceStart + ParseGoDuration(text).value();
  }

  std::string Set(const std::vector<std::string_view>& words) {
    Silence silence;
    for (size_t i = 1; i < words.size(); ++i) {
      const std::string_view word = words[i];
      if (word.starts_with("id=")) {
        silence.id = word.substr(3);
      } else if (word.starts_with("starts=")) {
        silence.starts_at = Time(word.substr(7));
      } else if (word.starts_with("ends=")) {
        silence.ends_at = Time(word.substr(5));
      } else if (word.starts_with("comment=")) {
        silence.comment = word == "comment=long" ? std::string(500, 'x') : word.substr(8);
      } else {
        silence.matchers.push_back(*ParseClassicMatcher(word));
      }
    }
    const Result<std::string> id = silences_.Set(silence, now_);
    if (!id) return id.error().message;
    const Silence* stored = silences_.Find(*id);
    return fmt::format("{} {} to {}", *id, FormatGoDuration(stored->starts_at - kSilenceStart),
                       FormatGoDuration(stored->ends_at - kSilenceStart));
  }

  Silences silences_;
  TimestampMs now_ = kSilenceStart;
};

std::vector<std::string> RunSilenceCase(const testing_support::ScriptCase& one) {
  SilenceScript script;
  std::vector<std::string> out;
  for (const std::string& line : one.input) out.push_back(script.Run(line));
  return out;
}

TEST(Silences, FollowTheScripts) {
  testing_support::RunScripts("alerting/silences", &RunSilenceCase);
}

// The slow twin of the index: all silences, one after the other.
TEST(Silences, AreFoundAsByLookingAtAll) {
  Silences silences({});
  const char* forms[] = {"a=\"{}\"", "b=~\"{}|x\"", "a=~\"{}.*\"", "c!=\"{}\"", "a=~\"|{}\""};
  for (int i = 0; i < 60; ++i) {
    Silence silence;
    silence.matchers.push_back(
        *ParseClassicMatcher(fmt::format(fmt::runtime(forms[i % 5]), i % 7)));
    if (i % 3 == 0) silence.matchers.push_back(*ParseClassicMatcher("d=~\"1|2\""));
    silence.matchers.push_back(*ParseClassicMatcher("e!=\"never\""));
    silence.ends_at = kSilenceStart + 1000 + i % 2 * 1000;
    ASSERT_TRUE(silences.Set(silence, kSilenceStart));
  }
  size_t found = 0;
  for (int i = 0; i < 300; ++i) {
    const Labels labels = Labels::Of({{"a", std::to_string(i % 9)},
                                      {"b", std::to_string(i % 11)},
                                      {"c", std::to_string(i % 5)},
                                      {"d", std::to_string(i % 4)}});
    std::vector<std::string> slow;
    for (const Silence* silence : silences.All(kSilenceStart + 1500)) {
      if (silence->StateAt(kSilenceStart + 1500) == SilenceState::kActive &&
          MatchesLabels(silence->matchers, labels)) {
        slow.push_back(silence->id);
      }
    }
    std::sort(slow.begin(), slow.end());
    EXPECT_EQ(silences.Muting(labels, kSilenceStart + 1500), slow);
    found += slow.size();
  }
  EXPECT_GT(found, 300U);
}

TEST(Silences, MergeKeepsTheLaterChange) {
  Silences silences({});
  Silence silence;
  silence.id = "x";
  silence.matchers.push_back(*ParseClassicMatcher("a=b"));
  silence.ends_at = kSilenceStart + 1000;
  silence.updated_at = kSilenceStart;
  EXPECT_TRUE(silences.Merge(silence, kSilenceStart));
  EXPECT_FALSE(silences.Merge(silence, kSilenceStart));
  silence.updated_at += 1;
  silence.ends_at += 1000;
  EXPECT_TRUE(silences.Merge(silence, kSilenceStart));
  EXPECT_EQ(silences.Find("x")->ends_at, kSilenceStart + 2000);
  EXPECT_TRUE(silences.TakeChanges().empty());
  ASSERT_TRUE(silences.Expire("x", kSilenceStart + 10));
  EXPECT_EQ(silences.TakeChanges().size(), 1U);
  EXPECT_TRUE(silences.TakeChanges().empty());
}

TEST(Silences, RefuseWhatTheDatabaseDoesNotTake) {
  Silences silences(SilenceTestOptions());
  Silence silence;
  silence.matchers.push_back(
      *LabelMatcher::Create(MatchType::kRegexp, "a", std::string_view("[\0-a]", 5)));
  silence.ends_at = kSilenceStart + 1'000;
  EXPECT_EQ(silences.Set(silence, kSilenceStart).error().message,
            "invalid silence: invalid label matcher 0: a NUL character cannot be stored");
}

TEST(NewUuid, IsVersion4AndDiffers) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = NewUuid();
    ASSERT_EQ(uuid.size(), 36U);
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string_view("89ab").find(uuid[19]), std::string_view::npos);
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

}  // namespace
}  // namespace vigil::alerting

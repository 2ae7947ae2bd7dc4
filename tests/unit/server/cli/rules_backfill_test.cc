// SPDX-License-Identifier: Apache-2.0
#include "server/cli/rules_backfill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <snappy.h>

#include <string>
#include <vector>

#include "client-lib/model/sample.h"
#include "server/remote/write_request.h"

namespace vigil::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RulesBackfillTest : public ::testing::Test {
 protected:
  RulesBackfillTest()
      : writer_(
            {.url = "http://s"},
            [this](const http::ClientRequest& request) { return Written(request); },
            [](int64_t) {}) {
    options_.start = 1'000;
    options_.end = 400'000;
    options_.steps_per_query = 3;
  }

  // Rules of one group; what the last of them gave.
  Result<RulesBackfill::Done> Run(const std::string& rule) {
    const rules::RuleFile file =
        rules::ParseRules("groups: [{name: g, rules: [" + rule + "]}]", "r.yml");
    EXPECT_TRUE(file.errors.empty()) << file.errors.front();
    RulesBackfill backfill(
        options_, [this](const std::string& path, const Pairs& pairs) { return Ask(path, pairs); },
        &writer_);
    return backfill.Run(file.groups[0], file.groups[0].rules[0]);
  }

  Result<JsonValue> Ask(const std::string& path, const Pairs& pairs) {
    std::string text = path;
    for (const auto& [name, value] : pairs) text += " " + name + "=" + value;
    asked_.push_back(text);
    if (answers_.empty()) return ParseJson(R"({"data":{"resultType":"matrix","result":[]}})");
    const std::string answer = answers_.front();
    answers_.erase(answers_.begin());
    return ParseJson(R"({"data":{"resultType":"matrix","result":[)" + answer + "]}}");
  }

  Result<http::ClientResponse> Written(const http::ClientRequest& request) {
    std::string message;
    EXPECT_TRUE(snappy::Uncompress(request.body.data(), request.body.size(), &message));
    remote::WriteRequest decoded;
    EXPECT_TRUE(remote::DecodeWriteRequest(message, &decoded).has_value());
    for (const auto& series : decoded.series) {
      std::string line = remote::DecodeLabels(series.raw_labels)->ToMetricString();
      for (size_t i = series.first_sample; i < series.first_sample + series.sample_count; ++i) {
        const double value = decoded.values[i];
        line += " " + std::to_string(decoded.timestamps[i] / 1000) + ":" +
                (IsStaleNaN(value) ? "stale" : std::to_string(static_cast<int>(value)));
      }
      written_.push_back(line);
    }
    http::ClientResponse answer;
    answer.status = 204;
    return answer;
  }

  BackfillOptions options_;
  RemoteWriter writer_;
  std::vector<std::string> answers_;
  std::vector<std::string> asked_;
  std::vector<std::string> written_;
};

TEST_F(RulesBackfillTest, AsksInPiecesOfTheGrid) {
  ASSERT_TRUE(Run("{record: r, expr: 'up + 1'}").has_value());
  EXPECT_THAT(asked_, ElementsAre("query_range query=up + 1 start=60 end=180 step=60",
                                  "query_range query=up + 1 start=240 end=360 step=60"));
  EXPECT_TRUE(written_.empty());
}

TEST_F(RulesBackfillTest, EndsSeriesThatAreGone) {
  answers_ = {R"({"metric":{"__name__":"up","a":"1"},"values":[[60,"1"],[180,"2"]]},
                 {"metric":{"a":"2","b":"x"},"values":[[60,"3"]]})",
              R"({"metric":{"a":"1"},"values":[[240,"4"],[300,"5"]]})"};
  const auto done = Run("{record: r, expr: up, labels: {b: '', c: d}}");
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(done->samples, 5U);
  EXPECT_EQ(done->series, 2U);
  EXPECT_THAT(written_,
              ElementsAre("r{a=\"1\", c=\"d\"} 60:1 120:stale 180:2 240:4 300:5 360:stale",
                          "r{a=\"2\", c=\"d\"} 60:3 120:stale"));
}

TEST_F(RulesBackfillTest, RefusesWhatCannotBeWritten) {
  answers_ = {
      R"({"metric":{"a":"1"},"values":[[60,"1"]]},{"metric":{"a":"2"},"values":[[60,"1"]]})"};
  EXPECT_THAT(Run("{record: r, expr: up, labels: {a: same}}").error().message,
              HasSubstr("same labelset"));
  answers_ = {R"({"metric":{},"histograms":[[60,{"count":"1"}]]})"};
  EXPECT_THAT(Run("{record: r, expr: up}").error().message, HasSubstr("native histograms"));
  answers_ = {R"({"metric":{},"values":[[60]]})"};
  EXPECT_THAT(Run("{record: r, expr: up}").error().message, HasSubstr("a sample that is none"));
  EXPECT_TRUE(written_.empty());
}

TEST_F(RulesBackfillTest, AsksTheServerForItsFlags) {
  const auto check = [this](const std::string& flags) {
    RulesBackfill backfill(
        options_,
        [&flags](const std::string&, const Pairs&) {
          return ParseJson(R"({"data":{)" + flags + "}}");
        },
        &writer_);
    const auto good = backfill.CheckServer();
    return good ? std::string("good") : good.error().message;
  };
  EXPECT_EQ(check(R"("web.enable-remote-write-receiver":"true","storage.allow-backfill":"true")"),
            "good");
  EXPECT_THAT(
      check(R"("web.enable-remote-write-receiver":"true","storage.allow-backfill":"false")"),
      HasSubstr("--storage.allow-backfill is missing"));
  EXPECT_THAT(check(R"("web.enable-remote-write-receiver":"false")"),
              HasSubstr("--web.enable-remote-write-receiver is missing"));
}

}  // namespace
}  // namespace vigil::cli

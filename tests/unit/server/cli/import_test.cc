// SPDX-License-Identifier: Apache-2.0
#include "server/cli/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <snappy.h>

#include <sstream>

#include "server/remote/write_request.h"

namespace vigil::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

http::ClientResponse Answer(int status, std::string body = "") {
  http::ClientResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

class ImportTest : public ::testing::Test {
 protected:
  Result<Import::Progress> Run(const std::string& text, size_t batch = 100) {
    ImportOptions options;
    options.file = "f.txt";
    options.url = "http://server";
    options.batch_samples = batch;
    options.retry_ms = 1000;
    Import import(
        options,
        [this](http::ClientRequest request) -> Result<http::ClientResponse> {
          if (!answers_.empty()) {
            const http::ClientResponse answer = answers_.back();
            answers_.pop_back();
            if (answer.status == 0) return Unavailable("connection refused");
            if (answer.status != 204) return answer;
          }
          Keep(request);
          return Answer(204);
        },
        [this](int64_t ms) { slept_ms_ += ms; }, [this](const Import::Progress&) { ++reports_; });
    std::istringstream in(text);
    return import.Run(&in);
  }

  // "name{labels} time value" of each sample received.
  void Keep(const http::ClientRequest& request) {
    EXPECT_EQ(request.url, "http://server/api/v1/write");
    std::string message;
    ASSERT_TRUE(snappy::Uncompress(request.body.data(), request.body.size(), &message));
    remote::WriteRequest decoded;
    ASSERT_TRUE(remote::DecodeWriteRequest(message, &decoded).has_value());
    for (const auto& series : decoded.series) {
      const std::string labels = remote::DecodeLabels(series.raw_labels)->ToMetricString();
      for (size_t i = 0; i < series.sample_count; ++i) {
        const size_t at = series.first_sample + i;
        received_.push_back(labels + " " + std::to_string(decoded.timestamps[at]) + " " +
                            std::to_string(static_cast<int>(decoded.values[at])));
      }
    }
  }

  std::vector<http::ClientResponse> answers_;  // the last one first; then 204
  std::vector<std::string> received_;
  int64_t slept_ms_ = 0;
  int reports_ = 0;
};

TEST_F(ImportTest, SendsSeriesBySeriesInBatches) {
  const auto done = Run(
      "# TYPE a counter\na{x=\"1\"} 1 10\na{x=\"2\"} 2 10\na{x=\"1\"} 3 -20.5\nb 4 30\n# EOF\n", 3);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(done->samples, 4U);
  EXPECT_EQ(done->series, 3U);
  EXPECT_EQ(reports_, 2);
  EXPECT_THAT(received_, ElementsAre("a{x=\"1\"} 10000 1", "a{x=\"1\"} -20500 3",
                                     "a{x=\"2\"} 10000 2", "b 30000 4"));
}

TEST_F(ImportTest, GoesOnWhenTheServerIsBusyOrAway) {
  answers_ = {Answer(204), Answer(503), Answer(0), Answer(503)};
  const auto done = Run("a 1 10\n# EOF\n");
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->retries, 3U);
  EXPECT_EQ(slept_ms_, 100 + 200 + 400);
  EXPECT_THAT(received_, ElementsAre("a 10000 1"));
}

TEST_F(ImportTest, GivesUpInTheEnd) {
  answers_ = std::vector<http::ClientResponse>(20, Answer(503, "the journal is full\n"));
  const auto done = Run("a 1 10\n# EOF\n");
  ASSERT_FALSE(done.has_value());
  EXPECT_THAT(done.error().message, HasSubstr("f.txt:1-2: the server did not take the samples"));
  EXPECT_THAT(done.error().message, HasSubstr("HTTP 503: the journal is full"));
}

TEST_F(ImportTest, SaysWhereItIsWrong) {
  const auto error = [this](const std::string& text) { return Run(text).error().message; };
  EXPECT_EQ(error("a 1 10\n\nb 1\n# EOF\n"), "f.txt:3: the sample has no timestamp");
  EXPECT_THAT(error("a{x=1} 1 10\n# EOF\n"), HasSubstr("f.txt:1: "));
  EXPECT_THAT(error("a 1 10\n"), HasSubstr("f.txt:1: the file is not complete"));
  EXPECT_EQ(error("a 1 10\n# EOF\nb 1 10\n"), "f.txt:3: there is more behind # EOF");
  answers_ = {Answer(400, "out of bounds\n")};
  EXPECT_THAT(error("a 1 10\n# EOF\n"),
              HasSubstr("refused the samples (HTTP 400: out of bounds); for samples of the past it "
                        "must run with --storage.allow-backfill"));
}

TEST(RemoteWriter, CountsTheTimeOfRequestsAsWaiting) {
  ManualClock clock;
  int tries = 0;
  RemoteWriter writer(
      {.url = "http://server", .retry_ms = 100'000, .clock = &clock},
      [&](const http::ClientRequest&) -> Result<http::ClientResponse> {
        clock.Advance(60'000);
        ++tries;
        return Timeout("no answer");
      },
      [&](int64_t ms) { clock.Advance(ms); });
  EXPECT_EQ(writer.Post("x").error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(tries, 2);
}

}  // namespace
}  // namespace vigil::cli

// SPDX-License-Identifier: Apache-2.0
// What the requests that read have in common: the list, its texts, limits, results that are sent.
#include "server/web/running_query.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "server/web/queries_api.h"
#include "server/web/query_api.h"
#include "server/web/query_runner.h"
#include "server/web/series_api.h"
#include "tests/support/memory_storage.h"

namespace vigil::web {
namespace {

class RunningQueryTest : public ::testing::Test {
 protected:
  RunningQueryTest() {
    for (int i = 0; i < 100; ++i) {
      const Labels labels = Labels::Of({{"__name__", "m"}, {"i", std::to_string(i)}});
      for (int k = 0; k < 100; ++k) store_.Add(labels, k * 1'000, k);
    }
  }
  static promql::EngineOptions Options() {
    promql::EngineOptions options;
    options.timeout_ms = 1'000;
    options.max_memory_bytes = 64 << 20;
    return options;
  }
  static promql::QueryOrigin OfKind(promql::QueryKind kind) {
    promql::QueryOrigin origin;
    origin.text = "what is asked";
    origin.kind = kind;
    return origin;
  }
  http::Response RangeQuery() {
    request_.query = "query=m&start=0&end=99&step=1";
    return Answer(request_, [this](const ApiRequest& api, JsonWriter& json) {
      return query_.Range(api, json);
    });
  }
  std::string Listed(bool with_texts) {
    const QueriesApi queries(runner_.active(), with_texts);
    return Answer(request_, [&queries](const ApiRequest& api,
                                       JsonWriter& json) { return queries.List(api, json); })
        .body;
  }

  tests::MemoryStorage store_;
  promql::Engine engine_{Options()};
  ManualClock clock_{0};
  std::stop_source stop_;
  QueryRunner runner_{engine_, store_, clock_, 1, stop_.get_token()};
  QueryApi query_{runner_, 1};
  http::Request request_;
};

TEST_F(RunningQueryTest, HasADeadlineUntilItIsSent) {
  const auto running = runner_.Begin(request_, OfKind(promql::QueryKind::kSeries));
  EXPECT_TRUE(running->CheckAlive());
  clock_.Advance(1'001);
  while (running->CheckAlive()) {
  }
  EXPECT_EQ(running->CheckAlive().error().kind, ErrorKind::kTimeout);
  running->BeginSending();
  EXPECT_TRUE(running->CheckAlive());
  EXPECT_TRUE(runner_.active().Cancel(runner_.active().List()[0].id));
  EXPECT_EQ(running->CheckAlive().error().kind, ErrorKind::kCanceled);
}

TEST_F(RunningQueryTest, SharesTheMemoryOfQueries) {
  const auto one = runner_.Begin(request_, OfKind(promql::QueryKind::kRemoteRead));
  const auto other = runner_.Begin(request_, OfKind(promql::QueryKind::kFederation));
  EXPECT_TRUE(one->Reach(40 << 20));
  EXPECT_FALSE(other->Reach(40 << 20));
}

TEST_F(RunningQueryTest, AStreamedResultIsListedAndHeldUntilItIsSent) {
  http::Response response = RangeQuery();
  ASSERT_TRUE(response.stream != nullptr);
  ASSERT_EQ(runner_.active().List().size(), 1U);
  EXPECT_EQ(runner_.active().List()[0].state, promql::QueryState::kSending);
  EXPECT_EQ(runner_.active().expressions(), 0U);
  std::string sent;
  EXPECT_TRUE(response.stream([&sent](std::string_view piece) {
    sent += piece;
    return true;
  }));
  EXPECT_TRUE(sent.ends_with("}]}}")) << sent.substr(sent.size() - 20);
  response = http::Response();
  EXPECT_TRUE(runner_.active().List().empty());
}

TEST_F(RunningQueryTest, AStreamedResultThatIsCanceledIsCutOff) {
  const http::Response response = RangeQuery();
  EXPECT_TRUE(runner_.active().Cancel(runner_.active().List()[0].id));
  EXPECT_FALSE(response.stream([](std::string_view) { return true; }));
}

TEST_F(RunningQueryTest, WithoutTheAdminApiNobodySeesWhatOthersAsk) {
  request_.remote_address = "10.1.2.3";
  const auto running = runner_.Begin(request_, OfKind(promql::QueryKind::kSearch));
  const std::string open = Listed(true);
  EXPECT_NE(open.find("what is asked"), std::string::npos) << open;
  EXPECT_NE(open.find("10.1.2.3"), std::string::npos) << open;
  EXPECT_EQ(open.find("redacted"), std::string::npos) << open;
  const std::string redacted = Listed(false);
  EXPECT_EQ(redacted.find("what is asked"), std::string::npos) << redacted;
  EXPECT_EQ(redacted.find("10.1.2.3"), std::string::npos) << redacted;
  EXPECT_NE(redacted.find(R"("redacted":true)"), std::string::npos) << redacted;
  EXPECT_NE(redacted.find(R"("kind":"search","state":"queued")"), std::string::npos) << redacted;
}

TEST_F(RunningQueryTest, SeriesAndLabelsEndWithTheServer) {
  const SeriesApi series(runner_, store_);
  request_.query = "match[]=m";
  request_.path_values = {{"name", "i"}};
  const auto answers = [&] {
    std::string statuses;
    for (const auto member :
         {&SeriesApi::Series, &SeriesApi::LabelNames, &SeriesApi::LabelValues}) {
      const http::Response response = Answer(
          request_,
          [&](const ApiRequest& api, JsonWriter& json) { return (series.*member)(api, json); });
      statuses += std::to_string(response.status) + " ";
    }
    return statuses;
  };
  EXPECT_EQ(answers(), "200 200 200 ");
  stop_.request_stop();
  EXPECT_EQ(answers(), "499 499 499 ");
}

}  // namespace
}  // namespace vigil::web

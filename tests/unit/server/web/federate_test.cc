// SPDX-License-Identifier: Apache-2.0
#include "server/web/federate.h"

#include <gtest/gtest.h>

#include "server/web/query_runner.h"
#include "tests/support/memory_storage.h"

namespace vigil::web {
namespace {

class FederationTest : public ::testing::Test {
 protected:
  FederationTest() {
    store_.Add(Labels::Of({{"__name__", "up"}, {"instance", "i"}, {"job", "b"}}), 100'000, 1);
    store_.Add(Labels::Of({{"__name__", "up"}, {"instance", "i"}, {"job", "a"}}), 90'000, 0.5);
    store_.Add(Labels::Of({{"__name__", "old"}}), 1'000, 1);
    store_.Add(Labels::Of({{"__name__", "gone"}}), 80'000, 1);
    store_.Add(Labels::Of({{"__name__", "gone"}}), 95'000, StaleNaN());
    store_.Add(Labels::Of({{"__name__", "all:up"}, {"site", "own"}}), 99'000, 2);
    Histogram h;
    h.count = 3;
    h.sum = 4;
    h.positive_spans = {{0, 1}};
    h.positive_buckets = {3};
    store_.AddHistogram(Labels::Of({{"__name__", "sizes"}}), 98'000, h);
  }
  http::Response Get(std::string query, std::string accept = {}) {
    const Federation federation(runner_, store_, clock_, 60'000, [this] { return external_; });
    http::Request request;
    request.query = std::move(query);
    request.headers.Add("Accept", std::move(accept));
    return federation.Handle(request);
  }
  promql::Engine engine_{promql::EngineOptions{}};
  tests::MemoryStorage store_;
  ManualClock clock_{100'500};
  std::stop_source stop_;
  QueryRunner runner_{engine_, store_, clock_, 1, stop_.get_token()};
  Labels external_ = Labels::Of({{"site", "north"}, {"area", "x"}});
};

TEST_F(FederationTest, GivesTheNewestSamplesByName) {
  const http::Response response =
      Get("match[]=%7Bjob%3D~%22.%2B%22%7D&match[]=up&match[]=all:up&match[]=old&match[]=gone");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type,
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
  EXPECT_EQ(response.body,
            "# TYPE all:up untyped\n"
            "all:up{site=\"own\",area=\"x\",instance=\"\"} 2 99000\n"
            "# TYPE up untyped\n"
            "up{instance=\"i\",job=\"a\",area=\"x\",site=\"north\"} 0.5 90000\n"
            "up{instance=\"i\",job=\"b\",area=\"x\",site=\"north\"} 1 100000\n");
}

TEST_F(FederationTest, WithoutSelectorsThePageIsEmpty) {
  EXPECT_EQ(Get("").status, 200);
  EXPECT_EQ(Get("").body, "");
  EXPECT_EQ(Get("match[]=up%7B").status, 400);
  EXPECT_EQ(Get("match[]=up%7B").body, "1:4: parse error: unexpected end of input inside braces\n");
}

TEST_F(FederationTest, HistogramsAreForProtobufOnly) {
  EXPECT_EQ(Get("match[]=sizes").body, "");
  const http::Response response =
      Get("match[]=sizes",
          "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
          "encoding=delimited;q=0.8,text/plain;q=0.5");
  EXPECT_EQ(response.content_type,
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited; escaping=underscores");
  // The length, then name = 1 and type = 3: a histogram.
  EXPECT_EQ(response.body.substr(1, 9), std::string("\x0a\x05sizes\x18\x04", 9));
  EXPECT_EQ(static_cast<size_t>(response.body[0]), response.body.size() - 1);
}

TEST_F(FederationTest, IsListedUntilItIsSentAndEndsWithTheServer) {
  http::Response response = Get("match[]=up&match[]=old");
  ASSERT_EQ(runner_.active().List().size(), 1U);
  const promql::ActiveQuery query = runner_.active().List()[0];
  EXPECT_EQ(promql::QueryKindName(query.origin.kind), "federation");
  EXPECT_EQ(query.origin.text, "up, old");
  EXPECT_EQ(query.state, promql::QueryState::kSending);
  EXPECT_EQ(query.series, 2);
  EXPECT_EQ(query.samples, 2);
  response = http::Response();
  EXPECT_TRUE(runner_.active().List().empty());
  stop_.request_stop();
  EXPECT_EQ(Get("match[]=up").status, 499);
}

TEST_F(FederationTest, EscapesNamesAsAskedFor) {
  store_.Add(Labels::Of({{"__name__", "a.b"}, {"c.d", "e"}, {"instance", "i"}}), 100'000, 1);
  external_ = Labels();
  const std::string query = "match[]=%7B%22a.b%22%7D";
  EXPECT_EQ(Get(query).body, "# TYPE a_b untyped\na_b{c_d=\"e\",instance=\"i\"} 1 100000\n");
  EXPECT_EQ(Get(query, "text/plain;version=0.0.4;escaping=allow-utf-8").body,
            "# TYPE \"a.b\" untyped\n{\"a.b\",\"c.d\"=\"e\",instance=\"i\"} 1 100000\n");
  EXPECT_EQ(Get(query, "text/plain;escaping=values;q=0.1, */*;q=0.01").content_type,
            "text/plain; version=0.0.4; charset=utf-8; escaping=values");
}

}  // namespace
}  // namespace vigil::web

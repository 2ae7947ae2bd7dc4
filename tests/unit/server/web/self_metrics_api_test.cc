// SPDX-License-Identifier: Apache-2.0
#include "server/web/self_metrics_api.h"

#include <gtest/gtest.h>

namespace vigil::web {
namespace {

constexpr std::string_view kPage =
    "# HELP a_total Line \\\\ one\\nand two\n"
    "# TYPE a_total counter\n"
    "a_total{x=\"1\",y=\"<\"} 3\n"
    "a_total 4\n"
    "# TYPE empty gauge\n"
    "# TYPE b gauge\n"
    "b NaN\n"
    "# TYPE h histogram\n"
    "h_bucket{x=\"1\",le=\"0.5\"} 1\n"
    "h_bucket{x=\"1\",le=\"+Inf\"} 2\n"
    "h_sum{x=\"1\"} 1.5\n"
    "h_count{x=\"1\"} 2\n"
    "# TYPE s summary\n"
    "s{quantile=\"0.9\"} 7\n"
    "s_sum 70\n"
    "s_count 10\n"
    "s_sum{x=\"2\"} 1\n"
    "s_count{x=\"2\"} 1\n";

http::Response List(std::string query, std::string_view page = kPage) {
  const SelfMetricsApi api([page] { return std::string(page); });
  http::Request request;
  request.query = std::move(query);
  return Answer(request,
                [&api](const ApiRequest& r, JsonWriter& json) { return api.List(r, json); });
}

TEST(SelfMetricsApi, WritesFamiliesAsProtobufJson) {
  EXPECT_EQ(
      List("").body,
      R"({"status":"success","data":[)"
      R"({"name":"a_total","help":"Line \\ one\nand two","type":"COUNTER","metric":[)"
      R"({"label":[{"name":"x","value":"1"},{"name":"y","value":"\u003c"}],"counter":{"value":3}},)"
      R"({"counter":{"value":4}}]},)"
      R"({"name":"b","type":"GAUGE","metric":[{"gauge":{"value":"NaN"}}]},)"
      R"({"name":"h","type":"HISTOGRAM","metric":[{"label":[{"name":"x","value":"1"}],)"
      R"("histogram":{"sampleCount":"2","sampleSum":1.5,"bucket":[)"
      R"({"cumulativeCount":"1","upperBound":0.5},)"
      R"({"cumulativeCount":"2","upperBound":"Infinity"}]}}]},)"
      R"({"name":"s","type":"SUMMARY","metric":[)"
      R"({"summary":{"sampleCount":"10","sampleSum":70,"quantile":[{"quantile":0.9,"value":7}]}},)"
      R"({"label":[{"name":"x","value":"2"}],"summary":{"sampleCount":"1","sampleSum":1}}]}]})");
}

TEST(SelfMetricsApi, TakesTheNamesThatMatch) {
  EXPECT_EQ(List("metric_name_pattern=b%7Ca").body,
            R"({"status":"success","data":[{"name":"b","type":"GAUGE","metric":[)"
            R"({"gauge":{"value":"NaN"}}]}]})");
  EXPECT_EQ(List("metric_name_pattern=nothing").body, R"({"status":"success","data":[]})");
  const http::Response broken = List("metric_name_pattern=(");
  EXPECT_EQ(broken.status, 400);
  EXPECT_NE(broken.body.find("metric_name_pattern"), std::string::npos) << broken.body;
}

TEST(SelfMetricsApi, SaysWhenThePageIsBroken) { EXPECT_EQ(List("", "a{b=\"c} 1\n").status, 400); }

}  // namespace
}  // namespace vigil::web

// SPDX-License-Identifier: Apache-2.0
// The whole gateway behind a real socket, as its clients use it.
#include "pushgateway/gateway.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/http/client.h"

namespace vigil::pushgateway {
namespace {

// gzip of "g 1\n".
constexpr unsigned char kGzip[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
                                   0x02, 0x03, 0x4b, 0x57, 0x30, 0xe4, 0x02, 0x00,
                                   0xea, 0xb8, 0x70, 0x99, 0x04, 0x00, 0x00, 0x00};

class GatewayTest : public testing::Test {
 protected:
  void Serve(const GatewayOptions& options, std::vector<const char*> args = {}) {
    toolkit::AppInfo info;
    info.program = "vigil-pushgateway";
    info.metric_name = "pushgateway";
    info.has_prefix = true;
    info.landing_page = false;
    info.healthy_text = "OK";
    app_ = std::make_unique<toolkit::App>(info);
    args.insert(args.begin(), {"test", "--web.listen-address=127.0.0.1:0", "--log.level=error"});
    app_->ParseOrExit(static_cast<int>(args.size()), args.data());
    gateway_ = std::make_unique<Gateway>(options, clock_);
    gateway_->AddRoutes(app_.get());
    const auto started = app_->Start();
    ASSERT_TRUE(started) << started.error().message;
    base_ = "http://127.0.0.1:" + std::to_string(app_->ports()[0]);
  }
  void TearDown() override {
    if (app_ != nullptr) app_->Stop();
  }

  http::ClientResponse Send(const std::string& method, const std::string& path,
                            std::string body = {}, http::Headers headers = {}) {
    http::ClientRequest request;
    request.method = method;
    request.url = base_ + path;
    request.body = std::move(body);
    request.headers = std::move(headers);
    auto response = http::Fetch(std::move(request));
    EXPECT_TRUE(response) << response.error().message;
    return response ? *std::move(response) : http::ClientResponse();
  }
  int Status(const std::string& method, const std::string& path, std::string body = {}) {
    return Send(method, path, std::move(body)).status;
  }
  bool Page(const std::string& wanted) {
    return Send("GET", "/metrics").body.find(wanted) != std::string::npos;
  }

  ManualClock clock_{1'700'000'000'500};
  std::unique_ptr<toolkit::App> app_;
  std::unique_ptr<Gateway> gateway_;
  std::string base_;
};

TEST_F(GatewayTest, PushesAndServes) {
  Serve({});
  EXPECT_EQ(Status("PUT", "/metrics/job/backup", "# TYPE done gauge\ndone 1\n"), 200);
  EXPECT_EQ(Status("POST", "/metrics/job/backup/zone/eu", "# TYPE done gauge\ndone 2\n"), 200);
  const http::ClientResponse page = Send("GET", "/metrics");
  EXPECT_EQ(page.content_type, "text/plain; version=0.0.4; charset=utf-8");
  for (const char* wanted :
       {"# TYPE done gauge\ndone{instance=\"\",job=\"backup\"} 1\n"
        "done{instance=\"\",job=\"backup\",zone=\"eu\"} 2\n",
        "push_time_seconds{instance=\"\",job=\"backup\"} 1.7000000005e+09\n",
        "push_failure_time_seconds{instance=\"\",job=\"backup\"} 0\n",
        "pushgateway_http_requests_total{code=\"200\",handler=\"push\",method=\"put\"} 1\n",
        "# TYPE pushgateway_build_info gauge\n", "process_cpu_seconds_total "}) {
    EXPECT_NE(page.body.find(wanted), std::string::npos) << wanted;
  }
  EXPECT_EQ(Status("DELETE", "/metrics/job/backup"), 202);
  EXPECT_FALSE(Page("done{instance=\"\",job=\"backup\"} 1\n"));
}

TEST_F(GatewayTest, TakesWhatClientsSend) {
  Serve({});
  http::Headers form;
  form.Add("Content-Type", "application/x-www-form-urlencoded");  // curl --data-binary
  EXPECT_EQ(Send("POST", "/metrics/job/curl", "c 1\n", form).status, 200);
  http::Headers gzip;
  gzip.Add("Content-Encoding", "gzip");
  const std::string zipped(reinterpret_cast<const char*>(kGzip), sizeof(kGzip));
  EXPECT_EQ(Send("PUT", "/metrics/job/js", zipped, gzip).status, 200);
  EXPECT_EQ(Status("PUT", "/metrics/job/js/path/%2Fvar%2Flog", "s 1\n"), 200);
  EXPECT_EQ(Status("PUT", "/metrics/job@base64/L2E=/empty@base64/=", "b 1\n"), 200);
  EXPECT_EQ(Send("DELETE", "/metrics/job/curl", "body of a delete", form).status, 202);
  EXPECT_TRUE(Page("g{instance=\"\",job=\"js\"} 1\n"));
  EXPECT_TRUE(Page("s{instance=\"\",job=\"js\",path=\"/var/log\"} 1\n"));
  EXPECT_TRUE(Page("b{empty=\"\",instance=\"\",job=\"/a\"} 1\n"));
}

TEST_F(GatewayTest, AnswersBadPushesWithOneSentence) {
  Serve({});
  http::Headers protobuf;
  protobuf.Add("Content-Type",
               "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
               "encoding=delimited");
  const auto unsupported = Send("PUT", "/metrics/job/j", "\x05", protobuf);
  EXPECT_EQ(unsupported.status, 415);
  EXPECT_EQ(unsupported.body,
            "the protobuf format is not supported yet: push the text format 0.0.4\n");
  http::Headers snappy;
  snappy.Add("Content-Encoding", "snappy");
  EXPECT_EQ(Send("PUT", "/metrics/job/j", "x", snappy).status, 400);
  EXPECT_EQ(Status("PUT", "/metrics/job/j", "nonsense"), 400);
  EXPECT_EQ(Status("PUT", "/metrics/job/j/x", "a 1\n"), 400);
  EXPECT_EQ(Status("PUT", "/metrics/foo/x", "a 1\n"), 404);
  EXPECT_EQ(Status("GET", "/metrics/job/j"), 405);
  // Nothing of all this left a trace but the counters.
  EXPECT_FALSE(Page("push_time_seconds{"));
  EXPECT_TRUE(Page("code=\"415\",handler=\"push\",method=\"put\"} 1\n"));
}

TEST_F(GatewayTest, DangerousThingsAreOffByDefault) {
  Serve({});
  EXPECT_EQ(Status("PUT", "/metrics/job/j", "a 1\n"), 200);
  EXPECT_EQ(Status("PUT", "/api/v1/admin/wipe"), 404);
  EXPECT_EQ(Status("PUT", "/-/quit"), 403);
  EXPECT_EQ(Status("GET", "/-/quit"), 405);
  EXPECT_TRUE(Page("a{"));
}

TEST_F(GatewayTest, WipesAndQuitsWhenAllowed) {
  GatewayOptions options;
  options.enable_admin_api = true;
  options.enable_lifecycle = true;
  Serve(options);
  EXPECT_EQ(Status("PUT", "/metrics/job/j", "a 1\n"), 200);
  EXPECT_EQ(Status("PUT", "/api/v1/admin/wipe"), 202);
  EXPECT_FALSE(Page("a{"));
  EXPECT_EQ(Status("POST", "/-/quit"), 200);
  app_->WaitForStop();
}

TEST_F(GatewayTest, WithoutConsistencyCheckPushesAreAcceptedOnly) {
  GatewayOptions options;
  options.disable_consistency_check = true;
  Serve(options);
  EXPECT_EQ(Status("PUT", "/metrics/job/j", "# TYPE a gauge\na 1\n"), 202);
  EXPECT_EQ(Status("PUT", "/metrics/job/k", "# TYPE a counter\na 1\n"), 202);
  EXPECT_EQ(Status("PUT", "/metrics/job/l", "a 1 99\n"), 400);
  EXPECT_EQ(Status("GET", "/metrics"), 500);
  EXPECT_EQ(Status("DELETE", "/metrics/job/k"), 202);
  EXPECT_EQ(Status("GET", "/metrics"), 200);
}

TEST_F(GatewayTest, ServesItsOtherPages) {
  Serve({});
  EXPECT_EQ(Status("PUT", "/metrics/job/<j>", "a 1\n"), 200);
  EXPECT_EQ(Send("GET", "/-/healthy").body, "OK");
  EXPECT_EQ(Status("GET", "/-/ready"), 200);
  const std::string page = Send("GET", "/").body;
  EXPECT_NE(page.find("job=&#34;&lt;j&gt;&#34;"), std::string::npos) << page;
  EXPECT_NE(Send("GET", "/api/v1/status").body.find("\"web.listen-address\":\"127.0.0.1:0\""),
            std::string::npos);
  EXPECT_EQ(Status("GET", "/nowhere"), 404);
}

TEST_F(GatewayTest, MetricsAsJson) {
  Serve({});
  EXPECT_EQ(Status("PUT", "/metrics/job/j",
                   "# HELP a say \"a\"\n# TYPE a counter\na{x=\"y\"} 1\n"
                   "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
                   "h_sum 3\nh_count 2\n"),
            200);
  const http::ClientResponse answer = Send("GET", "/api/v1/metrics");
  EXPECT_EQ(answer.content_type, "application/json");
  for (const char* wanted :
       {"{\"status\":\"success\",\"data\":[{\"labels\":{\"job\":\"j\"},"
        "\"last_push_successful\":true,",
        "\"a\":{\"time_stamp\":\"2023-11-14T22:13:20.500Z\",\"type\":\"COUNTER\",\"help\":\"say "
        "\\\"a\\\"\",\"metrics\":[{\"labels\":{\"instance\":\"\",\"job\":\"j\",\"x\":\"y\"},"
        "\"value\":\"1\"}]}",
        "\"metrics\":[{\"labels\":{\"instance\":\"\",\"job\":\"j\"},\"buckets\":{\"1\":\"1\","
        "\"+Inf\":\"2\"},\"count\":\"2\",\"sum\":\"3\"}]"}) {
    EXPECT_NE(answer.body.find(wanted), std::string::npos) << wanted << "\n" << answer.body;
  }
}

TEST_F(GatewayTest, RoutePrefixIsBeforeAllPaths) {
  Serve({}, {"--web.route-prefix=/push"});
  EXPECT_EQ(Status("PUT", "/push/metrics/job/j", "a 1\n"), 200);
  EXPECT_EQ(Status("GET", "/push/metrics"), 200);
  EXPECT_NE(Send("GET", "/push/").body.find("/push/metrics/job@base64/"), std::string::npos);
}

TEST(GatewayOptions, SaysWhatIsNotThereYet) {
  GatewayOptions options;
  EXPECT_TRUE(options.Check());
  options.persistence_file = "/tmp/x";
  EXPECT_EQ(options.Check().error().message,
            "--persistence.file is not supported yet: metrics are kept in memory only");
}

}  // namespace
}  // namespace vigil::pushgateway

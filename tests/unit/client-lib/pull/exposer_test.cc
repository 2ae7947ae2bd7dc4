// SPDX-License-Identifier: Apache-2.0
#include "client-lib/include/vigil/exposer.h"

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <stdexcept>

#include "client-lib/http/client.h"

namespace vigil {
namespace {

class ExposerTest : public testing::Test {
 protected:
  ExposerTest() : exposer_("127.0.0.1:0", 4), registry_(std::make_shared<prometheus::Registry>()) {
    prometheus::BuildCounter()
        .Name("jobs_total")
        .Help("Jobs\nby kind.")
        .Register(*registry_)
        .Add({{"kind", "a\"b"}})
        .Increment(0.1 + 0.2);
  }
  http::ClientResponse Get(const std::string& path, http::ClientOptions options = {}) {
    http::ClientRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(exposer_.GetListeningPorts().at(0)) + path;
    request.options = std::make_shared<http::ClientOptions>(std::move(options));
    return http::Fetch(std::move(request)).value();
  }
  Exposer exposer_;
  std::shared_ptr<prometheus::Registry> registry_;
};

TEST_F(ExposerTest, ServesARegistry) {
  exposer_.RegisterCollectable(registry_);
  const http::ClientResponse page = Get("/metrics");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(page.body,
            "# HELP jobs_total Jobs\\nby kind.\n# TYPE jobs_total counter\n"
            "jobs_total{kind=\"a\\\"b\"} 0.30000000000000004\n");
  EXPECT_EQ(Get("/other").status, 404);
}

TEST_F(ExposerTest, JoinsFamiliesOfSeveralCollectables) {
  const auto more = std::make_shared<prometheus::Registry>();
  prometheus::BuildCounter().Name("jobs_total").Help("Jobs.").Register(*more).Add({{"kind", "c"}});
  prometheus::BuildGauge().Name("a").Help("A.").Register(*more).Add({}).Set(1);
  exposer_.RegisterCollectable(registry_);
  exposer_.RegisterCollectable(more);
  EXPECT_EQ(Get("/metrics").body,
            "# HELP a A.\n# TYPE a gauge\na 1\n"
            "# HELP jobs_total Jobs\\nby kind.\n# TYPE jobs_total counter\n"
            "jobs_total{kind=\"a\\\"b\"} 0.30000000000000004\njobs_total{kind=\"c\"} 0\n");
}

TEST_F(ExposerTest, HasSeveralPaths) {
  const auto other = std::make_shared<prometheus::Registry>();
  exposer_.RegisterCollectable(registry_, "/a");
  exposer_.RegisterCollectable(other, "/b");
  EXPECT_NE(Get("/a").body, "");
  EXPECT_EQ(Get("/b").body, "");
  EXPECT_EQ(Get("/metrics").status, 404);
}

TEST_F(ExposerTest, ForgetsTheDeadAndTheRemoved) {
  auto dying = std::make_shared<prometheus::Registry>();
  prometheus::BuildGauge().Name("dying").Help("D.").Register(*dying).Add({});
  exposer_.RegisterCollectable(dying);
  exposer_.RegisterCollectable(registry_);
  EXPECT_NE(Get("/metrics").body.find("dying 0"), std::string::npos);
  dying.reset();
  EXPECT_EQ(Get("/metrics").body.find("dying"), std::string::npos);
  exposer_.RemoveCollectable(registry_);
  EXPECT_EQ(Get("/metrics").body, "");
}

TEST_F(ExposerTest, AsksForCredentials) {
  exposer_.RegisterCollectable(registry_);
  exposer_.RegisterAuth([](const std::string& user, const std::string& password) {
    return user == "u" && password == "p:q";
  });
  const http::ClientResponse denied = Get("/metrics");
  EXPECT_EQ(denied.status, 401);
  EXPECT_EQ(denied.headers.Get("WWW-Authenticate"), "Basic realm=\"Exposer\"");
  http::ClientOptions options;
  options.basic_auth_username = "u";
  options.basic_auth_password = "p:q";
  EXPECT_EQ(Get("/metrics", options).status, 200);
  options.basic_auth_password = "wrong";
  EXPECT_EQ(Get("/metrics", options).status, 401);
}

class Throwing : public prometheus::Collectable {
 public:
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    throw std::runtime_error("sensor is gone");
  }
};

TEST_F(ExposerTest, ACollectableThatThrowsIs500) {
  const auto throwing = std::make_shared<Throwing>();
  exposer_.RegisterCollectable(throwing);
  EXPECT_EQ(Get("/metrics").status, 500);
}

TEST(Exposer, SaysWhyItCannotListen) {
  EXPECT_THROW(Exposer("[::1]:0"), std::runtime_error);
  std::string error;
  EXPECT_EQ(Exposer::TryCreate({{"127.0.0.1:x"}, 2, {}, {}}, &error), nullptr);
  EXPECT_NE(error.find("127.0.0.1:x"), std::string::npos);
  EXPECT_EQ(Exposer::TryCreate({{"127.0.0.1:0"}, 2, "/no.crt", "/no.key"}, &error), nullptr);
  EXPECT_NE(error.find("/no.crt"), std::string::npos);
}

TEST(Exposer, TakesABarePort) {
  const Exposer exposer("0,127.0.0.1:0");
  EXPECT_EQ(exposer.GetListeningPorts().size(), 2u);
}

}  // namespace
}  // namespace vigil

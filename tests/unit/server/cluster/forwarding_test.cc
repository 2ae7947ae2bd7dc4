// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/forwarding.h"

#include <gtest/gtest.h>

namespace vigil::cluster {
namespace {

constexpr const char* kLeader = "http://leader:9090/vigil";

http::Request Asked(const std::string& raw_path) {
  http::Request request;
  request.method = "POST";
  request.raw_path = raw_path;
  request.query = "a=b%20c";
  request.body = "the body";
  return request;
}

TEST(Forwarding, PassesTheRequestOnAsItIs) {
  http::Request request = Asked("/own/api/v1/label/a%2Fb/values");
  request.headers.Add("Content-Type", "application/x-protobuf");
  request.headers.Add("Content-Encoding", "snappy");
  request.headers.Add("Authorization", "Basic x");
  request.headers.Add("X-Custom", "1");
  request.headers.Add("X-Custom", "2");
  const auto out = RequestToLeader(request, kLeader, "/own", "http://me");
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->method, "POST");
  EXPECT_EQ(out->url, "http://leader:9090/vigil/api/v1/label/a%2Fb/values?a=b%20c");
  EXPECT_EQ(out->body, "the body");
  EXPECT_FALSE(out->accept_compression);
  EXPECT_EQ(out->headers.Get("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(out->headers.Get("Content-Encoding"), "snappy");
  EXPECT_EQ(out->headers.Get("Authorization"), "Basic x");
  EXPECT_EQ(out->headers.Get(kForwardedBy), "http://me");
  EXPECT_EQ(out->headers.items().size(), 6U);
}

TEST(Forwarding, KeepsHeadersOfOneHop) {
  http::Request request = Asked("/x");
  for (const char* name : {"Connection", "Keep-Alive", "TE", "Upgrade", "Host", "content-length",
                           "Transfer-Encoding", "Expect", "Accept-Encoding", "X-Mine"}) {
    request.headers.Add(name, std::string(name) == "Connection" ? "close, x-mine" : "v");
  }
  const auto out = RequestToLeader(request, kLeader, "", "me");
  ASSERT_TRUE(out);
  ASSERT_EQ(out->headers.items().size(), 1U);
  EXPECT_EQ(out->headers.items()[0].first, kForwardedBy);
}

TEST(Forwarding, PassesNothingOnTwice) {
  http::Request request = Asked("/x");
  request.headers.Add("x-vigil-forwarded-by", "http://other");
  const auto out = RequestToLeader(request, kLeader, "", "me");
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().kind, ErrorKind::kUnavailable);
  EXPECT_NE(out.error().message.find("http://other"), std::string::npos);
}

TEST(Forwarding, RefusesWhatIsNotBelowThePrefix) {
  for (const char* path : {"/ownx", "/own", "/", "/other/own/x"}) {
    http::Request request = Asked(path);
    const auto out = RequestToLeader(request, kLeader, "/own", "me");
    ASSERT_FALSE(out) << path;
    EXPECT_EQ(out.error().kind, ErrorKind::kNotFound);
  }
}

// The client library resolves them, and the leader would see another path than was looked at here.
TEST(Forwarding, RefusesPathsWithDots) {
  for (const char* path : {"/a/../-/quit", "/./x", "/a/%2e%2E/b", "/..", "/a/%zz"}) {
    http::Request request = Asked(path);
    const auto out = RequestToLeader(request, kLeader, "", "me");
    ASSERT_FALSE(out) << path;
    EXPECT_EQ(out.error().kind, ErrorKind::kBadData);
  }
  http::Request request = Asked("/a..b/...");
  EXPECT_TRUE(RequestToLeader(request, kLeader, "", "me"));
}

TEST(Forwarding, PassesTheAnswerBack) {
  http::ClientResponse answer;
  answer.status = 429;
  answer.content_type = "text/html";
  answer.body = "later";
  answer.headers.Add("Content-Type", "text/html");
  answer.headers.Add("Content-Length", "5");
  answer.headers.Add("Date", "now");
  answer.headers.Add("Retry-After", "7");
  answer.headers.Add("Content-Encoding", "snappy");
  answer.headers.Add("Vary", "Accept-Encoding");
  answer.headers.Add("Vary", "Origin");
  const http::Response response = AnswerOfLeader(std::move(answer));
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.content_type, "text/html");
  EXPECT_EQ(response.body, "later");
  ASSERT_EQ(response.headers.items().size(), 3U);
  EXPECT_EQ(response.headers.Get("Retry-After"), "7");
  EXPECT_EQ(response.headers.Get("Content-Encoding"), "snappy");
  EXPECT_EQ(response.headers.Get("Vary"), "Origin");
}

}  // namespace
}  // namespace vigil::cluster

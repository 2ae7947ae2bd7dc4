// SPDX-License-Identifier: Apache-2.0
#include "server/web/cors.h"

#include <gtest/gtest.h>

namespace vigil::web {
namespace {

http::Response With(const char* pattern, const char* origin) {
  http::Request request;
  if (origin != nullptr) request.headers.Add("Origin", origin);
  http::Response response;
  Cors::Create(pattern)->SetHeaders(request, &response);
  return response;
}

TEST(Cors, SaysNothingToThoseWhoAreNoBrowsers) {
  EXPECT_TRUE(With(".*", nullptr).headers.items().empty());
}

TEST(Cors, LetsEverybodyInByDefault) {
  const http::Response response = With(".*", "http://example.org");
  EXPECT_EQ(response.headers.Get("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(response.headers.Get("Access-Control-Allow-Methods"), "GET, POST, OPTIONS");
  EXPECT_EQ(response.headers.Get("Access-Control-Expose-Headers"), "Date");
  EXPECT_EQ(response.headers.Get("Vary"), "Origin");
}

TEST(Cors, NamesTheOriginThatMatchesAsAWhole) {
  constexpr const char* kPattern = "https?://(a|b)\\.org";
  EXPECT_EQ(With(kPattern, "https://a.org").headers.Get("Access-Control-Allow-Origin"),
            "https://a.org");
  EXPECT_FALSE(With(kPattern, "https://a.org.evil").headers.Has("Access-Control-Allow-Origin"));
  EXPECT_TRUE(With(kPattern, "https://c.org").headers.Has("Access-Control-Allow-Methods"));
}

TEST(Cors, RefusesABrokenPattern) {
  const auto broken = Cors::Create("(");
  ASSERT_FALSE(broken.has_value());
  EXPECT_TRUE(broken.error().message.starts_with("--web.cors.origin: "));
}

}  // namespace
}  // namespace vigil::web

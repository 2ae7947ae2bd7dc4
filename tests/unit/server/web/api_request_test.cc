// SPDX-License-Identifier: Apache-2.0
#include "server/web/api_request.h"

#include <gtest/gtest.h>

namespace vigil::web {
namespace {

http::Params Of(std::string_view query) { return http::Params::Parse(query).value(); }

TEST(ApiRequest, ReadsTimesInAllSpellings) {
  const http::Request http;
  const ApiRequest request{
      http, Of("a=1435781430.7816&b=2015-07-01T20:10:51.781Z&c=x&"
               "d=-292273086-05-16T16:47:06Z&e=292277025-08-18T07:12:54.999999999Z&f=1e30")};
  EXPECT_EQ(request.Time("a").value(), 1435781430782);
  EXPECT_EQ(request.Time("b").value(), 1435781451781);
  EXPECT_EQ(request.Time("c").error().message,
            "invalid parameter \"c\": cannot parse \"x\" to a valid timestamp");
  EXPECT_EQ(request.Time("d").value(), kMinTime);
  EXPECT_EQ(request.Time("e").value(), kMaxTime);
  EXPECT_EQ(request.TimeOr("missing", 42).value(), 42);
  EXPECT_EQ(request.TimeOr("c", 42).error().message,
            "invalid parameter \"c\": Invalid time value for 'c': cannot parse \"x\" to a valid "
            "timestamp");
}

TEST(ApiRequest, ReadsDurations) {
  const http::Request http;
  const ApiRequest request{http, Of("a=15&b=1h30m&c=0.5&d=x&e=1e20")};
  EXPECT_EQ(request.Duration("a").value(), 15000);
  EXPECT_EQ(request.Duration("b").value(), 5400000);
  EXPECT_EQ(request.Duration("c").value(), 500);
  EXPECT_FALSE(request.Duration("d").has_value());
  EXPECT_FALSE(request.Duration("e").has_value());
}

TEST(ApiRequest, ReadsLimits) {
  const http::Request http;
  EXPECT_EQ((ApiRequest{http, Of("limit=3")}.Limit().value()), 3u);
  EXPECT_EQ((ApiRequest{http, Of("")}.Limit().value()), 0u);
  EXPECT_FALSE((ApiRequest{http, Of("limit=-1")}.Limit().has_value()));
  EXPECT_FALSE((ApiRequest{http, Of("limit=x")}.Limit().has_value()));
}

TEST(ApiRequest, RefusesMatchersThatMatchEverything) {
  const http::Request http;
  EXPECT_EQ((ApiRequest{http, Of("match[]=up&match[]={job=~\".%2B\"}")}.MatcherSets()->size()), 2u);
  const auto empty = ApiRequest{http, Of("match[]={job=~\".*\"}")}.MatcherSets();
  ASSERT_FALSE(empty.has_value());
  EXPECT_EQ(empty.error().kind, ErrorKind::kBadData);
  EXPECT_FALSE((ApiRequest{http, Of("match[]=up{")}.MatcherSets().has_value()));
}

TEST(ApiRequest, ReadsBooleansAsGoDoes) {
  const http::Request http;
  const ApiRequest request{http, Of("a=T&b=0&c=yes")};
  EXPECT_TRUE(request.Bool("a").value());
  EXPECT_FALSE(request.Bool("b").value());
  EXPECT_FALSE(request.Bool("missing").value());
  EXPECT_EQ(request.Bool("c").error().message,
            "invalid parameter \"c\": unable to parse boolean: strconv.ParseBool: parsing "
            "\"yes\": invalid syntax");
}

}  // namespace
}  // namespace vigil::web

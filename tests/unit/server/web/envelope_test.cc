// SPDX-License-Identifier: Apache-2.0
#include "server/web/envelope.h"

#include <gtest/gtest.h>

namespace vigil::web {
namespace {

http::Request Get(std::string query = {}) {
  http::Request request;
  request.method = "GET";
  request.query = std::move(query);
  return request;
}

TEST(Envelope, WrapsDataAndAnnotations) {
  const http::Response response =
      Answer(Get(), [](const ApiRequest&, JsonWriter& json) -> Result<Annotations> {
        json.BeginArray().Int(1).EndArray();
        return Annotations{{"w"}, {"i"}};
      });
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"status":"success","data":[1],"warnings":["w"],"infos":["i"]})");
}

TEST(Envelope, DropsHalfWrittenDataOnAnError) {
  const http::Response response =
      Answer(Get(), [](const ApiRequest&, JsonWriter& json) -> Result<Annotations> {
        json.BeginArray().Int(1);
        return BadData("invalid <parameter>");
      });
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            R"({"status":"error","errorType":"bad_data","error":"invalid \u003cparameter\u003e"})");
}

TEST(Envelope, EveryErrorKindHasItsStatus) {
  EXPECT_EQ(HttpStatus(ErrorKind::kBadData), 400);
  EXPECT_EQ(HttpStatus(ErrorKind::kExecution), 422);
  EXPECT_EQ(HttpStatus(ErrorKind::kCanceled), 499);
  EXPECT_EQ(HttpStatus(ErrorKind::kTimeout), 503);
  EXPECT_EQ(HttpStatus(ErrorKind::kNotFound), 404);
  EXPECT_EQ(HttpStatus(ErrorKind::kNotAcceptable), 406);
  EXPECT_EQ(HttpStatus(ErrorKind::kInternal), 500);
  EXPECT_EQ(HttpStatus(ErrorKind::kUnavailable), 503);
}

TEST(Envelope, LimitsAnnotations) {
  const http::Response response =
      Answer(Get(), [](const ApiRequest&, JsonWriter& json) -> Result<Annotations> {
        json.BeginArray().EndArray();
        return Annotations{std::vector<std::string>(12, "w"), {}};
      });
  EXPECT_NE(response.body.find("2 more warning annotations omitted"), std::string::npos);
}

TEST(Envelope, AnswersCorsOnlyToBrowsers) {
  const ApiHandler nothing = [](const ApiRequest&, JsonWriter& json) -> Result<Annotations> {
    json.BeginArray().EndArray();
    return Annotations{};
  };
  EXPECT_FALSE(Answer(Get(), nothing).headers.Has("Access-Control-Allow-Origin"));
  http::Request request = Get();
  request.headers.Add("Origin", "http://example.org");
  EXPECT_EQ(Answer(request, nothing).headers.Get("Access-Control-Allow-Origin"), "*");
  request.method = "OPTIONS";
  EXPECT_EQ(Answer(request, nothing).status, 204);
}

TEST(Envelope, BrokenParametersAreBadData) {
  const http::Response response =
      Answer(Get("query=%zz"),
             [](const ApiRequest&, JsonWriter&) -> Result<Annotations> { return Annotations{}; });
  EXPECT_EQ(response.status, 400);
}

}  // namespace
}  // namespace vigil::web

// SPDX-License-Identifier: Apache-2.0
#include "server/web/envelope.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

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

// Large data are written while they are sent, with the same text as in one piece.
TEST(Envelope, SendsLargeDataInPieces) {
  const auto write = [](JsonWriter& json) {
    json.BeginArray().Insert(std::string(70'000, '1')).Insert(",2").EndArray();
  };
  const http::Response whole =
      Answer(Get(), [&](const ApiRequest&, JsonWriter& json) -> Result<Annotations> {
        write(json);
        return Annotations{{"w"}, {}, {}};
      });
  const http::Response later =
      Answer(Get(), [&](const ApiRequest&, JsonWriter&) -> Result<Annotations> {
        return Annotations{{"w"}, {}, write};
      });
  EXPECT_EQ(later.status, 200);
  EXPECT_EQ(later.content_type, whole.content_type);
  EXPECT_EQ(later.body, "");
  ASSERT_TRUE(later.stream != nullptr);
  std::string sent;
  size_t pieces = 0;
  EXPECT_TRUE(later.stream([&](std::string_view piece) {
    sent += piece;
    ++pieces;
    return true;
  }));
  EXPECT_EQ(sent, whole.body);
  EXPECT_GE(pieces, 2U);
}

TEST(Envelope, SaysWhenTheClientWentAwayInTheMiddle) {
  const http::Response response =
      Answer(Get(), [](const ApiRequest&, JsonWriter&) -> Result<Annotations> {
        return Annotations{{}, {}, [](JsonWriter& json) { json.Insert("1"); }};
      });
  EXPECT_FALSE(response.stream([](std::string_view) { return false; }));
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

TEST(Envelope, NoDataIs204) {
  const http::Response response = Answer(
      Get(), [](const ApiRequest&, JsonWriter&) -> Result<Annotations> { return Annotations{}; });
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.body, "");
}

TEST(Envelope, BrokenParametersAreBadData) {
  const http::Response response =
      Answer(Get("query=%zz"),
             [](const ApiRequest&, JsonWriter&) -> Result<Annotations> { return Annotations{}; });
  EXPECT_EQ(response.status, 400);
}

}  // namespace
}  // namespace vigil::web

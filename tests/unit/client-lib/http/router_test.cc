// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "client-lib/http/server.h"

namespace vigil::http {
namespace {

Handler Named(std::string name) {
  return [name](const Request& request) {
    std::string text = name;
    for (const auto& [key, value] : request.path_values) text += " " + key + "=" + value;
    return Response::Text(200, text);
  };
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router_.Add("GET", "/", Named("root"));
    router_.Add("GET", "/static/*", Named("static"));
    router_.Add("GET,POST", "/api/v1/query", Named("query"));
    router_.Add("GET", "/api/v1/:what", Named("what"));
    router_.Add("GET", "/api/v1/label/:name/values", Named("values"));
    router_.Add("PUT,POST", "/metrics/job/*", Named("push"));
    router_.Add("DELETE", "/metrics/job/*", Named("delete"));
  }
  Response Get(std::string method, std::string path) {
    Request request;
    request.method = std::move(method);
    request.raw_path = std::move(path);
    return router_.Dispatch(request);
  }
  Router router_;
};

TEST_F(RouterTest, FindsExactAndCapturedAndRest) {
  EXPECT_EQ(Get("GET", "/").body, "root");
  EXPECT_EQ(Get("GET", "/api/v1/label/a%2Fb/values").body, "values name=a/b");
  EXPECT_EQ(Get("GET", "/static/js/app.js").body, "static *=js/app.js");
  EXPECT_EQ(Get("HEAD", "/").body, "root");
}

TEST_F(RouterTest, RestIsRawAndMayBeEmpty) {
  EXPECT_EQ(Get("PUT", "/metrics/job/a%20b//x/").body, "push *=a%20b//x/");
  EXPECT_EQ(Get("PUT", "/metrics/job/").body, "push *=");
  EXPECT_EQ(Get("PUT", "/metrics/job").status, 404);
}

TEST_F(RouterTest, ExactWinsOverCaptured) {
  EXPECT_EQ(Get("GET", "/api/v1/query").body, "query");
  EXPECT_EQ(Get("GET", "/api/v1/series").body, "what what=series");
}

TEST_F(RouterTest, UnknownPathsAre404) {
  for (const char* path : {"/x", "/api", "/api/v1/query/", "//", "/api/v1/label//values", ""}) {
    EXPECT_EQ(Get("GET", path).status, path[0] == '\0' ? 200 : 404) << path;
  }
}

TEST_F(RouterTest, OtherMethodsAre405WithAllow) {
  const Response response = Get("GET", "/metrics/job/x");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.Get("Allow"), "DELETE, OPTIONS, POST, PUT");
}

TEST_F(RouterTest, OptionsOfAKnownPathNamesItsMethods) {
  EXPECT_EQ(Get("OPTIONS", "/api/v1/query").status, 200);
  EXPECT_EQ(Get("OPTIONS", "/api/v1/query").headers.Get("Allow"), "GET, OPTIONS, POST");
  EXPECT_EQ(Get("OPTIONS", "/nothing").status, 404);
}

TEST_F(RouterTest, ATreeOfOptionsMakesNoPathKnown) {
  router_.Add("OPTIONS", "/tree/*", Named("options"));
  router_.Add("GET", "/tree/leaf", Named("leaf"));
  EXPECT_EQ(Get("GET", "/tree/other").status, 404);
  EXPECT_EQ(Get("OPTIONS", "/tree/other").body, "options *=other");
  EXPECT_EQ(Get("POST", "/tree/leaf").headers.Get("Allow"), "GET, OPTIONS");
}

TEST_F(RouterTest, BrokenEscapesAre400) { EXPECT_EQ(Get("GET", "/api/v1/%zz").status, 400); }

}  // namespace
}  // namespace vigil::http

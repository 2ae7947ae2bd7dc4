// SPDX-License-Identifier: Apache-2.0
#include "server/web/yaml_json.h"

#include <gtest/gtest.h>

#include "client-lib/base/json_value.h"
#include "server/web/static_files.h"

namespace vigil::web {
namespace {

TEST(YamlJson, PlainScalarsAreWhatYamlTakesThemFor) {
  const auto json = YamlToJson(
      "a: [1, -2.5e3, 007, 1., .5, true, yes, null, ~, '12', \"x\", plain text, 3.1.0]\n"
      "b: &anchor {'200': {}, c: []}\n"
      "d: *anchor\n"
      "e: >\n  folded\n  text\n",
      "x.yml");
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(*json,
            R"({"a":[1,-2.5e3,"007","1.",".5",true,"yes",null,null,"12","x","plain text","3.1.0"],)"
            R"("b":{"200":{},"c":[]},"d":{"200":{},"c":[]},"e":"folded text\n"})");
}

TEST(YamlJson, SaysWhereTheYamlIsBroken) {
  const auto json = YamlToJson("a: [1\n", "x.yml");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().message.rfind("x.yml:", 0), 0U) << json.error().message;
}

TEST(YamlJson, TheDescriptionOfTheApiIsTheSameInBoth) {
  const StaticFile* file = FindStaticFile("openapi.yaml");
  ASSERT_NE(file, nullptr);
  const auto text = YamlToJson(file->content, "openapi.yaml");
  ASSERT_TRUE(text) << text.error().message;
  const auto json = ParseJson(*text);
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ((*json)["openapi"].kind, JsonValue::Kind::kString);
  EXPECT_EQ((*json)["paths"]["/query"]["get"]["responses"]["200"].kind, JsonValue::Kind::kObject);
  // An alias: both methods cancel alike.
  EXPECT_EQ((*json)["paths"]["/admin/queries/{id}/cancel"]["put"]["summary"].text,
            (*json)["paths"]["/admin/queries/{id}/cancel"]["post"]["summary"].text);
}

}  // namespace
}  // namespace vigil::web

// SPDX-License-Identifier: Apache-2.0
#include "server/web/rules_api.h"

#include <gtest/gtest.h>

namespace vigil::web {
namespace {

// The data, or the error's text.
std::string Rules(std::string_view query) {
  const http::Request http;
  const ApiRequest request{http, http::Params::Parse(query).value()};
  std::string out;
  JsonWriter json(&out);
  const auto result = ListRules(request, json);
  return result ? out : result.error().message;
}

TEST(ListRules, HasNoGroupsYet) {
  EXPECT_EQ(Rules(""), R"({"groups":[]})");
  EXPECT_EQ(Rules("type=Alert&rule_name[]=a&file[]=b&match[]=c&exclude_alerts=true&group_limit=5"),
            R"({"groups":[]})");
}

TEST(ListRules, ChecksItsParameters) {
  EXPECT_EQ(Rules("type=x"), R"(invalid parameter "type": not supported value "x")");
  EXPECT_EQ(Rules("exclude_alerts=x"),
            "invalid parameter \"exclude_alerts\": error converting exclude_alerts: "
            "strconv.ParseBool: parsing \"x\": invalid syntax");
  EXPECT_EQ(Rules("match[]={}"), "match[] must contain at least one non-empty matcher");
  EXPECT_EQ(Rules("group_limit=0"),
            R"(invalid parameter "group_limit": group_limit needs to be greater than 0)");
  EXPECT_EQ(Rules("group_next_token=a"),
            "invalid parameter \"group_limit\": group_limit needs to be set in order to paginate "
            "over the groups");
  EXPECT_EQ(Rules("group_limit=1&group_next_token=a"),
            "invalid parameter \"group_next_token\": invalid group_next_token \"a\". were rule "
            "groups changed?");
}

}  // namespace
}  // namespace vigil::web

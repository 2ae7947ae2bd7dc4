// SPDX-License-Identifier: Apache-2.0
// See rules_api.h.
#include "server/web/rules_api.h"

#include <string>

#include "client-lib/base/strings.h"

namespace vigil::web {
namespace {

// group_limit and group_next_token, which go together.
Result<void> CheckPages(const ApiRequest& request) {
  const std::string& limit = request.Get("group_limit");
  const std::string& token = request.Get("group_next_token");
  if (limit.empty()) {
    if (token.empty()) return Ok();
    return InvalidParameter("group_limit",
                            "group_limit needs to be set in order to paginate over the groups");
  }
  const auto number = ParseInt(limit);
  if (!number) {
    return InvalidParameter("group_limit",
                            "group_limit needs to be a valid number: strconv.ParseInt: parsing " +
                                Quote(limit) + ": invalid syntax");
  }
  if (*number <= 0) {
    return InvalidParameter("group_limit", "group_limit needs to be greater than 0");
  }
  // A page begins at the group that the one before ended with: it must still be there.
  if (!token.empty()) {
    return InvalidParameter("group_next_token", "invalid group_next_token " + Quote(token) +
                                                    ". were rule groups changed?");
  }
  return Ok();
}

}  // namespace

Result<Annotations> ListRules(const ApiRequest& request, JsonWriter& json) {
  const std::string type = AsciiLower(request.Get("type"));
  if (!type.empty() && type != "alert" && type != "record") {
    return InvalidParameter("type", "not supported value " + Quote(type));
  }
  if (!request.Bool("exclude_alerts")) {
    return InvalidParameter("exclude_alerts",
                            "error converting exclude_alerts: strconv.ParseBool: parsing " +
                                Quote(request.Get("exclude_alerts")) + ": invalid syntax");
  }
  TRY(request.MatcherSets());
  TRY(CheckPages(request));
  json.BeginObject().Key("groups").BeginArray().EndArray().EndObject();
  return Annotations{};
}

Result<Annotations> ListAlerts(const ApiRequest&, JsonWriter& json) {
  json.BeginObject().Key("alerts").BeginArray().EndArray().EndObject();
  return Annotations{};
}

Result<Annotations> ListAlertmanagers(const ApiRequest&, JsonWriter& json) {
  json.BeginObject();
  json.Key("activeAlertmanagers").BeginArray().EndArray();
  json.Key("droppedAlertmanagers").BeginArray().EndArray();
  json.EndObject();
  return Annotations{};
}

}  // namespace vigil::web

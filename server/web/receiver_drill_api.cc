// SPDX-License-Identifier: Apache-2.0
// See receiver_drill_api.h.
#include "server/web/receiver_drill_api.h"

#include "client-lib/base/json_value.h"
#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "server/alerting/drill.h"
#include "server/web/envelope.h"

namespace vigil::web {
namespace {

constexpr DurationMs kMaxDrillMs = 300'000;

http::Response DrillAnswer(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

http::Response DrillError(int status, std::string_view text) {
  std::string body;
  JsonWriter(&body).String(text);
  return DrillAnswer(status, body + "\n");
}

Result<alerting::StringMap> TextsOf(const JsonValue& object, std::string_view what) {
  alerting::StringMap texts;
  for (const JsonMember& member : object.members) {
    if (member.value.kind != JsonValue::Kind::kString) {
      return BadData(std::string(what) + "." + member.name + " is no string");
    }
    texts[member.name] = member.value.text;
  }
  return texts;
}

Result<alerting::DrillRequest> DrillOf(std::string_view body) {
  const JsonValue json = TRY(ParseJson(body));
  alerting::DrillRequest drill;
  drill.receiver = json["receiver"].text;
  if (drill.receiver.empty()) return BadData("receiver is required");
  drill.labels = TRY(TextsOf(json["labels"], "labels"));
  drill.annotations = TRY(TextsOf(json["annotations"], "annotations"));
  drill.resolve = json["resolve"].text == "true";
  if (!json["timeout"].text.empty()) {
    drill.timeout = TRY_CONTEXT(ParseDuration(json["timeout"].text), "timeout");
    if (drill.timeout <= 0 || drill.timeout > kMaxDrillMs) {
      return BadData("timeout must be between 1ms and 5m");
    }
  }
  return drill;
}

void WriteDrillResult(const alerting::DrillResult& result, JsonWriter& json) {
  using alerting::SendVerdict;
  const SendVerdict verdict = result.outcome.verdict;
  json.BeginObject().Field("integration", result.integration.type);
  json.Key("index").Int(static_cast<int64_t>(result.integration.index));
  json.Field("status", result.firing ? "firing" : "resolved");
  json.Field("result", verdict == SendVerdict::kSent    ? "sent"
                       : verdict == SendVerdict::kRetry ? "retry"
                                                        : "final");
  json.Field("error", result.outcome.error).Key("code").Int(result.outcome.status);
  json.Key("durationSeconds").Number(static_cast<double>(result.took) / 1000.0).EndObject();
}

}  // namespace

http::Response TestReceiver(alerting::AlertingService* service, bool admin_enabled,
                            const http::Request& request) {
  if (request.method != "POST") {
    http::Response response = DrillError(405, "method " + request.method + " is not allowed");
    response.headers.Set("Allow", "POST");
    return response;
  }
  if (!admin_enabled) {
    return DrillError(403, "admin APIs disabled: start the server with --web.enable-admin-api");
  }
  if (service == nullptr) {
    return DrillError(404, "alerting is off: start the server with --alerting.config.file");
  }
  const auto drill = DrillOf(request.body);
  if (!drill) return DrillError(400, drill.error().message);
  const auto results = service->TestReceiver(*drill);
  if (!results) return DrillError(HttpStatus(results.error().kind), results.error().message);
  std::string body;
  JsonWriter json(&body);
  json.BeginArray();
  for (const alerting::DrillResult& result : *results) WriteDrillResult(result, json);
  json.EndArray();
  return DrillAnswer(200, body + "\n");
}

}  // namespace vigil::web

// SPDX-License-Identifier: Apache-2.0
// See alertmanager_api.h.
#include "server/web/alertmanager_api.h"

#include <array>
#include <cctype>
#include <memory>
#include <utility>

#include "client-lib/base/strings.h"
#include "exporters/toolkit/version.h"
#include "server/alerting/config_loader.h"
#include "server/web/alerting_bodies.h"
#include "server/web/alerts_scan.h"
#include "server/web/date_time.h"
#include "server/web/envelope.h"

namespace vigil::web {
namespace {

using alerting::AlertRouter;
using alerting::Silence;

// Whose API this is: karma and Grafana go by it.
constexpr std::string_view kAlertmanagerVersion = "0.34.0";
// Longer lists are sent while they are written.
constexpr size_t kManyAlerts = 2048;

constexpr std::string_view kOff =
    "alerting is off: start the server with --alerting.config.file=alertmanager.yml";

constexpr std::string_view kSilenced =
    "another server leads and this one cannot reach the database: send alerts to the other one";

http::Response Json(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

http::Response Empty(int status) {
  http::Response response;
  response.status = status;
  response.content_type.clear();
  return response;
}

// An error of a handler: a bare string.
http::Response TextAnswer(int status, std::string_view text) {
  std::string body;
  JsonWriter(&body).String(text);
  return Json(status, body + "\n");
}

http::Response TextAnswer(const Error& error) {
  return TextAnswer(HttpStatus(error.kind), error.message);
}

// An error before the handler.
http::Response CodeAnswer(const BodyProblem& problem) {
  std::string body;
  JsonWriter json(&body);
  json.BeginObject().Key("code").Int(problem.code).Field("message", problem.message).EndObject();
  return Json(problem.status, std::move(body));
}
http::Response CodeAnswer(int status, std::string message) {
  return CodeAnswer({status, status, std::move(message)});
}

bool TakesJson(std::string_view accept) {
  if (accept.empty()) return true;
  for (const std::string_view part : Split(accept, ',')) {
    const std::string type = AsciiLower(TrimSpace(part.substr(0, part.find(';'))));
    if (type == "application/json" || type == "application/*" || type == "*/*") return true;
  }
  return false;
}

// Whatever is sent must say that it is JSON; what is missing is judged later.
std::optional<BodyProblem> CheckContentType(const http::Request& request) {
  if (request.body.empty()) return std::nullopt;
  std::string_view type = request.headers.Get("Content-Type");
  type = TrimSpace(type.substr(0, type.find(';')));
  if (EqualsIgnoreCase(type, "application/json")) return std::nullopt;
  if (type.empty()) type = "application/octet-stream";
  return BodyProblem{415, 415,
                     "unsupported media type " + Quote(AsciiLower(type)) +
                         ", only [application/json] are allowed"};
}

// With dashes or without.
bool IsUuid(std::string_view text) {
  constexpr std::array<size_t, 5> kGroups = {8, 4, 4, 4, 12};
  for (size_t i = 0; i < kGroups.size(); ++i) {
    if (i > 0 && text.starts_with('-')) text.remove_prefix(1);
    if (text.size() < kGroups[i]) return false;
    for (const char c : text.substr(0, kGroups[i])) {
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return false;
    }
    text.remove_prefix(kGroups[i]);
  }
  return text.empty();
}

void WriteSilenceTime(std::string_view key, TimestampMs time, JsonWriter& json) {
  std::string text;
  AppendDateTime(time, &text);
  json.Field(key, text);
}

void WriteSilence(const Silence& silence, TimestampMs now, JsonWriter& json) {
  json.BeginObject().Field("id", silence.id);
  json.Key("status").BeginObject();
  json.Field("state", alerting::SilenceStateText(silence.StateAt(now))).EndObject();
  WriteSilenceTime("updatedAt", silence.updated_at, json);
  if (!silence.annotations.empty()) {
    json.Key("annotations").BeginObject();
    for (const auto& [name, value] : silence.annotations) json.Field(name, value);
    json.EndObject();
  }
  json.Field("comment", silence.comment).Field("createdBy", silence.created_by);
  WriteSilenceTime("endsAt", silence.ends_at, json);
  json.Key("matchers").BeginArray();
  for (const alerting::LabelMatcher& matcher : silence.matchers) {
    const MatchType type = matcher.type();
    json.BeginObject();
    json.Key("isEqual").Bool(type == MatchType::kEqual || type == MatchType::kRegexp);
    json.Key("isRegex").Bool(type == MatchType::kRegexp || type == MatchType::kNotRegexp);
    json.Field("name", matcher.name()).Field("value", matcher.value()).EndObject();
  }
  json.EndArray();
  WriteSilenceTime("startsAt", silence.starts_at, json);
  json.EndObject();
}

// Each of the filter's matchers is one of the silence's.
bool HasMatchers(const Silence& silence, const alerting::LabelMatchers& wanted) {
  for (const alerting::LabelMatcher& matcher : wanted) {
    if (std::find(silence.matchers.begin(), silence.matchers.end(), matcher) ==
        silence.matchers.end()) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::span<const AlertmanagerApi::Endpoint> AlertmanagerApi::Endpoints() {
  static constexpr std::array kEndpoints = {
      Endpoint{"/api/v2/status", "GET", &AlertmanagerApi::Status},
      Endpoint{"/api/v2/receivers", "GET", &AlertmanagerApi::Receivers},
      Endpoint{"/api/v2/alerts", "GET,POST", &AlertmanagerApi::Alerts},
      Endpoint{"/api/v2/alerts/groups", "GET", &AlertmanagerApi::AlertGroups},
      Endpoint{"/api/v2/silences", "GET,POST", &AlertmanagerApi::AllSilences},
      Endpoint{"/api/v2/silence/:id", "GET,DELETE", &AlertmanagerApi::OneSilence}};
  return kEndpoints;
}

http::Response AlertmanagerApi::Handle(const Endpoint& endpoint,
                                       const http::Request& request) const {
  if (service_ == nullptr) return CodeAnswer(404, std::string(kOff));
  std::string_view method = request.method;
  if (method == "HEAD") method = "GET";
  // A browser asks what another site's page may do; the answer's headers say it.
  if (method == "OPTIONS" && request.headers.Has("Origin")) return Empty(204);
  const std::vector<std::string_view> methods = Split(endpoint.methods, ',');
  if (std::find(methods.begin(), methods.end(), method) == methods.end()) {
    http::Response response =
        CodeAnswer(405, "method " + request.method + " is not allowed, but [" +
                            std::string(endpoint.methods) + "] are");
    response.headers.Set("Allow", std::string(endpoint.methods));
    return response;
  }
  if (!TakesJson(request.headers.Get("Accept"))) {
    return CodeAnswer(406,
                      "unsupported media type requested, only [application/json] are available");
  }
  return (this->*endpoint.handle)(request);
}

http::Response AlertmanagerApi::HandleRest(const http::Request& request) const {
  if (service_ == nullptr) return CodeAnswer(404, std::string(kOff));
  // As upstream a slash at the end does not matter.
  std::string path = "/api/v2/" + std::string(request.PathValue("*"));
  while (path.ends_with('/')) path.pop_back();
  for (const Endpoint& endpoint : Endpoints()) {
    if (endpoint.path == path) return Handle(endpoint, request);
  }
  return CodeAnswer(404, "path /api/v2/" + std::string(request.PathValue("*")) + " was not found");
}

alerting::MatcherMode AlertmanagerApi::Mode() const {
  alerting::MatcherMode mode = alerting::MatcherMode::kFallback;
  service_->Look([&](const AlertRouter& router, TimestampMs) { mode = router.silences().mode(); });
  return mode;
}

http::Response AlertmanagerApi::Status(const http::Request&) const {
  std::shared_ptr<const alerting::AlertingConfig> config;
  service_->Look([&](const AlertRouter& router, TimestampMs) { config = router.shared_config(); });
  std::string body;
  JsonWriter json(&body);
  json.BeginObject();
  const ClusterStatus cluster = cluster_ ? cluster_() : ClusterStatus();
  json.Key("cluster").BeginObject();
  if (!cluster.name.empty()) json.Field("name", cluster.name);
  json.Key("peers").BeginArray();
  for (const ClusterStatus::Peer& peer : cluster.peers) {
    json.BeginObject().Field("address", peer.address).Field("name", peer.name).EndObject();
  }
  json.EndArray().Field("status", cluster.name.empty() ? "disabled" : "ready").EndObject();
  json.Key("config").BeginObject().Field("original", alerting::ToYaml(*config)).EndObject();
  WriteSilenceTime("uptime", started_at_, json);
  json.Key("versionInfo").BeginObject().Field("branch", toolkit::Branch());
  json.Field("buildDate", "").Field("buildUser", "").Field("goVersion", toolkit::Compiler());
  json.Field("revision", "vigil " + std::string(toolkit::Version()));
  json.Field("version", kAlertmanagerVersion).EndObject().EndObject();
  return Json(200, body + "\n");
}

http::Response AlertmanagerApi::Receivers(const http::Request& request) const {
  const Result<http::Params> params = http::Params::Parse(request.query);
  if (!params) return TextAnswer(params.error());
  const auto wanted = AlertFilter::Matchers(*params, "receiver_matchers", Mode());
  if (!wanted) return TextAnswer(wanted.error());
  std::shared_ptr<const alerting::AlertingConfig> config;
  service_->Look([&](const AlertRouter& router, TimestampMs) { config = router.shared_config(); });
  std::string body;
  JsonWriter json(&body);
  json.BeginArray();
  for (const alerting::ReceiverConfig& receiver : config->receivers) {
    LabelsBuilder builder;
    for (const auto& [name, value] : receiver.labels) builder.Set(name, value);
    const Labels labels = builder.Set("name", receiver.name).Build();
    if (!alerting::MatchesLabels(*wanted, labels)) continue;
    json.BeginObject().Key("labels").LabelSet(labels).Field("name", receiver.name).EndObject();
  }
  json.EndArray();
  return Json(200, body + "\n");
}

http::Response AlertmanagerApi::ListAlerts(
    const http::Request& request, size_t (AlertListing::*load)(),
    const std::function<void(AlertListing&, JsonWriter&)>& write) const {
  const Result<http::Params> params = http::Params::Parse(request.query);
  if (!params) return TextAnswer(params.error());
  Result<AlertFilter> filter = AlertFilter::Parse(*params, Mode());
  if (!filter) return TextAnswer(filter.error());
  auto listing = std::make_shared<AlertListing>(*service_, *std::move(filter));
  http::Response response = Json(200, "");
  if (((*listing).*load)() < kManyAlerts) {
    JsonWriter json(&response.body);
    write(*listing, json);
    response.body += '\n';
    return response;
  }
  response.stream = [listing, write](const http::Response::Write& send) {
    std::string text;
    JsonWriter json(&text, &send);
    write(*listing, json);
    return !json.gone() && send(text + "\n");
  };
  return response;
}

http::Response AlertmanagerApi::Alerts(const http::Request& request) const {
  if (request.method == "POST") return PostAlerts(request);
  return ListAlerts(request, &AlertListing::LoadAlerts,
                    [](AlertListing& listing, JsonWriter& json) { listing.WriteAlerts(json); });
}

http::Response AlertmanagerApi::AlertGroups(const http::Request& request) const {
  return ListAlerts(request, &AlertListing::LoadGroups,
                    [](AlertListing& listing, JsonWriter& json) { listing.WriteGroups(json); });
}

http::Response AlertmanagerApi::PostAlerts(const http::Request& request) const {
  if (const auto problem = CheckContentType(request)) return CodeAnswer(*problem);
  if (silenced_ && silenced_()) {
    http::Response response = TextAnswer(503, kSilenced);
    response.headers.Set("Retry-After", "1");
    return response;
  }
  AlertsScan scan(service_->text_seed());
  size_t done = 0;
  if (scan.Read(request.body)) done = service_->PostTexts(scan.texts());
  if (done > 0 && done == scan.texts().size()) return Empty(200);
  AlertsBody body;
  if (const auto problem = body.Read(request.body, scan.texts())) return CodeAnswer(*problem);
  const Result<void> posted = service_->PostReports(std::span(body.reports()).subspan(done));
  return posted ? Empty(200) : TextAnswer(posted.error());
}

http::Response AlertmanagerApi::AllSilences(const http::Request& request) const {
  if (request.method == "POST") return PostSilence(request);
  const Result<http::Params> params = http::Params::Parse(request.query);
  if (!params) return TextAnswer(params.error());
  const auto wanted = AlertFilter::Matchers(*params, "filter", Mode());
  if (!wanted) return TextAnswer(wanted.error());
  const bool active = AlertFilter::Flag(*params, "active", true);
  const bool pending = AlertFilter::Flag(*params, "pending", true);
  const bool expired = AlertFilter::Flag(*params, "expired", true);
  std::string body;
  JsonWriter json(&body);
  json.BeginArray();
  std::vector<Silence> found;
  TimestampMs looked_at = 0;
  service_->Look([&](const AlertRouter& router, TimestampMs now) {
    looked_at = now;
    for (const Silence* silence : router.silences().All(now)) {
      const alerting::SilenceState state = silence->StateAt(now);
      const bool shown = state == alerting::SilenceState::kActive    ? active
                         : state == alerting::SilenceState::kPending ? pending
                                                                     : expired;
      if (shown && HasMatchers(*silence, *wanted)) found.push_back(*silence);
    }
  });
  for (const Silence& silence : found) WriteSilence(silence, looked_at, json);
  json.EndArray();
  return Json(200, body + "\n");
}

http::Response AlertmanagerApi::PostSilence(const http::Request& request) const {
  if (const auto problem = CheckContentType(request)) return CodeAnswer(*problem);
  PostedSilence posted;
  if (const auto problem = ReadSilenceBody(request.body, &posted)) return CodeAnswer(*problem);
  if (posted.starts_at >= posted.ends_at) {
    return TextAnswer(400, "Failed to create silence: start time must be before end time");
  }
  if (posted.ends_at < clock_.Now()) {
    return TextAnswer(400, "Failed to create silence: end time can't be in the past");
  }
  Result<Silence> silence = MakeSilence(std::move(posted));
  if (!silence) return TextAnswer(silence.error());
  const Result<std::string> id = service_->SetSilence(*std::move(silence));
  if (!id) return TextAnswer(id.error());
  std::string body;
  JsonWriter(&body).BeginObject().Field("silenceID", *id).EndObject();
  return Json(200, body + "\n");
}

http::Response AlertmanagerApi::OneSilence(const http::Request& request) const {
  const std::string id(request.PathValue("id"));
  if (!IsUuid(id)) {
    return CodeAnswer({422, 601, "silenceID in path must be of type uuid: " + Quote(id)});
  }
  if (request.method == "DELETE") {
    const Result<void> expired = service_->ExpireSilence(id);
    if (expired) return Empty(200);
    return expired.error().kind == ErrorKind::kNotFound ? Empty(404) : TextAnswer(expired.error());
  }
  std::string body;
  service_->Look([&](const AlertRouter& router, TimestampMs now) {
    const Silence* silence = router.silences().Find(id);
    if (silence == nullptr) return;
    JsonWriter json(&body);
    WriteSilence(*silence, now, json);
  });
  if (body.empty()) return Empty(404);
  return Json(200, body + "\n");
}

}  // namespace vigil::web

// SPDX-License-Identifier: Apache-2.0
#include "server/web/queries_api.h"

#include <optional>
#include <string>

#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"

namespace vigil::web {
namespace {

std::string_view StateOf(const promql::ActiveQuery& query) {
  if (query.canceled) return "canceled";
  switch (query.state) {
    case promql::QueryState::kQueued:
      return "queued";
    case promql::QueryState::kRunning:
      return "running";
    case promql::QueryState::kSending:
      return "sending";
  }
  return "";
}

void WriteQuery(const promql::ActiveQuery& query, bool with_text, JsonWriter& json) {
  const std::string none;
  json.BeginObject();
  json.Key("id").Int(static_cast<int64_t>(query.id));
  json.Field("query", with_text ? query.origin.text : none);
  json.Field("kind", promql::QueryKindName(query.origin.kind));
  json.Field("state", StateOf(query));
  json.Field("client", with_text ? query.origin.client : none);
  json.Field("startedAt", FormatRfc3339(query.began));
  json.Key("ageSeconds").Number(query.age_s);
  if (query.origin.kind == promql::QueryKind::kRange) {
    json.Key("start").Seconds(query.origin.start);
    json.Key("end").Seconds(query.origin.end);
    json.Key("step").Number(static_cast<double>(query.origin.step_ms) / 1000);
  } else if (query.origin.kind == promql::QueryKind::kInstant) {
    json.Key("time").Seconds(query.origin.start);
  }
  json.Key("cpuSeconds").Number(query.cpu_s);
  json.Key("series").Int(query.series);
  json.Key("samples").Int(query.samples);
  json.Key("chunksInMemory").Int(query.chunks_in_memory);
  json.Key("chunksInDatabase").Int(query.chunks_in_database);
  json.EndObject();
}

}  // namespace

Result<Annotations> QueriesApi::List(const ApiRequest&, JsonWriter& json) const {
  json.BeginObject().Key("queries").BeginArray();
  for (const promql::ActiveQuery& query : active_.List()) WriteQuery(query, with_texts_, json);
  json.EndArray();
  if (!with_texts_) json.Key("redacted").Bool(true);
  json.EndObject();
  return Annotations{};
}

http::Response QueriesApi::Cancel(const http::Request& request) const {
  const std::string text(request.PathValue("id"));
  const std::optional<uint64_t> id = ParseUint(text);
  if (!id)
    return ErrorAnswer(InvalidParameter("id", "cannot parse " + Quote(text) + " to a number"));
  if (!active_.Cancel(*id)) return ErrorAnswer(NotFound("no query with the id " + text + " runs"));
  http::Response response;
  response.status = 204;
  response.content_type.clear();
  return response;
}

}  // namespace vigil::web

// SPDX-License-Identifier: Apache-2.0
// See envelope.h.
#include "server/web/envelope.h"

#include <memory>
#include <utility>

namespace vigil::web {
namespace {

constexpr size_t kMaxAnnotations = 10;

void WriteAnnotations(std::string_view key, const std::vector<std::string>& texts,
                      std::string_view kind, JsonWriter& json) {
  if (texts.empty()) return;
  json.Key(key).BeginArray();
  for (size_t i = 0; i < texts.size() && i < kMaxAnnotations; ++i) json.String(texts[i]);
  if (texts.size() > kMaxAnnotations) {
    json.String(std::to_string(texts.size() - kMaxAnnotations) + " more " + std::string(kind) +
                " annotations omitted");
  }
  json.EndArray();
}

// What stands behind the data.
void WriteEnd(const Annotations& annotations, JsonWriter& json) {
  WriteAnnotations("warnings", annotations.warnings, "warning", json);
  WriteAnnotations("infos", annotations.infos, "info", json);
  json.EndObject();
}

// REQUIRES: the body ends before the data.
void SendLater(Annotations annotations, http::Response* response) {
  auto text = std::make_shared<std::string>(std::move(response->body));
  auto rest = std::make_shared<Annotations>(std::move(annotations));
  response->body.clear();
  response->stream = [text, rest](const http::Response::Write& write) {
    const http::Response::Write unless_stopped = [&](std::string_view piece) {
      return !rest->stop.stop_requested() && write(piece);
    };
    JsonWriter json(text.get(), &unless_stopped);
    rest->data(json);
    WriteEnd(*rest, json);
    return !json.gone() && unless_stopped(*text);
  };
}

http::Response NoContent() {
  http::Response response;
  response.status = 204;
  response.content_type.clear();
  return response;
}

}  // namespace

int HttpStatus(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kBadData:
      return 400;
    case ErrorKind::kExecution:
      return 422;
    case ErrorKind::kCanceled:
      return 499;
    case ErrorKind::kTimeout:
    case ErrorKind::kUnavailable:
      return 503;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kNotAcceptable:
      return 406;
    case ErrorKind::kInternal:
      return 500;
  }
  return 500;
}

http::Response ErrorAnswer(const Error& error) {
  http::Response response;
  response.status = HttpStatus(error.kind);
  response.content_type = "application/json";
  JsonWriter json(&response.body);
  json.BeginObject()
      .Field("status", "error")
      .Field("errorType", ErrorKindName(error.kind))
      .Field("error", error.message)
      .EndObject();
  return response;
}

http::Response Answer(const http::Request& request, const ApiHandler& handler) {
  Result<http::Params> params = request.FormParams();
  if (!params) return ErrorAnswer(params.error());
  const ApiRequest api_request{request, std::move(*params)};

  http::Response response;
  response.content_type = "application/json";
  JsonWriter json(&response.body);
  json.BeginObject().Field("status", "success").Key("data");
  const size_t head = response.body.size();
  Result<Annotations> annotations = handler(api_request, json);
  if (!annotations) return ErrorAnswer(annotations.error());
  if (annotations->data) {
    SendLater(std::move(*annotations), &response);
    return response;
  }
  if (response.body.size() == head) return NoContent();
  WriteEnd(*annotations, json);
  return response;
}

}  // namespace vigil::web

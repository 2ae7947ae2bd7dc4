// SPDX-License-Identifier: Apache-2.0
// See envelope.h.
#include "server/web/envelope.h"

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

void SetCors(const http::Request& request, http::Response* response) {
  if (!request.headers.Has("Origin")) return;
  response->headers.Set("Access-Control-Allow-Headers",
                        "Accept, Authorization, Content-Type, Origin");
  response->headers.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response->headers.Set("Access-Control-Allow-Origin", "*");
  response->headers.Set("Access-Control-Expose-Headers", "Date");
  response->headers.Set("Vary", "Origin");
}

http::Response Run(const http::Request& request, const ApiHandler& handler) {
  Result<http::Params> params = request.FormParams();
  if (!params) return ErrorAnswer(params.error());
  const ApiRequest api_request{request, std::move(*params)};

  http::Response response;
  response.content_type = "application/json";
  JsonWriter json(&response.body);
  json.BeginObject().Field("status", "success").Key("data");
  Result<Annotations> annotations = handler(api_request, json);
  if (!annotations) return ErrorAnswer(annotations.error());
  WriteAnnotations("warnings", annotations->warnings, "warning", json);
  WriteAnnotations("infos", annotations->infos, "info", json);
  json.EndObject();
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
  http::Response response;
  if (request.method == "OPTIONS") {
    response.status = 204;
  } else {
    response = Run(request, handler);
  }
  SetCors(request, &response);
  return response;
}

}  // namespace vigil::web

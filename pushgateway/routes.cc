// SPDX-License-Identifier: Apache-2.0
// The gateway's routes.
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "exporters/toolkit/version.h"
#include "pushgateway/gateway.h"
#include "pushgateway/page.h"

namespace vigil::pushgateway {
namespace {

using exposition::EntryKind;
using http::Request;
using http::Response;

// The families of a rendered page with their types.
std::vector<std::pair<std::string, exposition::MetricType>> FamiliesOf(const std::string& page) {
  std::vector<std::pair<std::string, exposition::MetricType>> families;
  exposition::TextReader reader(page);
  while (true) {
    const auto entry = reader.Next();
    if (!entry || entry->kind == EntryKind::kEnd) return families;
    if (entry->kind == EntryKind::kType) families.emplace_back(entry->series, entry->type);
  }
}

}  // namespace

http::Handler Gateway::Counted(std::string name, http::Handler handler) {
  return [this, name = std::move(name), handler = std::move(handler)](const Request& request) {
    Response response = handler(request);
    counts_.Count(name, AsciiLower(request.method), response.status);
    return response;
  };
}

std::string Gateway::OwnMetrics(toolkit::App* app) const {
  toolkit::MetricSink sink;
  app->self_metrics().Collect(&sink);
  counts_.Collect(&sink);
  std::string page;
  sink.Render(&page);
  return page;
}

void Gateway::AddPushRoutes(toolkit::App* app) {
  app->Route("PUT,POST", "/metrics/*",
             Counted("push", [this](const Request& request) { return Push(request); }));
  app->Route("DELETE", "/metrics/*",
             Counted("delete", [this](const Request& request) { return Delete(request); }));
  const std::string& telemetry_path = app->web_flags().telemetry_path;
  app->Route("GET", telemetry_path, [this, app](const Request&) {
    app->self_metrics().BeginScrape();
    Response response = Metrics(OwnMetrics(app));
    app->self_metrics().EndScrape(response.status);
    return response;
  });
}

void Gateway::AddApiRoutes(toolkit::App* app) {
  app->Route("PUT,POST", "/-/quit", [this, app](const Request&) {
    if (!options_.enable_lifecycle) return Response::Text(403, "Lifecycle API is not enabled.");
    app->RequestStop();
    return Response::Text(200, "Requesting termination... Goodbye!");
  });
  app->Route("PUT", "/api/v1/admin/wipe",
             Counted("wipe", [this](const Request&) { return Wipe(); }));
  app->Route("GET", "/api/v1/metrics",
             Counted("api/v1/metrics", [this](const Request&) { return MetricsJson(); }));
  app->Route("GET", "/api/v1/status",
             Counted("api/v1/status", [this, app](const Request&) { return StatusJson(app); }));
  app->Route("OPTIONS", "/api/v1/:what", [](const Request&) {
    Response response = Response::Text(204, "");
    response.headers.Set("Access-Control-Allow-Origin", "*");
    response.headers.Set("Access-Control-Allow-Methods", "GET, OPTIONS");
    return response;
  });
}

Response Gateway::StatusJson(toolkit::App* app) const {
  std::string out = "{\"status\":\"success\",\"data\":{\"build_information\":{\"branch\":";
  AppendJsonString(toolkit::Branch(), &out);
  out += ",\"compiler\":";
  AppendJsonString(toolkit::Compiler(), &out);
  out += ",\"revision\":";
  AppendJsonString(toolkit::Revision(), &out);
  out += ",\"version\":";
  AppendJsonString(toolkit::Version(), &out);
  out += "},\"flags\":{";
  const auto flags = app->flags().Values();
  for (size_t i = 0; i < flags.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(flags[i].first, &out);
    out += ':';
    AppendJsonString(flags[i].second, &out);
  }
  out += "},\"start_time\":";
  AppendJsonString(FormatRfc3339(start_ms_), &out);
  out += "}}";
  Response response;
  response.content_type = "application/json";
  response.headers.Set("Access-Control-Allow-Origin", "*");
  response.body = std::move(out);
  return response;
}

void Gateway::AddRoutes(toolkit::App* app) {
  store_.ReserveOwn(FamiliesOf(OwnMetrics(app)));
  AddPushRoutes(app);
  AddApiRoutes(app);
  const http::Handler status = Counted("status", [this, app](const Request&) {
    return Response::Html(
        RenderStatusPage(store_.TakeSnapshot(), app->web_flags().route_prefix, toolkit::Version()));
  });
  app->Route("GET", "/", status);
  app->Route("GET", "/status", status);
}

}  // namespace vigil::pushgateway

// SPDX-License-Identifier: Apache-2.0
// Handlers of pushes, deletions and scrapes.
#include "pushgateway/gateway.h"

#include <utility>
#include <vector>

#include "client-lib/base/strings.h"
#include "pushgateway/page.h"

namespace vigil::pushgateway {
namespace {

using http::Request;
using http::Response;

constexpr size_t kMaxBodyBytes = 256 << 20;  // decoded: a small gzip body must not fill the memory

// Upstream's three-part type: only it means protobuf, everything else is text.
bool IsProtobuf(std::string_view content_type) {
  return AsciiLower(content_type).starts_with("application/vnd.google.protobuf");
}

int StatusOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kNotAcceptable:
      return 415;
    case ErrorKind::kInternal:
      return 500;
    default:
      return 400;
  }
}

Response Failed(const Error& error) {
  return Response::Text(StatusOf(error), error.message + "\n");
}

// What follows /metrics/, not decoded.
std::string_view RawGroup(const Request& request) { return request.PathValue("*"); }

}  // namespace

void GatewayOptions::AddTo(toolkit::FlagSet* flags) {
  flags->Bool("web.enable-lifecycle", "Enable shutdown via HTTP request.", &enable_lifecycle);
  flags->Bool("web.enable-admin-api", "Enable API endpoints for admin control actions.",
              &enable_admin_api);
  flags->String("persistence.file",
                "File to persist metrics. If empty, metrics are only kept in memory.",
                &persistence_file);
  flags->Duration("persistence.interval",
                  "The minimum interval at which to write out the persistence file.",
                  &persistence_interval_ms);
  flags->Bool("push.disable-consistency-check",
              "Do not check consistency of pushed metrics. DANGEROUS.", &disable_consistency_check);
  flags->Bool("push.enable-utf8-names", "Allow UTF-8 characters in metric and label names.",
              &enable_utf8_names);
}

Result<void> GatewayOptions::Check() const {
  if (!persistence_file.empty()) {
    return BadData("--persistence.file is not supported yet: metrics are kept in memory only");
  }
  if (enable_utf8_names) return BadData("--push.enable-utf8-names is not supported yet");
  return Ok();
}

Gateway::Gateway(const GatewayOptions& options, const Clock& clock)
    : options_(options),
      clock_(clock),
      start_ms_(clock.Now()),
      store_(options.disable_consistency_check ? GroupStore::Check::kOff : GroupStore::Check::kOn) {
}

Result<void> Gateway::PushOrError(const Request& request) {
  const GroupingKey key = TRY(GroupingKey::Parse(RawGroup(request)));
  if (IsProtobuf(request.headers.Get("Content-Type"))) {
    return Error{ErrorKind::kNotAcceptable,
                 "the protobuf format is not supported yet: push the text format 0.0.4"};
  }
  // The usual body is not encoded: then it is read where it lies.
  std::string decoded;
  std::string_view body = request.body;
  if (request.headers.Has("Content-Encoding")) {
    decoded = TRY(http::DecodeBody(request.headers, request.body, kMaxBodyBytes));
    body = decoded;
  }
  const ParsedPush push = TRY(ParsePush(body, key));
  const auto mode = request.method == "PUT" ? GroupStore::Mode::kPut : GroupStore::Mode::kPost;
  return store_.Push(key, push, mode, clock_.Now());
}

Response Gateway::Push(const Request& request) {
  const int64_t begin = clock_.MonotonicNs();
  const Result<void> pushed = PushOrError(request);
  counts_.CountPush(AsciiLower(request.method),
                    static_cast<double>(clock_.MonotonicNs() - begin) / 1e9, request.body.size());
  if (!pushed) return Failed(pushed.error());
  return Response::Text(options_.disable_consistency_check ? 202 : 200, "");
}

Response Gateway::Delete(const Request& request) {
  auto key = GroupingKey::Parse(RawGroup(request));
  if (!key) return Failed(key.error());
  store_.Delete(*key);
  return Response::Text(202, "");
}

Response Gateway::Wipe() {
  if (!options_.enable_admin_api) return Response::Text(404, "404 page not found\n");
  store_.Wipe();
  return Response::Text(202, "");
}

Response Gateway::Metrics(std::string_view own) const {
  auto page = RenderMetrics(own, store_.TakeSnapshot(), options_.disable_consistency_check);
  if (!page) {
    return Response::Text(
        500, "an error has occurred while serving metrics:\n\n" + page.error().message + "\n");
  }
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = *std::move(page);
  return response;
}

Response Gateway::MetricsJson() const {
  Response response;
  response.content_type = "application/json";
  response.headers.Set("Access-Control-Allow-Origin", "*");
  response.body = RenderMetricsJson(store_.TakeSnapshot());
  return response;
}

}  // namespace vigil::pushgateway

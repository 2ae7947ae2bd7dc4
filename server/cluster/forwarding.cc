// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/forwarding.h"

#include <algorithm>
#include <array>
#include <utility>

#include "client-lib/base/strings.h"

namespace vigil::cluster {
namespace {

constexpr std::array<std::string_view, 16> kOfOneHop = {"connection",
                                                        "keep-alive",
                                                        "proxy-authenticate",
                                                        "proxy-authorization",
                                                        "proxy-connection",
                                                        "te",
                                                        "trailer",
                                                        "transfer-encoding",
                                                        "upgrade",
                                                        "host",
                                                        "content-length",
                                                        "expect",
                                                        "accept-encoding",
                                                        "date",
                                                        "server",
                                                        "http2-settings"};

bool HasDots(std::string_view path) {
  for (const std::string_view segment : Split(path, '/')) {
    const Result<std::string> text = PercentDecode(segment, false);
    if (!text || *text == "." || *text == "..") return true;
  }
  return false;
}

}  // namespace

bool StaysOnThisHop(std::string_view name, std::string_view connection) {
  const std::string lower = AsciiLower(name);
  if (std::find(kOfOneHop.begin(), kOfOneHop.end(), lower) != kOfOneHop.end()) return true;
  for (const std::string_view named : Split(connection, ',')) {
    if (EqualsIgnoreCase(TrimSpace(named), name)) return true;
  }
  return false;
}

Result<std::string_view> PathBelow(std::string_view path, std::string_view prefix) {
  if (path.starts_with(prefix) && path.substr(prefix.size()).starts_with('/')) {
    return path.substr(prefix.size());
  }
  return NotFound("404 page not found");
}

Result<http::ClientRequest> RequestToLeader(http::Request& request, std::string_view leader_url,
                                            std::string_view prefix, const std::string& self) {
  const std::string_view by = request.headers.Get(kForwardedBy);
  if (!by.empty()) {
    return Unavailable("this server stands by and does not pass on what " + std::string(by) +
                       " passed on to it: the leader has just changed, try again");
  }
  const std::string_view path = TRY(PathBelow(request.raw_path, prefix));
  if (HasDots(path)) return BadData("bad path: it has . or .. as a part");
  http::ClientRequest out;
  out.method = request.method;
  out.url = std::string(leader_url) + std::string(path);
  if (!request.query.empty()) out.url += "?" + request.query;
  const std::string connection(request.headers.Get("Connection"));
  for (const auto& [name, value] : request.headers.items()) {
    if (!StaysOnThisHop(name, connection)) out.headers.Add(name, value);
  }
  out.headers.Set(std::string(kForwardedBy), self);
  out.body = std::move(request.body);
  out.accept_compression = false;
  return out;
}

http::Response AnswerOfLeader(http::ClientResponse answer) {
  http::Response response;
  response.status = answer.status;
  response.content_type = std::move(answer.content_type);
  response.body = std::move(answer.body);
  const std::string connection(answer.headers.Get("Connection"));
  for (const auto& [name, value] : answer.headers.items()) {
    if (StaysOnThisHop(name, connection) || EqualsIgnoreCase(name, "Content-Type")) continue;
    // This server says it itself when it compresses.
    if (EqualsIgnoreCase(name, "Vary") && EqualsIgnoreCase(value, "Accept-Encoding")) continue;
    response.headers.Add(name, value);
  }
  return response;
}

}  // namespace vigil::cluster

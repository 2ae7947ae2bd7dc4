// SPDX-License-Identifier: Apache-2.0
// Matching of paths against patterns, segment by segment on the raw path: an escaped slash is part
// of its segment.
#include <algorithm>

#include "client-lib/base/strings.h"
#include "client-lib/http/server.h"

namespace vigil::http {
namespace {

std::vector<std::string_view> Segments(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  return Split(path, '/');
}

bool HasMethod(const std::vector<std::string>& methods, std::string_view method) {
  if (method == "HEAD") method = "GET";
  for (const std::string& known : methods) {
    if (known == method) return true;
  }
  return false;
}

void AddAllowed(const std::vector<std::string>& methods, std::vector<std::string>* allowed) {
  for (const std::string& method : methods) {
    if (std::find(allowed->begin(), allowed->end(), method) == allowed->end()) {
      allowed->push_back(method);
    }
  }
}

// No route fits: with other methods it would be 405. OPTIONS alone does not make a path known, for
// one route may answer it for a whole tree.
Response Unroutable(std::string_view method, std::vector<std::string> allowed) {
  std::erase(allowed, "OPTIONS");
  const bool known = !allowed.empty();
  allowed.emplace_back("OPTIONS");
  std::sort(allowed.begin(), allowed.end());
  Response response = Response::Text(404, "404 page not found\n");
  if (known && method == "OPTIONS") response = Response::Text(200, "");
  if (known && method != "OPTIONS") response = Response::Text(405, "Method Not Allowed\n");
  if (known) response.headers.Set("Allow", Join(allowed, ", "));
  if (response.status != 200) response.headers.Set("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

void Router::Add(std::string_view methods, std::string_view pattern, Handler handler) {
  CHECK(pattern.starts_with('/'));
  Route route;
  for (const std::string_view method : Split(methods, ',')) {
    route.methods.emplace_back(TrimSpace(method));
  }
  for (const std::string_view segment : Segments(pattern)) {
    CHECK(!route.wildcard);  // only the last segment may be a rest
    if (segment == "*") {
      route.wildcard = true;
      route.rank += 'c';
      continue;
    }
    route.rank += segment.starts_with(':') ? 'b' : 'a';
    route.segments.emplace_back(segment);
  }
  route.handler = std::move(handler);
  routes_.push_back(std::move(route));
}

bool Router::Matches(const Route& route, const std::vector<std::string_view>& path,
                     const std::vector<std::string>& decoded) {
  const size_t fixed = route.segments.size();
  if (route.wildcard ? path.size() <= fixed : path.size() != fixed) return false;
  for (size_t i = 0; i < fixed; ++i) {
    if (route.segments[i].starts_with(':')) {
      if (path[i].empty()) return false;
    } else if (route.segments[i] != decoded[i]) {
      return false;
    }
  }
  return true;
}

void Router::Capture(const Route& route, const std::vector<std::string_view>& path,
                     const std::vector<std::string>& decoded, Request* request) {
  for (size_t i = 0; i < route.segments.size(); ++i) {
    if (route.segments[i].starts_with(':')) {
      request->path_values.emplace_back(route.segments[i].substr(1), decoded[i]);
    }
  }
  if (!route.wildcard) return;
  const std::string_view first = path[route.segments.size()];
  request->path_values.emplace_back(
      "*", std::string(first.data(), path.back().data() + path.back().size()));
}

Response Router::Dispatch(Request& request) const {
  const std::vector<std::string_view> path = Segments(request.raw_path);
  std::vector<std::string> decoded;
  decoded.reserve(path.size());
  for (const std::string_view segment : path) {
    Result<std::string> text = PercentDecode(segment, false);
    if (!text) return Response::Text(400, "bad path: " + text.error().message + "\n");
    decoded.push_back(*std::move(text));
  }
  const Route* best = nullptr;
  std::vector<std::string> allowed;
  for (const Route& route : routes_) {
    if (!Matches(route, path, decoded)) continue;
    if (!HasMethod(route.methods, request.method)) {
      AddAllowed(route.methods, &allowed);
    } else if (best == nullptr || route.rank < best->rank) {
      best = &route;
    }
  }
  if (best == nullptr) return Unroutable(request.method, std::move(allowed));
  request.path_values.clear();
  Capture(*best, path, decoded, &request);
  return best->handler(request);
}

}  // namespace vigil::http

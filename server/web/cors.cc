// SPDX-License-Identifier: Apache-2.0
// See cors.h.
#include "server/web/cors.h"

namespace vigil::web {

Result<Cors> Cors::Create(std::string_view origin_pattern) {
  Result<Regexp> origin = Regexp::Compile(origin_pattern);
  if (!origin) return BadData("--web.cors.origin: " + origin.error().message);
  return Cors(*std::move(origin));
}

void Cors::SetHeaders(const http::Request& request, http::Response* response) const {
  const std::string_view origin = request.headers.Get("Origin");
  if (origin.empty()) return;
  response->headers.Set("Access-Control-Allow-Headers",
                        "Accept, Authorization, Content-Type, Origin");
  response->headers.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response->headers.Set("Access-Control-Expose-Headers", "Date");
  response->headers.Set("Vary", "Origin");
  if (origin_.pattern() == ".*") {
    response->headers.Set("Access-Control-Allow-Origin", "*");
  } else if (origin_.Matches(origin)) {
    response->headers.Set("Access-Control-Allow-Origin", std::string(origin));
  }
}

}  // namespace vigil::web

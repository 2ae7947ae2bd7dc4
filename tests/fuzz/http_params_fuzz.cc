// SPDX-License-Identifier: Apache-2.0
// Parameters, bodies and header values as a stranger would send them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client-lib/http/compression.h"
#include "client-lib/http/message.h"
#include "client-lib/http/server.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vigil::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto params = Params::Parse(text);
  if (params) static_cast<void>(params->Get("query"));
  static_cast<void>(ChooseCoding(text));
  for (const char* encoding : {"gzip", "deflate", "identity"}) {
    Headers headers;
    headers.Set("Content-Encoding", encoding);
    const auto body = DecodeBody(headers, text, 100'000);
    if (body && body->size() > 100'000) __builtin_trap();
  }
  static const Router* router = [] {
    auto* r = new Router;
    const auto ok = [](const Request&) { return Response::Text(200, ""); };
    r->Add("GET", "/a/:b/c", ok);
    r->Add("GET", "/a/*", ok);
    return r;
  }();
  Request request;
  request.method = "GET";
  request.raw_path = std::string(text);
  static_cast<void>(router->Dispatch(request));
  return 0;
}

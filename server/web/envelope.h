// SPDX-License-Identifier: Apache-2.0
// The envelope of every /api/v1 answer, and the one place where error kinds become HTTP codes.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "server/web/api_request.h"
#include "server/web/json_writer.h"

namespace vigil::web {

// What accompanies the data.
struct Annotations {
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  // Set when the data are large: the handler has written nothing then, and this writes them while
  // they are sent. Cannot fail any more.
  std::function<void(JsonWriter&)> data;
  // Once requested, what is not sent yet is not sent at all.
  std::stop_token stop;
};

// Writes exactly one JSON value, the `data` of the envelope; or nothing, which becomes a 204.
using ApiHandler = std::function<Result<Annotations>(const ApiRequest&, JsonWriter&)>;

// 400, 422, 499, 503, 404, 406, 500.
int HttpStatus(ErrorKind kind);

// Runs the handler and wraps what it wrote; an error of the handler or of the parameters becomes
// {"status":"error",...}.
http::Response Answer(const http::Request& request, const ApiHandler& handler);

http::Response ErrorAnswer(const Error& error);

}  // namespace vigil::web

// SPDX-License-Identifier: Apache-2.0
// Requests to a server's HTTP API, /api/v1.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/json_value.h"
#include "client-lib/base/result.h"
#include "client-lib/http/client.h"

namespace vigil::cli {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string PercentEncode(std::string_view text);

// Sends a request: http::Fetch, or a test's.
using Fetch = std::function<Result<http::ClientResponse>(http::ClientRequest)>;

// The document of a successful answer; its warnings go to stderr. path: below /api/v1/. Empty
// values are left out.
Result<JsonValue> AskApi(const Fetch& fetch, const std::string& server, const std::string& path,
                         const Pairs& pairs);

}  // namespace vigil::cli

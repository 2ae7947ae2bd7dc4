// SPDX-License-Identifier: Apache-2.0
// Parts of URLs as Go's net/url writes them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"
#include "server/access/escape.h"

namespace vigil::notify {

using access::EncodeQuery;
using access::PathEscape;
using access::QueryEscape;

// http or https with a host; bad_data in upstream's words.
Result<void> CheckUrl(std::string_view url);
// The URL with the path appended to its own, before its query: "https://x/a?b" + "c" is
// "https://x/a/c?b".
std::string JoinPath(std::string_view url, std::string_view path);
// The URL with further parameters.
std::string AddQuery(std::string_view url,
                     const std::vector<std::pair<std::string, std::string>>& values);

}  // namespace vigil::notify

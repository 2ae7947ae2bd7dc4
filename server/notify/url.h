// SPDX-License-Identifier: Apache-2.0
// Parts of URLs as Go's net/url writes them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::notify {

// For a query or a form: letters, digits and -_.~ stay, blanks become +.
std::string QueryEscape(std::string_view text);
// For one segment of a path: blanks become %20, slashes %2F.
std::string PathEscape(std::string_view text);
// a=1&b=2, sorted by name (url.Values.Encode).
std::string EncodeQuery(std::vector<std::pair<std::string, std::string>> values);

// http or https with a host; bad_data in upstream's words.
Result<void> CheckUrl(std::string_view url);
// The URL with the path appended to its own, before its query: "https://x/a?b" + "c" is
// "https://x/a/c?b".
std::string JoinPath(std::string_view url, std::string_view path);
// The URL with further parameters.
std::string AddQuery(std::string_view url,
                     const std::vector<std::pair<std::string, std::string>>& values);

}  // namespace vigil::notify

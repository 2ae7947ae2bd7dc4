// SPDX-License-Identifier: Apache-2.0
// Texts in URLs and forms as Go's net/url writes them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vigil::access {

// For a query or a form: letters, digits and -_.~ stay, blanks become +.
std::string QueryEscape(std::string_view text);
// For one segment of a path: blanks become %20, slashes %2F.
std::string PathEscape(std::string_view text);
// a=1&b=2, sorted by name (url.Values.Encode).
std::string EncodeQuery(std::vector<std::pair<std::string, std::string>> values);

}  // namespace vigil::access

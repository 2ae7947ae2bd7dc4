// SPDX-License-Identifier: Apache-2.0
// Go's text/template escapers: html, js, urlquery; and the way back from URLs.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::tmpl {

std::string HtmlEscapeText(std::string_view text);
std::string JsEscapeText(std::string_view text);
std::string UrlQueryEscape(std::string_view text);  // url.QueryEscape
// url.QueryUnescape; bad_data: invalid URL escape "%zz".
Result<std::string> UrlQueryUnescape(std::string_view text);

}  // namespace vigil::tmpl

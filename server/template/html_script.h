// SPDX-License-Identifier: Apache-2.0
// Contexts inside scripts and styles.
#pragma once

#include <string_view>

#include "server/template/html_context.h"

namespace vigil::tmpl {

// As AfterHtmlText. REQUIRES: a state of a script or a style.
HtmlStep AfterScriptText(const HtmlContext& context, std::string_view text);

// What a slash behind this text of a script means; `before` when the text is blank.
JsSlash SlashAfter(std::string_view text, JsSlash before);

}  // namespace vigil::tmpl

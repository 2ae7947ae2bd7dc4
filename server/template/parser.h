// SPDX-License-Identifier: Apache-2.0
// Parses a text into templates: the text itself and those it defines.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/template/node.h"

namespace vigil::tmpl {

struct ParseOptions {
  // Whether a function of that name exists; a name that does not is an error.
  std::function<bool(std::string_view)> has_function;
  // Parentheses and blocks inside each other, at most.
  size_t max_depth = 100;
};

// `name` is the name of the text itself. bad_data with Go's text:
// `template: NAME:LINE: unexpected "}" in operand`.
Result<Definitions> ParseTemplates(std::string_view name, std::string_view text,
                                   const ParseOptions& options);

}  // namespace vigil::tmpl

// SPDX-License-Identifier: Apache-2.0
// Makes templates safe for HTML: finds the context of each action and puts escapers behind it.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/template/node.h"

namespace vigil::tmpl {

struct EscapedTemplates {
  // The entry and what it calls, under names of their own for each context they are called in.
  Definitions definitions;
  std::string entry;
};

// bad_data with html/template's texts (`html/template:NAME:LINE:COLUMN: ...`) for an action in a
// place that is not covered (html_context.h), branches that end in different places, and a page
// that ends inside a tag. REQUIRES: the entry is among the definitions.
Result<EscapedTemplates> EscapeTemplates(const Definitions& definitions, std::string_view entry);

}  // namespace vigil::tmpl

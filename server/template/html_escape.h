// SPDX-License-Identifier: Apache-2.0
// html/template's escapers: what makes a value harmless where it stands.
#pragma once

#include <cstddef>

#include "client-lib/base/result.h"
#include "server/template/node.h"
#include "server/template/value.h"

namespace vigil::tmpl {

// The escaped text as a string. Safe types (template.HTML, template.URL, ...) pass where they are
// safe; nil is empty. execution when a text grows beyond max_bytes.
Result<Value> EscapeHtmlValue(Escaper escaper, const Value& value, size_t max_bytes);

}  // namespace vigil::tmpl

// SPDX-License-Identifier: Apache-2.0
// Functions on texts that Prometheus and Alertmanager have in common.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/template/function.h"

namespace vigil::tmpl {

// Words begin with a capital; with lower_rest their other letters become small (Alertmanager).
std::string TitleText(std::string_view text, bool lower_rest);

// Rows' functions.
Result<Value> CallToUpper(const FunctionCall& call);
Result<Value> CallToLower(const FunctionCall& call);
Result<Value> CallSafeHtml(const FunctionCall& call);
// match(pattern, text): RE2, not anchored.
Result<Value> CallMatch(const FunctionCall& call);
// reReplaceAll(pattern, replacement, text): $1, ${1}, ${name}, $$ in the replacement.
Result<Value> CallReReplaceAll(const FunctionCall& call);

}  // namespace vigil::tmpl

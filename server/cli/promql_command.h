// SPDX-License-Identifier: Apache-2.0
// `vigilctl promql …`: queries are formatted and changed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/matcher.h"
#include "server/promql/parser.h"

namespace vigil::cli {

// The query in upstream's layout.
Result<std::string> FormatQuery(std::string_view query, const promql::ParserOptions& options);
// The same, with the matcher in every selector, in place of those with its name.
Result<std::string> SetMatcher(std::string_view query, const Matcher& matcher,
                               const promql::ParserOptions& options);
// The same, without matchers of the name.
Result<std::string> DeleteMatcher(std::string_view query, std::string_view name,
                                  const promql::ParserOptions& options);

// `promql format EXPR`, `promql label-matchers set|delete …`; args are the words behind the
// command. The exit code.
int RunPromqlFormat(const std::vector<std::string>& args);
int RunPromqlLabelMatchers(const std::vector<std::string>& args);

}  // namespace vigil::cli

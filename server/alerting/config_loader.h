// SPDX-License-Identifier: Apache-2.0
// Reads alertmanager.yml strictly: an unknown or doubled key, a wrong type or value is an error
// that names file, line, column and key. What upstream refuses is refused in its words.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/alerting/alerting_config.h"
#include "server/alerting/matcher_parser.h"

namespace vigil::alerting {

// bad_data: what is wrong, as `alertmanager.yml:12:5: unknown field "recevier" in route: did you
// mean "receiver"?`; not_found or internal when the file cannot be read.
Result<AlertingConfig> LoadAlertingFile(const std::string& path,
                                        MatcherMode mode = MatcherMode::kFallback);
// The same from text; `filename` is named in errors and its directory is where relative paths
// start.
Result<AlertingConfig> LoadAlertingText(std::string_view text, const std::string& filename,
                                        MatcherMode mode = MatcherMode::kFallback);

// The configuration in use, as /api/v2/status shows it: defaults filled in, secrets as <secret>.
std::string ToYaml(const AlertingConfig& config);

}  // namespace vigil::alerting

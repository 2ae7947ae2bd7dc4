// SPDX-License-Identifier: Apache-2.0
// Checks that concern more than one block of alertmanager.yml, and values that come from others.
#pragma once

#include "server/alerting/alerting_config.h"
#include "server/alerting/matcher_parser.h"
#include "server/config/reader.h"

namespace vigil::alerting {

// `node` is the mapping that was read, for the positions in messages.
Result<void> CheckGlobal(const config::Reader& reader, const config::YamlNode& node,
                         const GlobalConfig& global);
// Fills in what receivers take from `global` and checks that they have what they need.
Result<void> FinishReceivers(config::Reader& reader, const config::YamlNode& node,
                             const GlobalConfig& global, std::vector<ReceiverConfig>* receivers);
// Parses matchers and group_by of the route and those below it.
Result<void> FinishRoute(config::Reader& reader, const config::YamlNode& node,
                         MatcherParser* parser, RouteConfig* route);
Result<void> FinishInhibitRules(config::Reader& reader, const config::YamlNode& node,
                                MatcherParser* parser, std::vector<InhibitRuleConfig>* rules);
// Names that refer to each other: receivers and time intervals of routes.
Result<void> CheckNames(const config::Reader& reader, const config::YamlNode& root,
                        const AlertingConfig& config);

}  // namespace vigil::alerting

// SPDX-License-Identifier: Apache-2.0
// The words that some keys take.
#pragma once

#include <string_view>

namespace vigil::config {

inline constexpr std::string_view kValidationSchemes[] = {"utf8", "legacy"};
inline constexpr std::string_view kEscapingSchemes[] = {"allow-utf-8", "underscores", "dots",
                                                        "values"};
// The first one is the default.
inline constexpr std::string_view kTranslationStrategies[] = {
    "UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes",
    "NoUTF8EscapingWithSuffixes", "NoTranslation"};
inline constexpr std::string_view kUrlSchemes[] = {"http", "https"};
inline constexpr std::string_view kProtocols[] = {"PrometheusProto", "OpenMetricsText0.0.1",
                                                  "OpenMetricsText1.0.0", "PrometheusText0.0.4",
                                                  "PrometheusText1.0.0"};

}  // namespace vigil::config

// SPDX-License-Identifier: Apache-2.0
// Names of OTLP metrics and attributes as Prometheus writes them, by the translation strategies.
#pragma once

#include <string>
#include <string_view>

namespace vigil::remote {

enum class OtlpKind { kGauge, kCounter, kOther };

// What a translation strategy says, and the switches beside it. Without change: the strategy
// UnderscoreEscapingWithSuffixes.
struct OtlpNaming {
  bool escape = true;    // what is no letter, digit or underscore becomes an underscore
  bool suffixes = true;  // the unit, and _total or _ratio, are part of the name of a metric
  // Of labels that are escaped.
  bool key_before_underscore = true;
  bool keep_underscores = true;  // several in a row
};

// http.server.duration, ms -> http_server_duration_milliseconds; counters end in _total, gauges of
// unit 1 in _ratio. Empty when nothing of the name is left.
std::string OtlpMetricName(std::string_view name, std::string_view unit, OtlpKind kind,
                           const OtlpNaming& naming);
// http.method -> http_method; 2xx -> key_2xx; _a -> key_a. Empty when only underscores are left.
std::string OtlpLabelName(std::string_view name, const OtlpNaming& naming);
// By/s -> bytes_per_second; empty when the unit is none.
std::string OtlpUnit(std::string_view unit);

}  // namespace vigil::remote

// SPDX-License-Identifier: Apache-2.0
// Names of OTLP metrics and attributes as Prometheus writes them: the translation strategy
// UnderscoreEscapingWithSuffixes.
#pragma once

#include <string>
#include <string_view>

namespace vigil::remote {

enum class OtlpKind { kGauge, kCounter, kOther };

// http.server.duration, ms -> http_server_duration_milliseconds; counters end in _total, gauges of
// unit 1 in _ratio. Empty when nothing of the name is left.
std::string OtlpMetricName(std::string_view name, std::string_view unit, OtlpKind kind);
// http.method -> http_method; 2xx -> key_2xx; _a -> key_a.
std::string OtlpLabelName(std::string_view name);
// By/s -> bytes_per_second; empty when the unit is none.
std::string OtlpUnit(std::string_view unit);

}  // namespace vigil::remote

// SPDX-License-Identifier: Apache-2.0
// Which format a page is in, by the media type of its Content-Type header.
#pragma once

#include <string>
#include <string_view>

namespace vigil::exposition {

enum class Format { kUnknown, kText, kOpenMetrics, kProtobuf };

struct ContentType {
  Format format = Format::kUnknown;
  std::string media_type;  // lower case, without parameters; empty when the header is blank
  std::string version;     // "0.0.4"; empty when not given
  std::string escaping;    // "allow-utf-8"; empty when not given
  std::string charset;
};

// Charset and version do not decide. Protobuf needs proto=io.prometheus.client.MetricFamily and
// encoding=delimited. What cannot be parsed is kUnknown: the caller decides what that means.
ContentType ParseContentType(std::string_view header);

}  // namespace vigil::exposition

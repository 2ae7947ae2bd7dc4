// SPDX-License-Identifier: Apache-2.0
// Which format a page is in, by the media type of its Content-Type header.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::exposition {

enum class Format { kUnknown, kText, kOpenMetrics, kProtobuf };
// "text", "OpenMetrics", "protobuf", "unknown"
std::string_view FormatName(Format format);

// Only what can be read is asked for.
inline constexpr std::string_view kAccept =
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

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

// Ok for text; bad_data otherwise: `the OpenMetrics format is not supported yet: ...`.
Result<void> CheckReadable(const ContentType& type);

}  // namespace vigil::exposition

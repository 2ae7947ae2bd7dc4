// SPDX-License-Identifier: Apache-2.0
// OTLP/JSON export requests for metrics as protobuf, so that both encodings have one decoder.
// Format: opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::remote {

// The message of otlp_metrics.proto. Names of fields are in lowerCamelCase or as in the .proto
// files; integers of 64 bits are numbers or strings, enumerations numbers or names, ids are in hex,
// bytes in base64; unknown fields and nulls are skipped. bad_data when the text is no JSON, when a
// field is of the wrong kind, when messages nest too deep or the result is larger than max_bytes.
Result<std::string> OtlpJsonToProtobuf(std::string_view json, size_t max_bytes);

}  // namespace vigil::remote

// SPDX-License-Identifier: Apache-2.0
// OTLP/JSON for tests: what an exporter would send instead of the protobuf message.
#pragma once

#include <string>
#include <string_view>

namespace vigil::test {

// Fields that are unknown or of another wire type are left out; what is broken ends there.
std::string OtlpJsonText(std::string_view protobuf);

}  // namespace vigil::test

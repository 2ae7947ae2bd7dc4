// SPDX-License-Identifier: Apache-2.0
// `vigilctl receiver test NAME`: a fire drill.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/json_value.h"

namespace vigil::cli {

// A row for each message of the server's answer; *failed when one was not sent.
std::string PrintDrill(const JsonValue& results, bool* failed);

// How long the server may take for each message, in ms, so that it answers before this program,
// which waits patience_ms, gives up.
int64_t DrillTimeout(int64_t patience_ms, bool resolve);

// args are the words behind the command. The exit code: 1 when a message was not sent.
int RunReceiverTest(const std::vector<std::string>& args);

}  // namespace vigil::cli

// SPDX-License-Identifier: Apache-2.0
// `vigilctl receiver test NAME`: a fire drill.
#pragma once

#include <string>
#include <vector>

#include "client-lib/base/json_value.h"

namespace vigil::cli {

// A row for each message of the server's answer; *failed when one was not sent.
std::string PrintDrill(const JsonValue& results, bool* failed);

// args are the words behind the command. The exit code: 1 when a message was not sent.
int RunReceiverTest(const std::vector<std::string>& args);

}  // namespace vigil::cli

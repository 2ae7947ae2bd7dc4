// SPDX-License-Identifier: Apache-2.0
// What this build is: for --version, build_info metrics and landing pages.
#pragma once

#include <string>
#include <string_view>

namespace vigil::toolkit {

std::string_view Version();   // "0.1.0"
std::string_view Revision();  // of the source, "unknown" when not built from a checkout
std::string_view Branch();
std::string_view Compiler();  // "g++ 12.2.0"

// The text of --version: `node_exporter, version 0.1.0 (branch: ..., revision: ...)`.
std::string VersionText(std::string_view program);

}  // namespace vigil::toolkit

// SPDX-License-Identifier: Apache-2.0
// Names of files on the command line and in configuration files.
#pragma once

#include <string>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::cli {

// Without "./" and "a/..".
std::string CleanPath(const std::string& path);

// The clean paths that match, sorted.
std::vector<std::string> Glob(const std::string& pattern);

// As promtool wants its arguments: bad_data with `path 'x' does not exist` or `'x' is a directory`.
Result<void> ExpectFiles(const std::vector<std::string>& paths);

// Prints `vigilctl: error: <message>, try --help` and gives the exit code of a wrong command line.
int UsageError(const std::string& message);

}  // namespace vigil::cli

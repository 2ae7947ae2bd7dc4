// SPDX-License-Identifier: Apache-2.0
#include "server/cli/file_names.h"

#include <glob.h>

#include <cstdio>
#include <filesystem>

#include "client-lib/base/files.h"

namespace vigil::cli {

std::string CleanPath(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

std::vector<std::string> Glob(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found{};
  if (glob(CleanPath(pattern).c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

Result<void> ExpectFiles(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (DirectoryExists(path)) return BadData("'" + path + "' is a directory");
    if (!FileExists(path)) return BadData("path '" + path + "' does not exist");
  }
  return Ok();
}

int UsageError(const std::string& message) {
  std::fprintf(stderr, "vigilctl: error: %s, try --help\n", message.c_str());
  return 1;
}

}  // namespace vigil::cli

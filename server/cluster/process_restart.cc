// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/process_restart.h"

#include <linux/close_range.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "client-lib/base/files.h"

namespace vigil::cluster {

Error RestartProcess() {
  // Each argument ends with a zero.
  Result<std::string> line = ReadFile("/proc/self/cmdline");
  if (!line) return std::move(line).error();
  std::vector<char*> arguments;
  for (size_t at = 0; at < line->size(); at += std::strlen(line->data() + at) + 1) {
    arguments.push_back(line->data() + at);
  }
  arguments.push_back(nullptr);
  // Marked, not closed: other threads still use them until the very end.
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    return Internal(std::string("close_range: ") + std::strerror(errno));
  }
  // By its own path, so that the process keeps its name; what runs is gone from there after an
  // upgrade, and then this very program goes on.
  constexpr std::string_view kGone = " (deleted)";
  std::error_code problem;
  const std::string path = std::filesystem::read_symlink("/proc/self/exe", problem).string();
  if (!problem && !path.ends_with(kGone)) execv(path.c_str(), arguments.data());
  execv("/proc/self/exe", arguments.data());
  return Internal(std::string("execv: ") + std::strerror(errno));
}

}  // namespace vigil::cluster

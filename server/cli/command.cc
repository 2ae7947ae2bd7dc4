// SPDX-License-Identifier: Apache-2.0
#include "server/cli/command.h"

#include <cstdio>

namespace vigil::cli {

std::optional<int> ParseCommand(toolkit::FlagSet* flags, const std::vector<std::string>& args) {
  const auto outcome = flags->Parse(args);
  if (!outcome) {
    std::fprintf(stderr, "vigilctl: error: %s, try --help\n", outcome.error().message.c_str());
    return 1;
  }
  if (*outcome == toolkit::FlagSet::Outcome::kRun) return std::nullopt;
  std::fputs(flags->HelpText().c_str(), stdout);
  return 0;
}

std::string ServerUrl(const std::string& server) {
  std::string url = server.find("://") == std::string::npos ? "http://" + server : server;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace vigil::cli

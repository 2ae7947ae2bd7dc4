// SPDX-License-Identifier: Apache-2.0
#include "server/cli/command.h"

#include <cstdio>

#include "server/config/loader.h"

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

int RunCheckConfig(const std::vector<std::string>& args) {
  std::vector<std::string> files;
  toolkit::FlagSet flags("vigilctl check config", "Check if the config files are valid or not.");
  flags.Arguments("config-files", "The config files to check.", &files);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (files.empty()) {
    std::fputs("vigilctl: error: required argument 'config-files' not provided\n", stderr);
    return 1;
  }
  int code = 0;
  for (const std::string& file : files) {
    std::printf("Checking %s\n", file.c_str());
    const Result<config::Config> loaded = config::LoadFile(file);
    if (!loaded) {
      std::fflush(stdout);
      std::fprintf(stderr, "  FAILED: %s\n", loaded.error().message.c_str());
      code = 1;
      continue;
    }
    for (const std::string& note : loaded->not_supported_yet) {
      std::printf("  WARNING: %s\n", note.c_str());
    }
    std::printf(" SUCCESS: %s is valid prometheus config file syntax\n\n", file.c_str());
  }
  return code;
}

}  // namespace vigil::cli

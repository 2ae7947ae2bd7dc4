// SPDX-License-Identifier: Apache-2.0
#include "server/cli/check_server.h"

#include <cstdio>

#include "client-lib/http/client.h"
#include "exporters/toolkit/web_config.h"
#include "server/cli/command.h"
#include "server/cli/file_names.h"

namespace vigil::cli {
namespace {

int CheckEndpoint(const std::string& command, const std::string& help, const std::string& path,
                  const std::vector<std::string>& args) {
  std::string url = "http://localhost:9090";
  toolkit::FlagSet flags("vigilctl check " + command, help);
  flags.String("url", "The URL for the server.", &url);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  http::ClientRequest request;
  request.url = ServerUrl(url) + path;
  const auto answer = http::Fetch(std::move(request));
  if (!answer) {
    std::fprintf(stderr, "vigilctl: error: %s\n", answer.error().message.c_str());
    return 1;
  }
  if (answer->status != 200) {
    std::fprintf(stderr, "check failed: URL=%s, status=%d\n", ServerUrl(url).c_str(),
                 answer->status);
    return 1;
  }
  std::fprintf(stderr, "  SUCCESS:  %s\n", answer->body.c_str());
  return 0;
}

}  // namespace

int RunCheckHealthy(const std::vector<std::string>& args) {
  return CheckEndpoint("healthy", "Check if the server is healthy.", "/-/healthy", args);
}

int RunCheckReady(const std::vector<std::string>& args) {
  return CheckEndpoint("ready", "Check if the server is ready.", "/-/ready", args);
}

int RunCheckWebConfig(const std::vector<std::string>& args) {
  std::vector<std::string> files;
  toolkit::FlagSet flags("vigilctl check web-config",
                         "Check if the web config files are valid or not.");
  flags.Arguments("web-config-files", "The config files to check.", &files);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (files.empty()) return UsageError("required argument 'web-config-files' not provided");
  if (const auto good = ExpectFiles(files); !good) return UsageError(good.error().message);
  int code = 0;
  for (const std::string& path : files) {
    const auto config = toolkit::WebConfig::Load(path);
    if (config) {
      std::fprintf(stderr, "%s SUCCESS\n", path.c_str());
      continue;
    }
    std::fprintf(stderr, "%s FAILED: %s\n", path.c_str(), config.error().message.c_str());
    code = 1;
  }
  return code;
}

}  // namespace vigil::cli

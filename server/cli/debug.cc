// SPDX-License-Identifier: Apache-2.0
#include "server/cli/debug.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstring>

#include "client-lib/base/files.h"
#include "client-lib/http/client.h"
#include "client-lib/http/compression.h"
#include "server/cli/command.h"
#include "server/cli/file_names.h"

namespace vigil::cli {
namespace {

constexpr size_t kTarBlock = 512;
constexpr const char* kArchive = "debug.tar.gz";

struct DebugPage {
  const char* path;
  const char* file;
};

void PadTar(std::string* out) {
  out->resize((out->size() + kTarBlock - 1) / kTarBlock * kTarBlock);
}

int FetchPages(const std::string& command, const std::string& help,
               const std::vector<DebugPage>& pages, const std::vector<std::string>& args) {
  std::vector<std::string> words;
  toolkit::FlagSet flags("vigilctl debug " + command, help);
  flags.Arguments("server", "The server to get it from.", &words);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (words.size() != 1) return UsageError("required argument 'server' not provided");
  std::vector<std::pair<std::string, std::string>> files;
  for (const DebugPage& page : pages) {
    std::printf("collecting: %s%s\n", ServerUrl(words[0]).c_str(), page.path);
    http::ClientRequest request;
    request.url = ServerUrl(words[0]) + page.path;
    auto answer = http::Fetch(std::move(request));
    if (answer && answer->status != 200) {
      answer = ExecutionError(fmt::format("{} answered {}", page.path, answer->status));
    }
    if (!answer) {
      std::fprintf(stderr, "error completing debug command: %s\n", answer.error().message.c_str());
      return 1;
    }
    files.emplace_back(page.file, std::move(answer->body));
  }
  std::string packed;
  http::Compressor compressor;
  compressor.Start(http::Coding::kGzip);
  compressor.Add(TarOf(files), /*last=*/true, &packed);
  if (const auto written = WriteFileAtomically(kArchive, packed); !written) {
    std::fprintf(stderr, "error completing debug command: %s\n", written.error().message.c_str());
    return 1;
  }
  std::printf("Compiling debug information complete, all files written in: %s\n", kArchive);
  return 0;
}

}  // namespace

std::string TarOf(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string out;
  for (const auto& [name, content] : files) {
    std::string header(kTarBlock, '\0');
    const auto put = [&header](size_t at, std::string_view text) {
      std::memcpy(&header[at], text.data(), text.size());
    };
    put(0, std::string_view(name).substr(0, 100));
    put(100, "0000644");  // mode
    put(108, "0000000");  // user
    put(116, "0000000");  // group
    put(124, fmt::format("{:011o}", content.size()));
    put(136, "00000000000");  // time
    put(148, "        ");     // the sum is that with blanks in its place
    put(156, "0");            // a file
    put(257, "ustar");
    put(263, "00");
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum));
    header[154] = '\0';
    out += header;
    out += content;
    PadTar(&out);
  }
  out.append(2 * kTarBlock, '\0');
  return out;
}

int RunDebugMetrics(const std::vector<std::string>& args) {
  return FetchPages("metrics", "Fetch metrics debug information.", {{"/metrics", "metrics.txt"}},
                    args);
}

int RunDebugAll(const std::vector<std::string>& args) {
  return FetchPages("all", "Fetch all debug information.",
                    {{"/metrics", "metrics.txt"},
                     {"/api/v1/status/runtimeinfo", "runtimeinfo.json"},
                     {"/api/v1/status/buildinfo", "buildinfo.json"},
                     {"/api/v1/status/flags", "flags.json"},
                     {"/api/v1/status/config", "config.json"},
                     {"/api/v1/status/tsdb", "tsdb.json"}},
                    args);
}

int RunDebugPprof(const std::vector<std::string>& args) {
  toolkit::FlagSet flags("vigilctl debug pprof", "Profiles: the server has none of Go's.");
  std::vector<std::string> words;
  flags.Arguments("server", "Not asked.", &words);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  std::fputs(
      "vigilctl: error: the server is no Go program and has no pprof profiles; use `perf record -g "
      "-p PID` on its machine, or `vigilctl debug all SERVER` for metrics and status\n",
      stderr);
  return 1;
}

}  // namespace vigil::cli

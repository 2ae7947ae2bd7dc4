// SPDX-License-Identifier: Apache-2.0
// `vigilctl import`: flags, file, progress.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <thread>

#include "client-lib/base/clock.h"
#include "server/cli/command.h"
#include "server/cli/import.h"

namespace vigil::cli {
namespace {

// On a terminal one line that changes, else a line now and then.
class ProgressLine {
 public:
  void Show(const Import::Progress& progress) {
    const int64_t now_ns = Clock::System().MonotonicNs();
    const int64_t every_ns = terminal_ ? 200'000'000 : 10'000'000'000;
    if (now_ns - last_ns_ < every_ns) return;
    last_ns_ = now_ns;
    std::fprintf(stderr, "%s%llu samples of %llu series, %.1f MB read%s", terminal_ ? "\r" : "",
                 static_cast<unsigned long long>(progress.samples),
                 static_cast<unsigned long long>(progress.series),
                 static_cast<double>(progress.bytes) / 1e6, terminal_ ? " " : "\n");
    shown_ = true;
  }
  void End() const {
    if (terminal_ && shown_) std::fputs("\n", stderr);
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  int64_t last_ns_ = Clock::System().MonotonicNs();
  bool shown_ = false;
};

Result<Import::Progress> ImportFile(const ImportOptions& options, ProgressLine* line) {
  Import import(
      options, [](http::ClientRequest request) { return http::Fetch(std::move(request)); },
      [](int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); },
      [line](const Import::Progress& progress) { line->Show(progress); });
  if (options.file == "-") return import.Run(&std::cin);
  std::ifstream file(options.file, std::ios::binary);
  if (!file) return NotFound(options.file + ": cannot be opened");
  return import.Run(&file);
}

}  // namespace

int RunImport(const std::vector<std::string>& args) {
  ImportOptions options;
  std::string url = "http://localhost:9090";
  std::string format = "openmetrics";
  auto batch = static_cast<int64_t>(options.batch_samples);
  std::vector<std::string> files;
  toolkit::FlagSet flags("vigilctl import",
                         "Sends a file of samples with timestamps to a server by remote write. For "
                         "samples of the past the server must run with --storage.allow-backfill.");
  flags.String("url", "The server.", &url);
  flags.Enum("format", "openmetrics: times in seconds, # EOF at the end; text: milliseconds.",
             {"openmetrics", "text"}, &format);
  flags.Int("batch", "Samples per request.", &batch);
  flags.Duration("retry-for", "How long to go on while the server is busy or away.",
                 &options.retry_ms);
  flags.Arguments("file", "OpenMetrics text; - is the standard input.", &files);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (files.size() != 1 || batch < 1) {
    std::fputs("vigilctl: error: give one file and a positive --batch\n", stderr);
    return 1;
  }
  options.file = files[0];
  options.url = ServerUrl(url);
  options.unit = format == "text" ? TimeUnit::kMilliseconds : TimeUnit::kSeconds;
  options.batch_samples = static_cast<size_t>(batch);

  const int64_t begin_ns = Clock::System().MonotonicNs();
  ProgressLine line;
  const Result<Import::Progress> done = ImportFile(options, &line);
  line.End();
  if (!done) {
    std::fprintf(stderr, "vigilctl: error: %s\n", done.error().message.c_str());
    return 1;
  }
  std::printf("imported %llu samples of %llu series in %.1f s\n",
              static_cast<unsigned long long>(done->samples),
              static_cast<unsigned long long>(done->series),
              static_cast<double>(Clock::System().MonotonicNs() - begin_ns) / 1e9);
  return 0;
}

}  // namespace vigil::cli

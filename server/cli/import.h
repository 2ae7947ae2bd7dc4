// SPDX-License-Identifier: Apache-2.0
// `vigilctl import`: a file of samples with timestamps goes to a server by remote write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/sample.h"
#include "server/cli/openmetrics_line.h"
#include "server/cli/remote_writer.h"
#include "server/remote/write_encoder.h"

namespace vigil::cli {

struct ImportOptions {
  std::string file;  // "-": the standard input
  std::string url;   // of the server
  TimeUnit unit = TimeUnit::kSeconds;
  size_t batch_samples = 20'000;
  int64_t retry_ms = 5 * 60 * 1000;  // how long one batch is tried while the server is busy or away
  int64_t timeout_ms = 60'000;
};

// Reads line by line, sends batch by batch. What was sent before an error stays in the server;
// importing the same file again does no harm.
// Threads: owner thread only.
class Import {
 public:
  struct Progress {
    uint64_t samples = 0;  // acknowledged
    uint64_t series = 0;
    uint64_t lines = 0;
    uint64_t bytes = 0;  // read
    uint64_t retries = 0;
  };
  using Report = std::function<void(const Progress&)>;

  Import(ImportOptions options, Fetch fetch, RemoteWriter::Sleep sleep, Report report);

  // Errors name file and line: `samples.txt:12: the sample has no timestamp`.
  Result<Progress> Run(std::istream* in);

 private:
  struct Series {
    std::string labels;  // encoded
    std::vector<TimestampMs> times;
    std::vector<double> values;
    bool waiting = false;  // in waiting_
  };
  [[nodiscard]] Error At(uint64_t line, const Error& error) const;
  Result<void> Take(std::string_view line);
  Result<Series*> SeriesOf(std::string_view text);
  Result<void> Send();

  const ImportOptions options_;
  const Report report_;
  RemoteWriter writer_;
  std::unordered_map<std::string, Series> series_;
  std::vector<Series*> waiting_;  // with samples of this batch, in order of appearance
  size_t batched_ = 0;
  uint64_t batch_line_ = 1;  // where the batch begins
  remote::WriteEncoder encoder_;
  Progress progress_;
};

// The command; args are the words behind `import`. The exit code.
int RunImport(const std::vector<std::string>& args);

}  // namespace vigil::cli

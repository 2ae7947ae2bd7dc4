// SPDX-License-Identifier: Apache-2.0
#include "server/cli/remote_writer.h"

#include <algorithm>
#include <utility>

#include "client-lib/base/strings.h"

namespace vigil::cli {
namespace {

constexpr int64_t kFirstPauseMs = 100;
constexpr int64_t kLongestPauseMs = 5'000;

bool ComeBackLater(int status) { return status == 429 || status >= 500; }

}  // namespace

RemoteWriter::RemoteWriter(Options options, Fetch fetch, Sleep sleep)
    : options_(std::move(options)), fetch_(std::move(fetch)), sleep_(std::move(sleep)) {}

Result<void> RemoteWriter::Post(const std::string& body) {
  const int64_t began_ns = options_.clock->MonotonicNs();
  int64_t paused_ms = 0;
  int64_t pause_ms = kFirstPauseMs;
  while (true) {
    http::ClientRequest request;
    request.method = "POST";
    request.url = options_.url + options_.path;
    request.headers.Set("Content-Type", "application/x-protobuf");
    request.headers.Set("Content-Encoding", "snappy");
    request.headers.Set("X-Prometheus-Remote-Write-Version", "0.1.0");
    request.body = body;
    request.timeout_ms = options_.timeout_ms;
    const Result<http::ClientResponse> answer = fetch_(std::move(request));
    if (answer && answer->status / 100 == 2) return Ok();
    const std::string reason = answer ? "HTTP " + std::to_string(answer->status) + ": " +
                                            std::string(TrimSpace(answer->body))
                                      : answer.error().message;
    if (answer && !ComeBackLater(answer->status)) {
      return BadData("the server refused the samples (" + reason +
                     "); for samples of the past it must run with --storage.allow-backfill and "
                     "--web.enable-remote-write-receiver");
    }
    // The requests take their time, too.
    const int64_t waited_ms =
        std::max(paused_ms, (options_.clock->MonotonicNs() - began_ns) / 1'000'000);
    if (waited_ms >= options_.retry_ms) {
      return Unavailable("the server did not take the samples for " +
                         std::to_string(waited_ms / 1000) + " s: " + reason);
    }
    ++retries_;
    sleep_(pause_ms);
    paused_ms += pause_ms;
    pause_ms = std::min(pause_ms * 2, kLongestPauseMs);
  }
}

}  // namespace vigil::cli

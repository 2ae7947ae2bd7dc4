// SPDX-License-Identifier: Apache-2.0
// Sends remote write requests to a server, patiently.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/cli/api_client.h"

namespace vigil::cli {

// Threads: owner thread only.
class RemoteWriter {
 public:
  using Sleep = std::function<void(int64_t ms)>;

  struct Options {
    std::string url;  // of the server
    std::string path = "/api/v1/write";
    int64_t retry_ms = 5 * 60 * 1000;  // how long one request is tried while it is busy or away
    int64_t timeout_ms = 60'000;
    const Clock* clock = &Clock::System();
  };

  RemoteWriter(Options options, Fetch fetch, Sleep sleep);

  // A body of remote::WriteEncoder. bad_data when the server refuses it, unavailable when it was
  // busy or away for too long.
  Result<void> Post(const std::string& body);

  [[nodiscard]] uint64_t retries() const { return retries_; }

 private:
  const Options options_;
  const Fetch fetch_;
  const Sleep sleep_;
  uint64_t retries_ = 0;
};

}  // namespace vigil::cli

// SPDX-License-Identifier: Apache-2.0
// What all targets of one scrape job share, made from its configuration.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "server/config/scrape_config.h"

namespace vigil::scrape {

// Threads: any.
class Job {
 public:
  explicit Job(config::ScrapeConfig config);

  [[nodiscard]] const config::ScrapeConfig& config() const { return config_; }
  // Equal: a target may keep what it has cached about its series.
  [[nodiscard]] const std::string& series_fingerprint() const { return series_fingerprint_; }
  // Equal: nothing at all changed.
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  // Value of the Accept header.
  [[nodiscard]] const std::string& accept() const { return accept_; }

  // Client options with secret files read; they are read again when older than 5 s. internal or
  // not_found: a file cannot be read.
  Result<std::shared_ptr<const http::ClientOptions>> HttpOptions(int64_t now_ns) const;

 private:
  struct ReadOptions {
    std::shared_ptr<const http::ClientOptions> options;
    int64_t read_at_ns = 0;
  };
  [[nodiscard]] Result<http::ClientOptions> BuildHttpOptions() const;

  const config::ScrapeConfig config_;
  std::string fingerprint_;
  std::string series_fingerprint_;
  std::string accept_;
  bool has_secret_files_ = false;
  mutable Guarded<ReadOptions> options_;
};

}  // namespace vigil::scrape

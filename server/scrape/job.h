// SPDX-License-Identifier: Apache-2.0
// What all targets of one scrape job share, made from its configuration.
#pragma once

#include <string>

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
  // Value of the Accept header; native histograms come as protobuf only.
  [[nodiscard]] const std::string& accept(bool native_histograms) const {
    return native_histograms ? native_accept_ : accept_;
  }

 private:
  const config::ScrapeConfig config_;
  std::string fingerprint_;
  std::string series_fingerprint_;
  std::string accept_;
  std::string native_accept_;
};

}  // namespace vigil::scrape

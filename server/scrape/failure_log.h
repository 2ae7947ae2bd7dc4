// SPDX-License-Identifier: Apache-2.0
// Files with a line of JSON per failed scrape, as upstream writes them (scrape_failure_log_file).
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "client-lib/base/clock.h"

namespace vigil::scrape {

struct FailedScrape {
  TimestampMs time = 0;
  const std::string& job;
  const std::string& url;
  const std::string& error;
};

// Threads: any.
class FailureLog {
 public:
  // Opens the files to append; one that cannot be opened is logged and not written.
  explicit FailureLog(const std::set<std::string>& paths);

  void Write(const std::string& path, const FailedScrape& failed) const;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::map<std::string, std::unique_ptr<std::FILE, Close>> files_;
};

}  // namespace vigil::scrape

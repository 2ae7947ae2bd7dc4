// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/failure_log.h"

#include <cerrno>
#include <cstring>

#include "client-lib/base/log.h"
#include "client-lib/model/duration.h"
#include "server/config/node_json.h"

namespace vigil::scrape {

FailureLog::FailureLog(const std::set<std::string>& paths) {
  for (const std::string& path : paths) {
    std::FILE* opened = std::fopen(path.c_str(), "ae");
    if (opened == nullptr) {
      log::Error("scrape", "cannot write the scrape failure log",
                 {{"file", path}, {"err", std::string(std::strerror(errno))}});
      continue;
    }
    files_[path].reset(opened);
  }
}

void FailureLog::Write(const std::string& path, const FailedScrape& failed) const {
  const auto found = files_.find(path);
  if (found == files_.end()) return;
  using config::JsonString;
  const std::string line = "{\"time\":" + JsonString(FormatRfc3339(failed.time)) +
                           ",\"level\":\"ERROR\",\"msg\":" + JsonString(failed.error) +
                           ",\"job_name\":" + JsonString(failed.job) +
                           ",\"target\":" + JsonString(failed.url) + "}\n";
  // One call per line: lines of several loops do not mix.
  std::fwrite(line.data(), 1, line.size(), found->second.get());
  std::fflush(found->second.get());
}

}  // namespace vigil::scrape

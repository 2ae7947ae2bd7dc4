// SPDX-License-Identifier: Apache-2.0
// The query log: a line of JSON per query, as upstream writes it (global.query_log_file).
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "server/promql/engine.h"

namespace vigil::web {

struct LoggedQuery {
  const http::Request& http;
  const promql::QueryRequest& query;
  const promql::QueryStats& stats;
  std::string_view error;  // empty: it succeeded
};

// Threads: any.
class QueryLog {
 public:
  explicit QueryLog(const Clock& clock) : clock_(clock) {}

  // Appends to this file from now on; empty: logs nothing. A file of the same name is opened anew,
  // so that it can be rotated. On an error the log stays as it was.
  Result<void> Open(const std::string& path);
  // Costs nothing while there is no file.
  void Write(const LoggedQuery& entry);
  [[nodiscard]] bool enabled() const { return file_.Copy() != nullptr; }
  // Lines that could not be written.
  [[nodiscard]] uint64_t failures() const { return failures_.load(); }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  // Shared, so that a line is written outside the lock to a file that stays open meanwhile.
  using File = std::shared_ptr<std::FILE>;

  const Clock& clock_;
  Guarded<File> file_;
  std::atomic<uint64_t> failures_{0};
};

}  // namespace vigil::web

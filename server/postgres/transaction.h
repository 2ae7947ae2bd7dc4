// SPDX-License-Identifier: Apache-2.0
// A transaction around a function.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"

namespace vigil::postgres {

// For statements that lock what queries use: rather give up and come back than let them queue.
inline constexpr const char* kShortLocks = "SET LOCAL lock_timeout = '500ms'";

// BEGIN, `settings` (statements, may be empty), body() -> Result<void>, COMMIT. After an error
// everything is rolled back; when the COMMIT itself fails with the connection, the outcome is
// unknown.
template <typename F>
Result<void> InTransaction(Connection* connection, const std::string& settings, int64_t timeout_ms,
                           F&& body) {
  TRY(connection->Execute("BEGIN; " + settings, timeout_ms));
  Result<void> done = std::forward<F>(body)();
  if (done) return connection->Execute("COMMIT", timeout_ms);
  // The error of the body is the one that counts; a session that cannot roll back is broken.
  if (!connection->broken()) {
    static_cast<void>(connection->Execute("ROLLBACK", timeout_ms).has_value());
  }
  return done;
}

}  // namespace vigil::postgres

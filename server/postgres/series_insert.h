// SPDX-License-Identifier: Apache-2.0
// Writes rows of the catalogue.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

// Collects series and inserts those that the catalogue does not have, some thousand at a time, in
// the connection's open transaction.
// Threads: owner thread only.
class SeriesInsert {
 public:
  SeriesInsert(Connection* connection, int64_t timeout_ms)
      : connection_(connection), timeout_ms_(timeout_ms) {}

  Result<void> Add(const storage::SeriesRecord& record);
  // Inserts what is left.
  Result<void> Finish();
  // Strings PostgreSQL cannot hold, mended.
  [[nodiscard]] uint64_t mended() const { return mended_; }

 private:
  std::string Mend(std::string_view text);

  Connection* const connection_;
  const int64_t timeout_ms_;
  std::vector<int64_t> ids_;
  std::vector<std::string> metrics_;
  std::vector<std::string> labels_;
  size_t bytes_ = 0;  // of names and labels
  uint64_t mended_ = 0;
};

}  // namespace vigil::postgres

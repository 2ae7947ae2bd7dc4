// SPDX-License-Identifier: Apache-2.0
// What a server that stands by asks the database and tells it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/ownership.h"

namespace vigil::cluster {

// Threads: owner thread only.
class OwnerWatch {
 public:
  virtual ~OwnerWatch() = default;
  // unavailable also for a replica in recovery, which nobody can take over, and once for a
  // connection that broke since the last question: whoever asks must know of it.
  virtual Result<postgres::OwnerState> Ask() = 0;
  // A sign of life. REQUIRES: Ask has found vigil.member, as for SayFarewell.
  virtual Result<void> Beat(const std::string& url, const std::string& instance) = 0;
  // The server no longer stands by.
  virtual Result<void> SayFarewell(const std::string& url) = 0;
  virtual void Disconnect() = 0;
};

// Over one connection, which is opened anew when it broke.
class PostgresOwnerWatch final : public OwnerWatch {
 public:
  explicit PostgresOwnerWatch(std::string conninfo) : conninfo_(std::move(conninfo)) {}

  Result<postgres::OwnerState> Ask() override;
  Result<void> Beat(const std::string& url, const std::string& instance) override;
  Result<void> SayFarewell(const std::string& url) override;
  void Disconnect() override { connection_.reset(); }

 private:
  Result<postgres::OwnerState> Read();
  // unavailable without a connection.
  Result<postgres::Connection*> Connected();

  const std::string conninfo_;
  std::unique_ptr<postgres::Connection> connection_;
};

}  // namespace vigil::cluster

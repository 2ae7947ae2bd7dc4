// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/owner_watch.h"

#include "server/postgres/members.h"

namespace vigil::cluster {
namespace {

constexpr int64_t kAskMs = 2'000;

}  // namespace

Result<postgres::Connection*> PostgresOwnerWatch::Connected() {
  if (connection_ == nullptr || connection_->broken()) {
    return Unavailable("the connection to the database broke");
  }
  return connection_.get();
}

Result<postgres::OwnerState> PostgresOwnerWatch::Ask() {
  Result<postgres::OwnerState> owner = Read();
  if (!owner) connection_.reset();
  return owner;
}

Result<postgres::OwnerState> PostgresOwnerWatch::Read() {
  if (connection_ == nullptr) {
    connection_ = TRY(postgres::Connection::Open(conninfo_, "vigil-standby", "-c jit=off", kAskMs));
  }
  postgres::OwnerState owner = TRY(postgres::ReadOwner(TRY(Connected()), kAskMs));
  if (owner.in_recovery) {
    return Unavailable("it is a replica in recovery, which nobody can take over");
  }
  return owner;
}

Result<void> PostgresOwnerWatch::Beat(const std::string& url, const std::string& instance) {
  return postgres::RegisterStandby(TRY(Connected()), url, instance, kAskMs);
}

Result<void> PostgresOwnerWatch::SayFarewell(const std::string& url) {
  return postgres::ForgetStandby(TRY(Connected()), url, kAskMs);
}

}  // namespace vigil::cluster

// SPDX-License-Identifier: Apache-2.0
// What the servers on one database say of themselves: GET /-/role.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/http/client.h"

namespace vigil::cluster {

inline constexpr std::string_view kRolePath = "/-/role";

// "leader 7\n" or "standby 7\n". epoch: by which this server leads, or which it saw last.
std::string RolePage(bool leads, int64_t epoch);

// By the epoch of a role page that says "leader"; not_found when it says "standby"; bad_data when
// it is no such page.
Result<int64_t> EpochOfLeader(std::string_view page);

enum class PeersSay : uint8_t { kAnotherLeads, kStandBy, kNothing };

// Asks servers that may have taken over, when the database cannot be asked. Threads: any.
class PeerRoles {
 public:
  using Fetch = std::function<Result<http::ClientResponse>(http::ClientRequest)>;

  static constexpr int64_t kTimeoutMs = 2'000;

  explicit PeerRoles(std::shared_ptr<const http::ClientOptions> client, Fetch fetch = http::Fetch)
      : client_(std::move(client)), fetch_(std::move(fetch)) {}

  // kAnotherLeads: one of them says that it leads by an epoch above this one; else kStandBy when
  // one says so of itself. urls: without a slash at the end. Waits up to kTimeoutMs for each; one
  // that gives no answer says nothing.
  [[nodiscard]] PeersSay AskAll(const std::vector<std::string>& urls, int64_t epoch) const;

 private:
  [[nodiscard]] Result<int64_t> Ask(const std::string& url) const;

  const std::shared_ptr<const http::ClientOptions> client_;
  const Fetch fetch_;
};

}  // namespace vigil::cluster

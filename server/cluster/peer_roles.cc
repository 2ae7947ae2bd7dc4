// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/peer_roles.h"

#include <utility>

#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"

namespace vigil::cluster {
namespace {

constexpr std::string_view kLeader = "leader ";
constexpr std::string_view kStandby = "standby ";
constexpr size_t kMaxPageBytes = 1024;

}  // namespace

std::string RolePage(bool leads, int64_t epoch) {
  return std::string(leads ? kLeader : kStandby) + std::to_string(epoch) + "\n";
}

Result<int64_t> EpochOfLeader(std::string_view page) {
  if (page.starts_with(kStandby)) return NotFound("it stands by");
  if (!page.starts_with(kLeader)) return BadData("it does not say its role");
  const auto epoch = ParseUint(TrimSpace(page.substr(kLeader.size())));
  if (!epoch || *epoch > static_cast<uint64_t>(INT64_MAX)) {
    return BadData("it does not say by which epoch it leads");
  }
  return static_cast<int64_t>(*epoch);
}

Result<int64_t> PeerRoles::Ask(const std::string& url) const {
  http::ClientRequest request;
  request.url = url + std::string(kRolePath);
  request.options = client_;
  request.timeout_ms = kTimeoutMs;
  request.max_body_bytes = kMaxPageBytes;
  const http::ClientResponse answer = TRY(fetch_(std::move(request)));
  if (answer.status != 200) {
    return Unavailable("it answers " + std::to_string(answer.status) + " to " +
                       std::string(kRolePath));
  }
  return EpochOfLeader(answer.body);
}

PeersSay PeerRoles::AskAll(const std::vector<std::string>& urls, int64_t epoch) const {
  PeersSay said = PeersSay::kNothing;
  for (const std::string& url : urls) {
    const Result<int64_t> leads = Ask(url);
    if (!leads) {
      if (leads.error().kind == ErrorKind::kNotFound) {
        said = PeersSay::kStandBy;
        continue;
      }
      log::Warn("cluster", "a server that stood by does not say whether it leads now",
                {{"url", url}, {"err", leads.error()}});
    } else if (*leads > epoch) {
      log::Warn("cluster", "another server leads", {{"url", url}, {"epoch", *leads}});
      return PeersSay::kAnotherLeads;
    }
  }
  return said;
}

}  // namespace vigil::cluster

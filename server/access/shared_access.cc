// SPDX-License-Identifier: Apache-2.0
#include "server/access/shared_access.h"

#include <algorithm>
#include <utility>

namespace vigil::access {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kMaxFetchMs = 3'600'000;  // a sum of longer ones might not fit
// Those that ask one after another do not each bother a server that refuses.
constexpr int64_t kRefusalAgeNs = 5'000'000'000;

}  // namespace

std::optional<SharedAccess::Options> SharedAccess::Now() {
  if (access_.NeedsToken()) return std::nullopt;
  return access_.GetOptions();
}

void SharedAccess::Ask(http::AsyncClient* client, int64_t timeout_ms, Then then) {
  if (std::optional<Options> options = Now()) {
    then(std::move(*options));
    return;
  }
  const int64_t now_ns = access_.clock().MonotonicNs();
  if (refusal_ && now_ns - refused_ns_ < kRefusalAgeNs) {
    then(*refusal_);
    return;
  }
  waiting_.push_back(std::move(then));
  if (fetching_) return;
  auto request = access_.TokenRequest();
  if (request && *request) {
    Fetch(client, now_ns + std::min(timeout_ms, kMaxFetchMs) * kNsPerMs, **std::move(request));
  } else {
    Finish(request ? access_.GetOptions() : Options(request.error()));
  }
}

void SharedAccess::Fetch(http::AsyncClient* client, int64_t deadline_ns,
                         http::ClientRequest request) {
  fetching_ = true;
  const int64_t left_ns = deadline_ns - access_.clock().MonotonicNs();
  request.timeout_ms = std::max<int64_t>(1, left_ns / kNsPerMs);
  request.headers.Set("User-Agent", user_agent_);
  client->Start(std::move(request),
                [self = shared_from_this(), client, deadline_ns](
                    const Result<http::ClientResponse>& answer, const std::string&) {
                  auto next = self->access_.TakeToken(answer);
                  if (next && *next) {
                    self->Fetch(client, deadline_ns, **std::move(next));
                    return;
                  }
                  self->fetching_ = false;
                  self->refusal_.reset();
                  if (!next && next.error().kind == ErrorKind::kBadData) {
                    self->refusal_ = next.error();
                    self->refused_ns_ = self->access_.clock().MonotonicNs();
                  }
                  self->Finish(next ? self->access_.GetOptions() : Options(next.error()));
                });
}

// Those that ask while they are told wait for the next.
void SharedAccess::Finish(const Options& options) {
  for (const Then& then : std::exchange(waiting_, {})) then(options);
}

}  // namespace vigil::access

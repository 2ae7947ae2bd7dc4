// SPDX-License-Identifier: Apache-2.0
// One http_config for many requests of one HTTP client: those that need a token wait for it, and
// one is fetched for all, without holding up what needs none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client-lib/http/client.h"
#include "server/access/http_access.h"

namespace vigil::access {

// Threads: that of the client only. Keep it in a shared_ptr: a fetch under way keeps it alive.
class SharedAccess : public std::enable_shared_from_this<SharedAccess> {
 public:
  using Options = Result<HttpAccess::Options>;
  using Then = std::function<void(Options)>;

  SharedAccess(HttpAccess access, std::string user_agent)
      : access_(std::move(access)), user_agent_(std::move(user_agent)) {}

  // What there is without waiting; nothing: a token must be fetched first (Ask).
  std::optional<Options> Now();
  // Calls `then` once: at once, or in the client's Poll() or end, when the token is there or cannot
  // be had (the errors of HttpAccess). timeout_ms is that of a fetch that begins now, whatever
  // forms it tries. For some seconds after a refusal nothing is fetched: the error is that refusal.
  void Ask(http::AsyncClient* client, int64_t timeout_ms, Then then);
  // See HttpAccess.
  void DropToken() { access_.DropToken(); }
  void DropToken(const std::string& refused) { access_.DropToken(refused); }

 private:
  void Fetch(http::AsyncClient* client, int64_t deadline_ns, http::ClientRequest request);
  void Finish(const Options& options);

  HttpAccess access_;
  const std::string user_agent_;
  bool fetching_ = false;
  std::optional<Error> refusal_;  // of the last fetch
  int64_t refused_ns_ = 0;
  std::vector<Then> waiting_;
};

}  // namespace vigil::access

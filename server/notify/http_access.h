// SPDX-License-Identifier: Apache-2.0
// An http_config at work: credentials, TLS and proxy for each request, with OAuth 2 tokens fetched
// when they are missing or old.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "server/alerting/http_config.h"

namespace vigil::notify {

// Threads: owner thread only.
class HttpAccess {
 public:
  // The clock must outlive it.
  explicit HttpAccess(alerting::HttpConfig config, const Clock& clock = Clock::System());

  // What must be fetched before a request can be made: nothing, or the request for a token, whose
  // answer goes to TakeToken. The error names the secret file that cannot be read.
  Result<std::optional<http::ClientRequest>> TokenRequest();
  // The error is for the operator: "oauth2: cannot fetch token: 401 Unauthorized ...". bad_data:
  // the server refuses; unavailable: it may give one later.
  Result<void> TakeToken(const Result<http::ClientResponse>& answer);
  // The token was refused (401): the next request asks for another.
  void DropToken() { token_.clear(); }

  // Options with secret files read. REQUIRES: no TokenRequest is open.
  Result<std::shared_ptr<const http::ClientOptions>> Options();

 private:
  Result<http::ClientOptions> Build() const;

  const alerting::HttpConfig config_;
  const Clock& clock_;
  const bool has_secret_files_;
  std::shared_ptr<const http::ClientOptions>
      options_;        // made once when nothing is to be read again
  std::string token_;  // the whole header value
  int64_t token_until_ns_ = 0;
  std::string options_token_;  // the one in options_
};

}  // namespace vigil::notify

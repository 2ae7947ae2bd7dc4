// SPDX-License-Identifier: Apache-2.0
// An http_config at work: credentials, TLS and proxy for each request, with OAuth 2 tokens that are
// asked for when they are missing or old.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "server/access/token_request.h"
#include "server/config/http_client_config.h"

namespace vigil::access {

// When a server refuses a token, the token may have been withdrawn; a server that refuses newer
// ones as well must not have all others fetch new ones all the time.
constexpr int64_t kRefusedTokenAgeNs = 60'000'000'000;

// It sends nothing itself: see SharedAccess.
// Threads: owner thread only.
class HttpAccess {
 public:
  using Options = std::shared_ptr<const http::ClientOptions>;
  using Wanted = std::optional<http::ClientRequest>;

  // The clock must outlive it. Secret files are read again when what was read is older than this.
  explicit HttpAccess(config::HttpClientConfig config, const Clock& clock = Clock::System(),
                      int64_t secrets_age_ns = 0);

  [[nodiscard]] bool NeedsToken() const;
  // What must be fetched before a request can be made: nothing, or the request for a token, whose
  // answer goes to TakeToken. The error names the secret file that cannot be read.
  Result<Wanted> TokenRequest();
  // Nothing: there is a token now. A request: the server may want it in another form. The error is
  // ReadToken's.
  Result<Wanted> TakeToken(const Result<http::ClientResponse>& answer);
  // The token was refused (401): the next request asks for another, unless this one is younger than
  // kRefusedTokenAgeNs.
  void DropToken();
  // The same, if this value of the Authorization header is still that of the token.
  void DropToken(const std::string& refused);

  [[nodiscard]] const Clock& clock() const { return clock_; }

  // Options with secret files read. REQUIRES: !NeedsToken().
  Result<Options> GetOptions();

 private:
  const config::HttpClientConfig config_;
  const Clock& clock_;
  const int64_t secrets_age_ns_;
  const bool has_secret_files_;
  Options options_;  // null: to be made anew
  int64_t options_made_ns_ = 0;
  std::string token_;  // the whole header value
  int64_t token_since_ns_ = 0;
  int64_t token_until_ns_ = 0;
  ClientProof proof_ = ClientProof::kPassword;
  bool proof_known_ = false;  // it has worked once
};

}  // namespace vigil::access

// SPDX-License-Identifier: Apache-2.0
// Asking for a token of OAuth 2: the client credentials grant (RFC 6749, 4.4) and the grant of a
// signed assertion (RFC 7523, 2.1).
#pragma once

#include <cstdint>
#include <string>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "server/config/http_client_config.h"

namespace vigil::access {

// How a client says who it is: the RFC wants a password, some servers take fields of the form only.
enum class ClientProof { kPassword, kForm };

// The error names the secret file that cannot be read, or says what is wrong with the key.
Result<http::ClientRequest> MakeTokenRequest(const config::OAuth2Config& oauth2, ClientProof proof,
                                             const Clock& clock);

struct Token {
  std::string header;   // the value of Authorization
  int64_t seconds = 0;  // how long it is good for; 0: it does not end
};
// The error is for the operator: "oauth2: cannot fetch token: 401 Unauthorized ...". bad_data: the
// server refuses; unavailable: it may give one later; canceled as it came.
Result<Token> ReadToken(const Result<http::ClientResponse>& answer);

}  // namespace vigil::access

// SPDX-License-Identifier: Apache-2.0
// AWS Signature Version 4.
#pragma once

#include <string>

#include "client-lib/base/clock.h"
#include "client-lib/http/client.h"

namespace vigil::http {

struct AwsCredentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // of temporary keys

  [[nodiscard]] bool empty() const { return access_key.empty(); }
};

// Adds X-Amz-Date, the session token and Authorization. Signed are the method, path, query and body
// of the request, Host, and the headers it has. The path is taken as it stands in the URL, its
// segments encoded once.
void SignAwsRequest(const AwsCredentials& credentials, const std::string& region,
                    const std::string& service, TimestampMs now, ClientRequest* request);

}  // namespace vigil::http

// SPDX-License-Identifier: Apache-2.0
// The HTTP client (libcurl behind it): many requests on one thread, with deadlines, connection
// reuse and gzip; and a blocking call for the simple cases.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client-lib/base/result.h"
#include "client-lib/http/message.h"

namespace vigil::http {

// How to reach and trust a server: http_config of the configuration file, already resolved
// (secret files read).
struct ClientOptions {
  std::string basic_auth_username;
  std::string basic_auth_password;
  std::string authorization;  // the whole header value, e.g. "Bearer x"
  std::string ca_file, ca_pem, cert_file, cert_pem, key_file, key_pem, server_name;
  bool insecure_skip_verify = false;
  int min_tls_version = 12;
  int max_tls_version = 13;
  bool follow_redirects = true;
  bool http2 = true;
  std::string proxy_url, no_proxy;
  bool proxy_from_environment = false;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::pair<std::string, std::string>> proxy_headers;  // for CONNECT only
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
  std::shared_ptr<const ClientOptions> options;  // null: defaults
  int64_t timeout_ms = 10'000;                   // connect, send, receive together
  size_t max_body_bytes = 0;  // of the decoded body; 0: no limit. Reaching it is an error
  bool accept_compression = true;
  // Reused for the answer's body: pass back the buffer of the last answer.
  std::string body_buffer;
};

struct ClientResponse {
  int status = 0;
  std::string content_type;
  Headers headers;
  std::string body;  // decoded
  int64_t duration_us = 0;
};

// Many transfers on the thread that calls Poll(). Completions run inside Poll().
// Errors: timeout ("context deadline exceeded" after ...), unavailable (connect, DNS, TLS, reset:
// with the reason), bad_data (body over its limit, broken gzip).
// Threads: owner thread only, except Wake().
class AsyncClient {
 public:
  using Done = std::function<void(Result<ClientResponse>, std::string body_buffer)>;
  using RequestId = uint64_t;

  static std::unique_ptr<AsyncClient> Create();
  virtual ~AsyncClient() = default;
  // done is called exactly once, also after Cancel (canceled) and on destruction.
  virtual RequestId Start(ClientRequest request, Done done) = 0;
  virtual void Cancel(RequestId id) = 0;
  // Works until something completed, Wake() was called or the time is over.
  virtual void Poll(int64_t max_wait_ms) = 0;
  virtual void Wake() = 0;  // any thread
  [[nodiscard]] virtual size_t in_flight() const = 0;
};

// One request, blocking. Threads: any.
Result<ClientResponse> Fetch(ClientRequest request);

}  // namespace vigil::http

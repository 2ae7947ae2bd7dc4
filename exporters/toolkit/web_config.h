// SPDX-License-Identifier: Apache-2.0
// The web config file (--web.config.file): TLS, basic auth, security headers, rate limit; read
// strictly, and again when the file changes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "client-lib/http/server.h"

namespace vigil::toolkit {

// The file's content, checked. Paths are absolute or relative to the process (already joined with
// the file's directory).
struct WebConfig {
  bool tls_enabled = false;
  http::TlsOptions tls;
  std::vector<std::pair<std::string, std::string>> headers;
  std::map<std::string, std::string> basic_auth_users;  // name -> bcrypt hash
  int64_t rate_limit_interval_ms = 0;                   // 0: off
  int64_t rate_limit_burst = 0;
  // What the file asks for that this server does not do, one sentence each.
  std::vector<std::string> warnings;

  // bad_data names file, line and key. An empty text is an empty configuration.
  static Result<WebConfig> Parse(std::string_view text, const std::string& file_name);
  static Result<WebConfig> Load(const std::string& path);
};

// Does `$2a$`, `$2b$` and `$2y$` hashes. Slow on purpose (tens of milliseconds).
bool BcryptMatches(const std::string& password, const std::string& hash);

// Guards a server: rate limit, headers and basic auth in upstream's order, by the file as it is
// now. A file that became invalid answers 500 until it is mended.
// Threads: any.
class WebGate {
 public:
  // path may be empty: everything passes. The clock must outlive the gate.
  static Result<std::unique_ptr<WebGate>> Open(const std::string& path,
                                               const Clock& clock = Clock::System());
  ~WebGate();
  WebGate(const WebGate&) = delete;
  WebGate& operator=(const WebGate&) = delete;

  // Null: the request may pass.
  std::unique_ptr<http::Response> Before(const http::Request& request);
  void After(const http::Request& request, http::Response* response);
  // The options for http::Server, null without TLS. Certificates are read again when their files
  // change; switching TLS on or off needs a restart.
  [[nodiscard]] std::unique_ptr<http::TlsOptions> TlsOptions() const;

 private:
  struct State;
  explicit WebGate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vigil::toolkit

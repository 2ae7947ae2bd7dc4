// SPDX-License-Identifier: Apache-2.0
// The HTTP server (CivetWeb behind it) and its router.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/http/message.h"

namespace vigil::http {

using Handler = std::function<Response(const Request&)>;

// Method and path to handler. Patterns: "/-/healthy" exact; "/api/v1/label/:name/values" with
// captured segments; "/metrics/job/*" any rest (PathValue("*") is the raw, undecoded rest).
// Of several patterns that match the most specific wins: exact segments before captured ones
// before a rest. An unknown path is 404, a known path with another method 405 with Allow; HEAD is
// answered where GET is; OPTIONS of a known path names its methods, unless a route answers it. 404
// and 405 have upstream's texts.
// Threads: add routes before serving; then any.
class Router {
 public:
  // methods: "GET", "GET,POST", ...
  void Add(std::string_view methods, std::string_view pattern, Handler handler);
  [[nodiscard]] Response Dispatch(Request& request) const;

 private:
  struct Route {
    std::vector<std::string> methods;
    std::vector<std::string> segments;
    bool wildcard = false;
    // One letter a segment, 'a' exact, 'b' captured, 'c' the rest: less is more specific.
    std::string rank;
    Handler handler;
  };
  static bool Matches(const Route& route, const std::vector<std::string_view>& path,
                      const std::vector<std::string>& decoded);
  static void Capture(const Route& route, const std::vector<std::string_view>& path,
                      const std::vector<std::string>& decoded, Request* request);
  std::vector<Route> routes_;
};

// Of each file and its text one is set; files are read again when they change.
struct TlsOptions {
  std::string cert_file, cert_pem;  // PEM chain
  std::string key_file, key_pem;
  std::string client_ca_file, client_ca_pem;
  // NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven,
  // RequireAndVerifyClientCert
  std::string client_auth = "NoClientCert";
  int min_version = 12;  // TLS10 = 10 ... TLS13 = 13
  int max_version = 13;
  // IANA names as Go writes them (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), for TLS 1.2 and older;
  // empty: OpenSSL's default.
  std::vector<std::string> cipher_suites;
  bool prefer_server_cipher_suites = true;
  // CurveP256, CurveP384, CurveP521, X25519; empty: default.
  std::vector<std::string> curves;
  // Not empty: the client's certificate must have one of these DNS names, e-mail addresses, IP
  // addresses or URIs.
  std::vector<std::string> client_allowed_sans;

  bool operator==(const TlsOptions&) const = default;
};

// Builds everything once to see whether it would work: files readable, key fits certificate, names
// known. bad_data names the setting.
Result<void> CheckTls(const TlsOptions& options);

struct ServerOptions {
  // "host:port", ":port", "host:0" (a free port). IPv6 addresses are refused with a clear error:
  // Debian's CivetWeb has none.
  std::vector<std::string> listen_addresses;
  std::unique_ptr<TlsOptions> tls;   // null: plain HTTP
  int threads = 16;                  // a connection holds one while it is open
  size_t max_body_bytes = 64 << 20;  // larger request bodies are 413
  int request_timeout_ms = 30'000;   // of silence while a request is read or written
  // Of a whole answer, events excepted, and a second more for each so many bytes of it: a client
  // that takes it drop by drop holds its thread no longer.
  int64_t send_timeout_ms = 600'000;
  int64_t send_bytes_per_second = 100'000;
  int drain_timeout_ms = 5'000;  // how long Stop waits for running requests
  int keep_alive_timeout_ms = 15'000;
  size_t stack_bytes = 32 << 20;  // of each thread's handlers; memory only where it is touched
  // Runs first; a response from it ends the request (authentication, rate limits, security
  // headers are added to the response by `after`).
  std::function<std::unique_ptr<Response>(const Request&)> before;
  std::function<void(const Request&, Response*)> after;
};

// Serves until destroyed or stopped. Exceptions from the handler and the hooks are logged and
// answered with 500; without memory for a stack the answer is 503. An answer that was cut off looks
// so: HTTP/1.0 clients, whose streams end with the connection, see it reset.
// Bodies over 1 kB are compressed as the client accepts it: zstd, gzip or deflate. Connections are
// kept alive while few threads are taken; a busy server closes after the answer, so that idle
// clients starve nobody. Threads: any. The handler is called from many threads at once.
class Server {
 public:
  // internal: the address is in use or not allowed, a certificate cannot be read...: the message
  // names the address or file.
  // The root handler may change the request (Router::Dispatch adds what the path captured); a
  // Handler fits too.
  using RootHandler = std::function<Response(Request&)>;
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, RootHandler handler);
  virtual ~Server() = default;
  // The ports really listened on, in the order of the addresses.
  [[nodiscard]] virtual std::vector<int> ports() const = 0;
  // Stops accepting, waits for running requests (bounded), closes.
  virtual void Stop() = 0;
};

}  // namespace vigil::http

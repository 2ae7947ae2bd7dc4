// SPDX-License-Identifier: Apache-2.0
// The client side of TLS without a socket (OpenSSL behind it): bytes of the network in, bytes for
// the network out.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::http {

struct TlsClientOptions {
  // Of each file and its text one is set; empty: the system's CAs, no certificate of our own.
  std::string ca_file, ca_pem, cert_file, cert_pem, key_file, key_pem;
  std::string server_name;  // whom the certificate must name: a host or an IP address
  bool insecure_skip_verify = false;
  int min_version = 12;  // TLS10 = 10 ... TLS13 = 13
  int max_version = 13;
};

// One connection. Threads: owner thread only.
class TlsClient {
 public:
  // bad_data names the file that cannot be used.
  static Result<std::unique_ptr<TlsClient>> Create(const TlsClientOptions& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // What came from the network.
  void Feed(std::string_view bytes);
  // What is to be sent: look after each call below.
  std::string TakeOutput();

  // True once the connection stands; call it again after Feed. unavailable: `tls: ...`.
  Result<bool> Handshake();
  // REQUIRES: the connection stands.
  Result<void> Write(std::string_view plain);
  // Appends what there is; false when the server has closed the connection in order.
  Result<bool> Read(std::string* plain);

 private:
  struct State;
  explicit TlsClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vigil::http

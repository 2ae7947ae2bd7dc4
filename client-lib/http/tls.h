// SPDX-License-Identifier: Apache-2.0
// The server side of TLS (OpenSSL behind it): CivetWeb is handed a finished context, so that
// certificates can change while it runs and all settings of the web config file work.
#pragma once

#include <memory>

#include "client-lib/base/result.h"
#include "client-lib/http/server.h"

namespace vigil::http {

// Certificates and CA are looked at again at every handshake; when new files do not load, the old
// ones stay in use and the log says so.
// Threads: any.
class TlsContext {
 public:
  static Result<std::unique_ptr<TlsContext>> Create(const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // An SSL_CTX*, owned by this object.
  [[nodiscard]] void* native() const;

 private:
  struct State;
  explicit TlsContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vigil::http

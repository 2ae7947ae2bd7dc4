// SPDX-License-Identifier: Apache-2.0
// Certificate, key and client CA of a server, as loaded at one moment.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "client-lib/base/result.h"
#include "client-lib/http/server.h"

namespace vigil::http {

struct OpenSslFree {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
};

struct TlsMaterial {
  std::unique_ptr<X509, OpenSslFree> certificate;
  std::unique_ptr<STACK_OF(X509), OpenSslFree> chain;  // without the certificate
  std::unique_ptr<EVP_PKEY, OpenSslFree> key;
  std::unique_ptr<X509_STORE, OpenSslFree> client_ca;  // null: none
  std::string fingerprint;                             // of the files it came from

  // bad_data names the file or key.
  static Result<std::shared_ptr<const TlsMaterial>> Load(const TlsOptions& options);
  // Changes whenever one of the files does: device, inode, size, times.
  static std::string FingerprintOf(const TlsOptions& options);
};

// The newest reason of OpenSSL's queue, which is emptied.
std::string OpenSslReason();

// True when a subject alternative name of the certificate (DNS, e-mail, IP, URI) is in the list.
bool HasAllowedSan(X509* certificate, const std::vector<std::string>& allowed);

}  // namespace vigil::http

// SPDX-License-Identifier: Apache-2.0
// The SSL_CTX of a server and what happens in a handshake.
#include "client-lib/http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>

#include "client-lib/base/log.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/strings.h"
#include "client-lib/http/tls_material.h"

namespace vigil::http {
namespace {

struct NameRow {
  std::string_view name;     // as the configuration file writes it
  std::string_view openssl;  // empty: always on, nothing to set
};

// The suites Go counts as secure; TLS 1.3's cannot be chosen there either.
constexpr std::array<NameRow, 13> kCiphers = {{
    {"TLS_AES_128_GCM_SHA256", ""},
    {"TLS_AES_256_GCM_SHA384", ""},
    {"TLS_CHACHA20_POLY1305_SHA256", ""},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
}};

constexpr std::array<NameRow, 4> kCurves = {{
    {"CurveP256", "P-256"},
    {"CurveP384", "P-384"},
    {"CurveP521", "P-521"},
    {"X25519", "X25519"},
}};

struct ClientAuth {
  std::string_view name;
  int verify_mode;
  bool trust_any;  // a certificate is asked for, not checked against the CA
};
constexpr std::array<ClientAuth, 6> kClientAuth = {{
    {"NoClientCert", SSL_VERIFY_NONE, false},
    {"RequestClientCert", SSL_VERIFY_PEER, true},
    {"RequireAnyClientCert", SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, true},
    {"RequireClientCert", SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, true},
    {"VerifyClientCertIfGiven", SSL_VERIFY_PEER, false},
    {"RequireAndVerifyClientCert", SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, false},
}};

template <size_t N>
Result<std::string> JoinNames(const std::array<NameRow, N>& rows,
                              const std::vector<std::string>& names, std::string_view what) {
  std::string joined;
  for (const std::string& name : names) {
    const NameRow* found = nullptr;
    for (const NameRow& row : rows) {
      if (row.name == name) found = &row;
    }
    if (found == nullptr) {
      return BadData("unknown or insecure " + std::string(what) + " " + Quote(name));
    }
    if (found->openssl.empty()) continue;
    if (!joined.empty()) joined += ':';
    joined += found->openssl;
  }
  return joined;
}

int VersionNumber(int version) {
  switch (version) {
    case 10:
      return TLS1_VERSION;
    case 11:
      return TLS1_1_VERSION;
    case 13:
      return TLS1_3_VERSION;
    default:
      return TLS1_2_VERSION;
  }
}

}  // namespace

struct TlsContext::State {
  TlsOptions options;
  bool trust_any = false;
  std::unique_ptr<SSL_CTX, OpenSslFree> ctx;
  Guarded<std::shared_ptr<const TlsMaterial>> material;
  Guarded<std::string> failed_fingerprint;  // of files that did not load: said once

  static int ExDataIndex() {
    static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return kIndex;
  }

  std::shared_ptr<const TlsMaterial> Current();
  Result<void> Configure();
  static int OnCertificate(SSL* ssl, void* self);
  static int OnVerify(int preverified, X509_STORE_CTX* store);
};

// The material of the files as they are now, or the last good one.
std::shared_ptr<const TlsMaterial> TlsContext::State::Current() {
  std::shared_ptr<const TlsMaterial> now = material.Copy();
  const std::string print = TlsMaterial::FingerprintOf(options);
  if (print == now->fingerprint) return now;
  Result<std::shared_ptr<const TlsMaterial>> fresh = TlsMaterial::Load(options);
  if (fresh) {
    material.Set(*fresh);
    log::Info("http", "TLS certificate reloaded", {{"file", options.cert_file}});
    return *std::move(fresh);
  }
  const bool first = failed_fingerprint.With([&](std::string& failed) {
    if (failed == print) return false;
    failed = print;
    return true;
  });
  if (first) {
    log::Error("http", "changed TLS files do not load, the old ones stay in use",
               {{"err", fresh.error()}});
  }
  return now;
}

int TlsContext::State::OnCertificate(SSL* ssl, void* self) {
  const std::shared_ptr<const TlsMaterial> now = static_cast<State*>(self)->Current();
  // OpenSSL counts its own references: nothing of the material must outlive this call.
  if (SSL_use_cert_and_key(ssl, now->certificate.get(), now->key.get(), now->chain.get(), 1) != 1) {
    return 0;
  }
  if (now->client_ca != nullptr) SSL_set1_verify_cert_store(ssl, now->client_ca.get());
  return 1;
}

int TlsContext::State::OnVerify(int preverified, X509_STORE_CTX* store) {
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* self = static_cast<State*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ExDataIndex()));
  if (preverified == 0 && !self->trust_any) return 0;
  if (!self->options.client_allowed_sans.empty() && X509_STORE_CTX_get_error_depth(store) == 0 &&
      !HasAllowedSan(X509_STORE_CTX_get_current_cert(store), self->options.client_allowed_sans)) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
  }
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

Result<void> TlsContext::State::Configure() {
  SSL_CTX* c = ctx.get();
  SSL_CTX_set_ex_data(c, ExDataIndex(), this);
  if (options.min_version > options.max_version) {
    return BadData("min_version is above max_version");
  }
  SSL_CTX_set_min_proto_version(c, VersionNumber(options.min_version));
  SSL_CTX_set_max_proto_version(c, VersionNumber(options.max_version));
  // A connection is never renegotiated: a cheap way to burn our CPU otherwise.
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (options.prefer_server_cipher_suites) SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE);

  std::string ciphers = TRY(JoinNames(kCiphers, options.cipher_suites, "cipher suite"));
  if (ciphers.empty() && options.min_version < 12) ciphers = "DEFAULT";
  // OpenSSL 3 forbids TLS before 1.2 at its default security level.
  if (options.min_version < 12) ciphers += "@SECLEVEL=0";
  if (!ciphers.empty() && SSL_CTX_set_cipher_list(c, ciphers.c_str()) != 1) {
    return BadData("cipher suites cannot be used: " + OpenSslReason());
  }
  const std::string curves = TRY(JoinNames(kCurves, options.curves, "curve"));
  if (!curves.empty() && SSL_CTX_set1_groups_list(c, curves.c_str()) != 1) {
    return BadData("curve preferences cannot be used: " + OpenSslReason());
  }
  const ClientAuth* auth = nullptr;
  for (const ClientAuth& row : kClientAuth) {
    if (row.name == options.client_auth) auth = &row;
  }
  if (auth == nullptr) return BadData("unknown client auth type " + Quote(options.client_auth));
  trust_any = auth->trust_any;
  SSL_CTX_set_verify(c, auth->verify_mode, OnVerify);
  static constexpr std::string_view kSessions = "vigil";
  SSL_CTX_set_session_id_context(c, reinterpret_cast<const unsigned char*>(kSessions.data()),
                                 static_cast<unsigned>(kSessions.size()));
  SSL_CTX_set_cert_cb(c, OnCertificate, this);
  return Ok();
}

TlsContext::TlsContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsContext::~TlsContext() = default;

void* TlsContext::native() const { return state_->ctx.get(); }

Result<std::unique_ptr<TlsContext>> TlsContext::Create(const TlsOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->ctx.reset(SSL_CTX_new(TLS_server_method()));
  if (state->ctx == nullptr) return Internal("OpenSSL gives no context: " + OpenSslReason());
  TRY(state->Configure());
  state->material.Set(TRY(TlsMaterial::Load(options)));
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(state)));
}

Result<void> CheckTls(const TlsOptions& options) {
  const auto context = TRY(TlsContext::Create(options));
  return Ok();
}

}  // namespace vigil::http

// SPDX-License-Identifier: Apache-2.0
// OpenSSL between two memory buffers: no SIGPIPE, no blocking, and the deadline stays ours.
#include "client-lib/http/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>

#include "client-lib/base/files.h"
#include "client-lib/http/tls_material.h"

namespace vigil::http {
namespace {

using BioPtr = std::unique_ptr<BIO, OpenSslFree>;

int ProtocolOf(int version) {
  return version <= 10   ? TLS1_VERSION
         : version == 11 ? TLS1_1_VERSION
         : version == 12 ? TLS1_2_VERSION
                         : TLS1_3_VERSION;
}

Result<std::string> TextOf(std::string_view key, const std::string& file, const std::string& pem) {
  if (file.empty()) return pem;
  Result<std::string> text = ReadFile(file);
  if (!text) return BadData(std::string(key) + "_file: " + text.error().message);
  return text;
}

BioPtr MemoryOf(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int RefusePassword(char*, int, int, void*) { return 0; }

Result<void> TrustCas(SSL_CTX* context, const TlsClientOptions& options) {
  if (options.ca_file.empty() && options.ca_pem.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return Ok();
  }
  const std::string text = TRY(TextOf("ca", options.ca_file, options.ca_pem));
  const BioPtr bio = MemoryOf(text);
  size_t count = 0;
  while (X509* ca = PEM_read_bio_X509(bio.get(), nullptr, RefusePassword, nullptr)) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
    X509_free(ca);
    ++count;
  }
  ERR_clear_error();  // the end of the text is one
  if (count == 0) return BadData("ca: no PEM certificate found in " + options.ca_file);
  return Ok();
}

Result<void> UseOwnCertificate(SSL_CTX* context, const TlsClientOptions& options) {
  if (options.cert_file.empty() && options.cert_pem.empty()) return Ok();
  const std::string cert = TRY(TextOf("cert", options.cert_file, options.cert_pem));
  const std::string key = TRY(TextOf("key", options.key_file, options.key_pem));
  const BioPtr cert_bio = MemoryOf(cert);
  const std::unique_ptr<X509, OpenSslFree> own(
      PEM_read_bio_X509(cert_bio.get(), nullptr, RefusePassword, nullptr));
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1) {
    return BadData("cert: no PEM certificate found: " + OpenSslReason());
  }
  while (X509* more = PEM_read_bio_X509(cert_bio.get(), nullptr, RefusePassword, nullptr)) {
    SSL_CTX_add0_chain_cert(context, more);  // the context owns it now
  }
  ERR_clear_error();
  const BioPtr key_bio = MemoryOf(key);
  const std::unique_ptr<EVP_PKEY, OpenSslFree> own_key(
      PEM_read_bio_PrivateKey(key_bio.get(), nullptr, RefusePassword, nullptr));
  if (own_key == nullptr || SSL_CTX_use_PrivateKey(context, own_key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return BadData("key: no private key of the certificate found: " + OpenSslReason());
  }
  return Ok();
}

bool IsIpAddress(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

void ExpectServer(SSL* ssl, const TlsClientOptions& options) {
  if (IsIpAddress(options.server_name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), options.server_name.c_str());
    return;
  }
  SSL_set_tlsext_host_name(ssl, options.server_name.c_str());
  SSL_set1_host(ssl, options.server_name.c_str());
}

}  // namespace

struct TlsClient::State {
  std::unique_ptr<SSL_CTX, OpenSslFree> context;
  std::unique_ptr<SSL, OpenSslFree> ssl;
  BIO* in = nullptr;  // both are the SSL's
  BIO* out = nullptr;

  [[nodiscard]] Error Failure() const {
    const long verdict = SSL_get_verify_result(ssl.get());
    if (verdict != X509_V_OK) {
      ERR_clear_error();
      return Unavailable(std::string("tls: failed to verify certificate: ") +
                         X509_verify_cert_error_string(verdict));
    }
    return Unavailable("tls: " + OpenSslReason());
  }
};

TlsClient::TlsClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsClient::~TlsClient() = default;

Result<std::unique_ptr<TlsClient>> TlsClient::Create(const TlsClientOptions& options) {
  auto state = std::make_unique<State>();
  state->context.reset(SSL_CTX_new(TLS_client_method()));
  CHECK(state->context != nullptr);
  SSL_CTX* context = state->context.get();
  SSL_CTX_set_min_proto_version(context, ProtocolOf(options.min_version));
  SSL_CTX_set_max_proto_version(context, ProtocolOf(options.max_version));
  SSL_CTX_set_verify(context, options.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     nullptr);
  TRY(TrustCas(context, options));
  TRY(UseOwnCertificate(context, options));
  state->ssl.reset(SSL_new(context));
  state->in = BIO_new(BIO_s_mem());
  state->out = BIO_new(BIO_s_mem());
  CHECK(state->ssl != nullptr && state->in != nullptr && state->out != nullptr);
  SSL_set_bio(state->ssl.get(), state->in, state->out);
  SSL_set_connect_state(state->ssl.get());
  ExpectServer(state->ssl.get(), options);
  return std::unique_ptr<TlsClient>(new TlsClient(std::move(state)));
}

void TlsClient::Feed(std::string_view bytes) {
  if (bytes.empty()) return;
  CHECK(BIO_write(state_->in, bytes.data(), static_cast<int>(bytes.size())) ==
        static_cast<int>(bytes.size()));
}

std::string TlsClient::TakeOutput() {
  std::string out(BIO_ctrl_pending(state_->out), '\0');
  if (!out.empty()) BIO_read(state_->out, out.data(), static_cast<int>(out.size()));
  return out;
}

Result<bool> TlsClient::Handshake() {
  ERR_clear_error();
  const int done = SSL_do_handshake(state_->ssl.get());
  if (done == 1) return true;
  if (SSL_get_error(state_->ssl.get(), done) == SSL_ERROR_WANT_READ) return false;
  return state_->Failure();
}

Result<void> TlsClient::Write(std::string_view plain) {
  if (plain.empty()) return Ok();
  ERR_clear_error();
  size_t written = 0;
  if (SSL_write_ex(state_->ssl.get(), plain.data(), plain.size(), &written) == 1) return Ok();
  return state_->Failure();
}

Result<bool> TlsClient::Read(std::string* plain) {
  for (;;) {
    std::array<char, 4096> piece{};
    size_t count = 0;
    ERR_clear_error();
    const int read = SSL_read_ex(state_->ssl.get(), piece.data(), piece.size(), &count);
    if (read == 1) {
      plain->append(piece.data(), count);
      continue;
    }
    const int why = SSL_get_error(state_->ssl.get(), read);
    if (why == SSL_ERROR_WANT_READ) return true;
    if (why == SSL_ERROR_ZERO_RETURN) return false;
    return state_->Failure();
  }
}

}  // namespace vigil::http

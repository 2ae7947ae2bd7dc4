// SPDX-License-Identifier: Apache-2.0
// Reading PEM files into OpenSSL's objects.
#include "client-lib/http/tls_material.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>

#include "client-lib/base/files.h"

namespace vigil::http {
namespace {

// An encrypted key is an error, never a question on the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

// file, or the text given inline; *what names it in errors.
Result<std::string> PemText(const std::string& file, const std::string& pem, std::string_view key,
                            std::string* what) {
  if (file.empty()) {
    *what = std::string(key);
    return pem;
  }
  *what = file;
  Result<std::string> text = ReadFile(file);
  if (!text) return BadData(std::string(key) + "_file: " + text.error().message);
  return text;
}

std::unique_ptr<BIO, OpenSslFree> Reader(const std::string& text) {
  return std::unique_ptr<BIO, OpenSslFree>(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<void> LoadCertificate(const TlsOptions& options, TlsMaterial* material) {
  std::string what;
  const std::string text = TRY(PemText(options.cert_file, options.cert_pem, "cert", &what));
  const auto bio = Reader(text);
  material->certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr));
  if (material->certificate == nullptr) {
    return BadData(what + ": no PEM certificate found: " + OpenSslReason());
  }
  material->chain.reset(sk_X509_new_null());
  while (X509* more = PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr)) {
    sk_X509_push(material->chain.get(), more);
  }
  ERR_clear_error();  // the end of the file is one
  return Ok();
}

Result<void> LoadKey(const TlsOptions& options, TlsMaterial* material) {
  std::string what;
  const std::string text = TRY(PemText(options.key_file, options.key_pem, "key", &what));
  const auto bio = Reader(text);
  material->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (material->key == nullptr) {
    return BadData(what + ": no unencrypted PEM private key found: " + OpenSslReason());
  }
  if (X509_check_private_key(material->certificate.get(), material->key.get()) != 1) {
    return BadData(what +
                   ": the private key does not belong to the certificate: " + OpenSslReason());
  }
  return Ok();
}

Result<void> LoadClientCa(const TlsOptions& options, TlsMaterial* material) {
  if (options.client_ca_file.empty() && options.client_ca_pem.empty()) return Ok();
  std::string what;
  const std::string text =
      TRY(PemText(options.client_ca_file, options.client_ca_pem, "client_ca", &what));
  const auto bio = Reader(text);
  material->client_ca.reset(X509_STORE_new());
  size_t count = 0;
  while (X509* ca = PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr)) {
    X509_STORE_add_cert(material->client_ca.get(), ca);
    X509_free(ca);
    ++count;
  }
  if (count == 0) return BadData(what + ": no PEM certificate found: " + OpenSslReason());
  ERR_clear_error();
  return Ok();
}

std::string SanText(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS || name.type == GEN_EMAIL || name.type == GEN_URI) {
    const ASN1_STRING* text = name.d.ia5;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<size_t>(ASN1_STRING_length(text))};
  }
  if (name.type == GEN_IPADD) {
    const int family = ASN1_STRING_length(name.d.ip) == 4 ? AF_INET : AF_INET6;
    char buffer[INET6_ADDRSTRLEN] = {};
    inet_ntop(family, ASN1_STRING_get0_data(name.d.ip), buffer, sizeof(buffer));
    return buffer;
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const TlsMaterial>> TlsMaterial::Load(const TlsOptions& options) {
  auto material = std::make_shared<TlsMaterial>();
  // Before reading: a file that changes meanwhile is read again at the next handshake.
  material->fingerprint = FingerprintOf(options);
  TRY(LoadCertificate(options, material.get()));
  TRY(LoadKey(options, material.get()));
  TRY(LoadClientCa(options, material.get()));
  return std::shared_ptr<const TlsMaterial>(std::move(material));
}

std::string TlsMaterial::FingerprintOf(const TlsOptions& options) {
  std::string print;
  for (const std::string* file : {&options.cert_file, &options.key_file, &options.client_ca_file}) {
    struct stat info {};
    if (file->empty() || stat(file->c_str(), &info) != 0) {
      print += "-;";
      continue;
    }
    for (const int64_t part :
         {static_cast<int64_t>(info.st_dev), static_cast<int64_t>(info.st_ino),
          static_cast<int64_t>(info.st_size), static_cast<int64_t>(info.st_mtim.tv_sec),
          static_cast<int64_t>(info.st_mtim.tv_nsec)}) {
      print += std::to_string(part) + ",";
    }
    print += ";";
  }
  return print;
}

std::string OpenSslReason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

bool HasAllowedSan(X509* certificate, const std::vector<std::string>& allowed) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return false;
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; ++i) {
    const std::string text = SanText(*sk_GENERAL_NAME_value(names, i));
    found = !text.empty() && std::find(allowed.begin(), allowed.end(), text) != allowed.end();
  }
  GENERAL_NAMES_free(names);
  return found;
}

}  // namespace vigil::http

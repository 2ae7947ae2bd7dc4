// SPDX-License-Identifier: Apache-2.0
#include "client-lib/http/rsa_signature.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

namespace vigil::http {
namespace {

const EVP_MD* MethodOf(RsaHash hash) {
  switch (hash) {
    case RsaHash::kSha256:
      return EVP_sha256();
    case RsaHash::kSha384:
      return EVP_sha384();
    case RsaHash::kSha512:
      return EVP_sha512();
  }
  return EVP_sha256();
}

// Without it OpenSSL would ask at the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

}  // namespace

Result<std::string> SignRsa(std::string_view pem_key, RsaHash hash, std::string_view data) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(
      BIO_new_mem_buf(pem_key.data(), static_cast<int>(pem_key.size())), &BIO_free);
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr), &EVP_PKEY_free);
  if (key == nullptr || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA) {
    return BadData("the key that signs is not a valid RSA private key in PEM");
  }
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free);
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, MethodOf(hash), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, data.size()) != 1) {
    return BadData("the RSA key cannot sign");
  }
  std::string signature(size, '\0');
  // A key too short for the hash fails only here.
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes, data.size()) != 1) {
    return BadData("the RSA key cannot sign");
  }
  signature.resize(size);
  return signature;
}

}  // namespace vigil::http

// SPDX-License-Identifier: Apache-2.0
// RSA signatures with PKCS #1 v1.5 padding (OpenSSL behind it): RS256 and its neighbours of JWT.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::http {

enum class RsaHash { kSha256, kSha384, kSha512 };

// The raw signature. bad_data: the text is no private RSA key in PEM; one with a passphrase is
// none.
Result<std::string> SignRsa(std::string_view pem_key, RsaHash hash, std::string_view data);

}  // namespace vigil::http

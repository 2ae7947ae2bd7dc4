// SPDX-License-Identifier: Apache-2.0
// Hashes and keyed hashes (OpenSSL behind it): what signatures and deduplication keys are made of.
#pragma once

#include <string>
#include <string_view>

namespace vigil::http {

// Raw bytes: 32 of them.
std::string Sha256(std::string_view data);
std::string HmacSha256(std::string_view key, std::string_view data);
// 16 raw bytes. Only for protocols that ask for it (CRAM-MD5).
std::string HmacMd5(std::string_view key, std::string_view data);
// Two small letters or digits a byte.
std::string HexText(std::string_view bytes);

}  // namespace vigil::http

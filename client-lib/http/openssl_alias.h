// SPDX-License-Identifier: Apache-2.0
// Lets Debian's CivetWeb 1.15 find OpenSSL 3.
#pragma once

#include "client-lib/base/result.h"

namespace vigil::http {

// That CivetWeb loads `libssl.so` and `libcrypto.so`, names which exist only where the -dev
// packages are installed, and looks in them for SSL_get_peer_certificate, which OpenSSL 3 has only
// as a macro: without help its TLS never starts. Two tiny libraries with these names, which lead
// to OpenSSL 3 and add that one function, travel inside our binary and are loaded from memory
// before CivetWeb looks. Call it once, before mg_init_library with TLS.
Result<void> LoadOpenSslAliases();

}  // namespace vigil::http

// SPDX-License-Identifier: Apache-2.0
// A library named libssl.so on top of libssl.so.3; see openssl_alias.h.
#include <openssl/ssl.h>

#undef SSL_get_peer_certificate
extern "C" X509* SSL_get_peer_certificate(const SSL* ssl);
extern "C" X509* SSL_get_peer_certificate(const SSL* ssl) { return SSL_get1_peer_certificate(ssl); }

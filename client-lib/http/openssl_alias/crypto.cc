// SPDX-License-Identifier: Apache-2.0
// A library named libcrypto.so that only leads to libcrypto.so.3; see openssl_alias.h.

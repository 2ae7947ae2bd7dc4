// SPDX-License-Identifier: Apache-2.0
// The bytes of the two libraries, and how they become libraries of this process.
#include "client-lib/http/openssl_alias.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

// The build passes the paths of the libraries it has just linked.
#define VIGIL_EMBED(symbol, path)                                                               \
  asm(".section .rodata\n"                                                                      \
      ".hidden " #symbol "_begin\n.hidden " #symbol                                             \
      "_end\n"                                                                                  \
      ".global " #symbol "_begin\n.global " #symbol "_end\n" #symbol "_begin:\n.incbin \"" path \
      "\"\n" #symbol "_end:\n.byte 0\n.previous\n")

VIGIL_EMBED(vigil_alias_ssl, VIGIL_ALIAS_SSL);
VIGIL_EMBED(vigil_alias_crypto, VIGIL_ALIAS_CRYPTO);

extern "C" {
extern const char vigil_alias_ssl_begin[];
extern const char vigil_alias_ssl_end[];
extern const char vigil_alias_crypto_begin[];
extern const char vigil_alias_crypto_end[];
}

namespace vigil::http {
namespace {

// A library of these bytes in memory. The descriptor must stay open while others are loaded: the
// loader knows libraries by path, and a path under /proc/self/fd must not come back for another.
Result<int> LoadFromMemory(const char* name, const char* begin, const char* end) {
  const std::string_view bytes(begin, static_cast<size_t>(end - begin));
  const int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return Internal("TLS is not available: memfd_create failed");
  const bool written = write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  // Never closed: CivetWeb keeps what it finds in it for the life of the process.
  const void* handle = written ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (handle != nullptr) return fd;
  const char* reason = written ? dlerror() : nullptr;
  close(fd);
  return Internal(std::string("TLS is not available: ") + name +
                  " cannot be loaded: " + (reason == nullptr ? "unknown reason" : reason));
}

}  // namespace

Result<void> LoadOpenSslAliases() {
  const int crypto =
      TRY(LoadFromMemory("libcrypto.so", vigil_alias_crypto_begin, vigil_alias_crypto_end));
  const Result<int> ssl = LoadFromMemory("libssl.so", vigil_alias_ssl_begin, vigil_alias_ssl_end);
  close(crypto);
  if (!ssl) return ssl.error();
  close(*ssl);
  return Ok();
}

}  // namespace vigil::http

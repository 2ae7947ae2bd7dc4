// SPDX-License-Identifier: Apache-2.0
// Addresses and descriptors.
#include "client-lib/http/sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "client-lib/base/strings.h"

namespace vigil::http {
namespace {

Result<std::string> LookUp(const std::string& host, const std::string& address) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(list, [](addrinfo* p) {
    if (p != nullptr) freeaddrinfo(p);
  });
  if (code != 0 || list == nullptr) {
    return BadData("listen address " + Quote(address) + ": " + Quote(host) +
                   " has no IPv4 address: " + gai_strerror(code));
  }
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(list->ai_addr)->sin_addr, text, sizeof(text));
  return std::string(text);
}

bool IsOn(const sockaddr_in& name, const std::vector<ListenAddress>& addresses) {
  char ip[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &name.sin_addr, ip, sizeof(ip));
  return std::any_of(addresses.begin(), addresses.end(), [&](const ListenAddress& address) {
    return address.port == ntohs(name.sin_port) && (address.ip == ip || address.ip == "0.0.0.0");
  });
}

void ShutDownIfOn(int fd, const std::vector<ListenAddress>& addresses) {
  sockaddr_in name{};
  socklen_t size = sizeof(name);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return;
  if (name.sin_family != AF_INET || !IsOn(name, addresses)) return;
  shutdown(fd, SHUT_RD);  // of a listening socket: ends the listening
}

}  // namespace

std::vector<int> OpenDescriptors() {
  std::vector<int> fds;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc/self/fd"), closedir);
  if (directory == nullptr) return fds;
  while (const dirent* entry = readdir(directory.get())) {
    const std::optional<uint64_t> fd = ParseUint(entry->d_name);
    if (fd) fds.push_back(static_cast<int>(*fd));
  }
  return fds;
}

bool EndsOf(int fd, ConnectionEnds* ends) {
  sockaddr_in peer{};
  sockaddr_in own{};
  socklen_t peer_size = sizeof(peer);
  socklen_t own_size = sizeof(own);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return false;
  if (peer.sin_family != AF_INET) return false;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) return false;
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text));
  *ends = {text, ntohs(peer.sin_port), ntohs(own.sin_port)};
  return true;
}

void ResetConnection(const ConnectionEnds& ends) {
  for (const int fd : OpenDescriptors()) {
    ConnectionEnds found;
    if (!EndsOf(fd, &found) || found != ends) continue;
    // Dissolves the connection, for which TCP sends a reset.
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    connect(fd, &nobody, sizeof(nobody));
    return;
  }
}

Result<ListenAddress> ResolveListenAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return BadData("listen address " + Quote(address) + " has no port; write host:port or :port");
  }
  std::string host = address.substr(0, colon);
  if (host.find(':') != std::string::npos || host.starts_with('[')) {
    return BadData("listen address " + Quote(address) +
                   ": IPv6 is not supported by this build's web server; use an IPv4 address or "
                   ":port");
  }
  const std::optional<uint64_t> port = ParseUint(address.substr(colon + 1));
  if (!port || *port > 65535) {
    return BadData("listen address " + Quote(address) + ": the port must be a number up to 65535");
  }
  if (host.empty()) host = "0.0.0.0";
  in_addr parsed{};
  if (inet_pton(AF_INET, host.c_str(), &parsed) != 1) host = TRY(LookUp(host, address));
  return ListenAddress{host, static_cast<int>(*port)};
}

void ShutDownSockets(const std::vector<ListenAddress>& addresses) {
  for (const int fd : OpenDescriptors()) ShutDownIfOn(fd, addresses);
}

}  // namespace vigil::http

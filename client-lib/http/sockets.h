// SPDX-License-Identifier: Apache-2.0
// What the server needs of sockets beyond CivetWeb.
#pragma once

#include <string>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::http {

struct ListenAddress {
  std::string ip;  // dotted IPv4, "0.0.0.0" for all
  int port = 0;
};

// ":9100", "host:9100", "1.2.3.4:0"; names are looked up. bad_data on IPv6 addresses and on what
// is no address.
Result<ListenAddress> ResolveListenAddress(const std::string& address);

// A connection between a client and a server of this process, by which its descriptor is found:
// CivetWeb does not tell it.
struct ConnectionEnds {
  std::string address;  // of the client, dotted IPv4
  int port = 0;
  int server_port = 0;

  bool operator==(const ConnectionEnds&) const = default;
};

std::vector<int> OpenDescriptors();
// False when the descriptor is no connected IPv4 socket.
bool EndsOf(int fd, ConnectionEnds* ends);
// Ends the connection so that the client sees an error, not an end. The descriptor stays open.
// REQUIRES: the caller serves the connection, so that nobody else closes it meanwhile.
void ResetConnection(const ConnectionEnds& ends);

// Shuts down this process's listening sockets on these addresses, and the read side of the
// connections they accepted: everything that polls them wakes up. The descriptors stay open for
// their owner to close.
void ShutDownSockets(const std::vector<ListenAddress>& addresses);

}  // namespace vigil::http

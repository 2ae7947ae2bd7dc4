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

// Shuts down this process's listening sockets on these addresses, and the read side of the
// connections they accepted: everything that polls them wakes up. The descriptors stay open for
// their owner to close.
void ShutDownSockets(const std::vector<ListenAddress>& addresses);

}  // namespace vigil::http

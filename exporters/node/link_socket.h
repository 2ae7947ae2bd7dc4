// SPDX-License-Identifier: Apache-2.0
// Asking the kernel for its network links over rtnetlink.
#pragma once

#include <cstddef>
#include <vector>

#include "client-lib/base/result.h"
#include "exporters/node/parse/net_dev.h"

namespace vigil::node {

// Opens its socket with the first Dump() and keeps it.
// Threads: one at a time.
class LinkSocket {
 public:
  LinkSocket() = default;
  ~LinkSocket();
  LinkSocket(const LinkSocket&) = delete;
  LinkSocket& operator=(const LinkSocket&) = delete;

  // All links of this network namespace with their counters.
  Result<std::vector<NetDevice>> Dump();

 private:
  Result<void> Open();
  Result<std::vector<NetDevice>> Ask();
  void Close();

  int socket_ = -1;
  std::vector<std::byte> buffer_;
};

}  // namespace vigil::node

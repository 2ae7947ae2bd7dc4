// SPDX-License-Identifier: Apache-2.0
// Counters of network devices: from /proc/net/dev and from rtnetlink link messages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::node {

// In the order of struct rtnl_link_stats64.
enum NetStat : size_t {
  kReceivePackets,
  kTransmitPackets,
  kReceiveBytes,
  kTransmitBytes,
  kReceiveErrors,
  kTransmitErrors,
  kReceiveDropped,
  kTransmitDropped,
  kMulticast,
  kCollisions,
  kReceiveLengthErrors,
  kReceiveOverErrors,
  kReceiveCrcErrors,
  kReceiveFrameErrors,
  kReceiveFifoErrors,
  kReceiveMissedErrors,
  kTransmitAbortedErrors,
  kTransmitCarrierErrors,
  kTransmitFifoErrors,
  kTransmitHeartbeatErrors,
  kTransmitWindowErrors,
  kReceiveCompressed,
  kTransmitCompressed,
  kReceiveNohandler,
  kNetStats
};

struct NetDevice {
  std::string name;
  std::string alias;
  std::array<uint64_t, kNetStats> stats{};
  // Which of the stats the source has: /proc/net/dev sums some of them up.
  std::array<bool, kNetStats> present{};
};

// bad_data names the line.
Result<std::vector<NetDevice>> ParseNetDev(std::string_view text);

// One datagram of the answer to RTM_GETLINK: devices are appended. False at its end marker, true
// when more datagrams follow. internal: the kernel answered with an error; bad_data: a message
// does not keep to its lengths.
Result<bool> ParseLinkMessages(std::span<const std::byte> datagram, std::vector<NetDevice>* out);

}  // namespace vigil::node

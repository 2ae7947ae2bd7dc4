// SPDX-License-Identifier: Apache-2.0
// Reading of /proc/net/dev and of rtnetlink messages.
#include "exporters/node/parse/net_dev.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>

#include "exporters/node/text_scan.h"

namespace vigil::node {
namespace {

// The columns of /proc/net/dev behind the name.
constexpr NetStat kProcColumns[] = {
    kReceiveBytes,       kReceivePackets,     kReceiveErrors,         kReceiveDropped,
    kReceiveFifoErrors,  kReceiveFrameErrors, kReceiveCompressed,     kMulticast,
    kTransmitBytes,      kTransmitPackets,    kTransmitErrors,        kTransmitDropped,
    kTransmitFifoErrors, kCollisions,         kTransmitCarrierErrors, kTransmitCompressed};

// Copies a T out of bytes that need not be aligned.
template <typename T>
bool Read(std::span<const std::byte> bytes, T* out) {
  if (bytes.size() < sizeof(T)) return false;
  std::memcpy(out, bytes.data(), sizeof(T));
  return true;
}

size_t Aligned(size_t size) { return (size + 3) & ~size_t{3}; }

std::span<const std::byte> Rest(std::span<const std::byte> bytes, size_t used) {
  return bytes.subspan(std::min(Aligned(used), bytes.size()));
}

std::string Text(std::span<const std::byte> bytes) {
  const char* text = reinterpret_cast<const char*>(bytes.data());
  return std::string(text, strnlen(text, bytes.size()));
}

// Kernels older than ours send fewer counters: what they do not send is not there.
template <typename Word>
void ReadStats(std::span<const std::byte> bytes, NetDevice* device) {
  const size_t count = std::min<size_t>(bytes.size() / sizeof(Word), kNetStats);
  for (size_t i = 0; i < count; ++i) {
    Word value = 0;
    if (!Read(bytes.subspan(i * sizeof(Word)), &value)) return;
    device->stats[i] = value;
    device->present[i] = true;
  }
}

Result<NetDevice> ParseLink(std::span<const std::byte> body) {
  NetDevice device;
  if (body.size() < sizeof(ifinfomsg)) return BadData("netlink: link message is too short");
  std::span<const std::byte> rest = Rest(body, sizeof(ifinfomsg));
  bool has_64 = false;
  rtattr attribute{};
  while (Read(rest, &attribute)) {
    if (attribute.rta_len < sizeof(rtattr) || attribute.rta_len > rest.size()) {
      return BadData("netlink: attribute of a link message has a wrong length");
    }
    const auto value = rest.subspan(sizeof(rtattr), attribute.rta_len - sizeof(rtattr));
    if (attribute.rta_type == IFLA_IFNAME) device.name = Text(value);
    if (attribute.rta_type == IFLA_IFALIAS) device.alias = Text(value);
    if (attribute.rta_type == IFLA_STATS64) {
      has_64 = true;
      ReadStats<uint64_t>(value, &device);
    }
    if (attribute.rta_type == IFLA_STATS && !has_64) ReadStats<uint32_t>(value, &device);
    rest = Rest(rest, attribute.rta_len);
  }
  if (device.name.empty()) return BadData("netlink: link message has no name");
  return device;
}

Result<NetDevice> ParseProcLine(std::string_view line) {
  const Error bad =
      BadData("net/dev: cannot read line \"" + std::string(line.substr(0, 120)) + "\"");
  // Names may hold colons (aliases), numbers do not.
  const size_t colon = line.rfind(':');
  if (colon == std::string_view::npos) return bad;
  NetDevice device;
  device.name = TrimLine(line.substr(0, colon));
  if (device.name.empty()) return bad;
  FieldScanner fields(line.substr(colon + 1));
  for (const NetStat column : kProcColumns) {
    if (!fields.NextUint(&device.stats[column])) return bad;
    device.present[column] = true;
  }
  return device;
}

}  // namespace

Result<std::vector<NetDevice>> ParseNetDev(std::string_view text) {
  std::vector<NetDevice> devices;
  LineScanner lines(text);
  std::string_view line;
  for (size_t number = 1; lines.Next(&line); ++number) {
    if (number > 2 && !TrimLine(line).empty()) devices.push_back(TRY(ParseProcLine(line)));
  }
  return devices;
}

Result<bool> ParseLinkMessages(std::span<const std::byte> datagram, std::vector<NetDevice>* out) {
  std::span<const std::byte> rest = datagram;
  nlmsghdr header{};
  while (Read(rest, &header)) {
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > rest.size()) {
      return BadData("netlink: message has a wrong length");
    }
    const auto body = rest.subspan(sizeof(nlmsghdr), header.nlmsg_len - sizeof(nlmsghdr));
    if (header.nlmsg_type == NLMSG_DONE) return false;
    if (header.nlmsg_type == NLMSG_ERROR) {
      int error = 0;
      if (!Read(body, &error)) return BadData("netlink: error message is too short");
      return Internal(std::string("netlink: ") + std::strerror(-std::max(error, -4095)));
    }
    if (header.nlmsg_type == RTM_NEWLINK) out->push_back(TRY(ParseLink(body)));
    rest = Rest(rest, header.nlmsg_len);
  }
  return true;
}

}  // namespace vigil::node

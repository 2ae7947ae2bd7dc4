// SPDX-License-Identifier: Apache-2.0
// Counters of network devices, and their addresses when asked for.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/files.h"
#include "exporters/node/collectors/list.h"
#include "exporters/node/link_socket.h"
#include "exporters/node/name_filter.h"
#include "exporters/node/parse/net_dev.h"
#include "exporters/node/text_scan.h"

namespace vigil::node {
namespace {

using MetricType = toolkit::MetricSink::MetricType;

// What one exposed counter is made of: the first must be present, the others are added.
struct Counter {
  std::string_view name;
  NetStat parts[4];
  size_t count;
};

// The names and sums of /proc/net/dev (net/core/net-procfs.c), whatever the source is.
constexpr Counter kLegacyCounters[] = {
    {"receive_packets", {kReceivePackets}, 1},
    {"transmit_packets", {kTransmitPackets}, 1},
    {"receive_bytes", {kReceiveBytes}, 1},
    {"transmit_bytes", {kTransmitBytes}, 1},
    {"receive_errs", {kReceiveErrors}, 1},
    {"transmit_errs", {kTransmitErrors}, 1},
    {"receive_drop", {kReceiveDropped, kReceiveMissedErrors}, 2},
    {"transmit_drop", {kTransmitDropped}, 1},
    {"receive_fifo", {kReceiveFifoErrors}, 1},
    {"transmit_fifo", {kTransmitFifoErrors}, 1},
    {"receive_frame",
     {kReceiveFrameErrors, kReceiveLengthErrors, kReceiveOverErrors, kReceiveCrcErrors},
     4},
    {"receive_multicast", {kMulticast}, 1},
    {"transmit_colls", {kCollisions}, 1},
    {"transmit_carrier",
     {kTransmitCarrierErrors, kTransmitAbortedErrors, kTransmitHeartbeatErrors,
      kTransmitWindowErrors},
     4},
    {"receive_compressed", {kReceiveCompressed}, 1},
    {"transmit_compressed", {kTransmitCompressed}, 1},
    {"receive_nohandler", {kReceiveNohandler}, 1},
};

constexpr std::string_view kDetailedNames[kNetStats] = {"receive_packets",
                                                        "transmit_packets",
                                                        "receive_bytes",
                                                        "transmit_bytes",
                                                        "receive_errors",
                                                        "transmit_errors",
                                                        "receive_dropped",
                                                        "transmit_dropped",
                                                        "multicast",
                                                        "collisions",
                                                        "receive_length_errors",
                                                        "receive_over_errors",
                                                        "receive_crc_errors",
                                                        "receive_frame_errors",
                                                        "receive_fifo_errors",
                                                        "receive_missed_errors",
                                                        "transmit_aborted_errors",
                                                        "transmit_carrier_errors",
                                                        "transmit_fifo_errors",
                                                        "transmit_heartbeat_errors",
                                                        "transmit_window_errors",
                                                        "receive_compressed",
                                                        "transmit_compressed",
                                                        "receive_nohandler"};

struct Row {
  std::string name, help;
  Counter counter;
};

Row MakeRow(const Counter& counter) {
  const std::string key(counter.name);
  return {"node_network_" + key + "_total", "Network device statistic " + key + ".", counter};
}

class NetdevCollector : public Collector {
 public:
  void AddFlags(toolkit::FlagSet& flags) override {
    flags.String("collector.netdev.device-include",
                 "Regexp of net devices to include (mutually exclusive to device-exclude).",
                 &include_);
    flags.String("collector.netdev.device-exclude",
                 "Regexp of net devices to exclude (mutually exclusive to device-include).",
                 &exclude_);
    flags.Bool("collector.netdev.address-info", "Collect address-info for every device",
               &address_info_);
    flags.Bool("collector.netdev.enable-detailed-metrics",
               "Use (incompatible) metric names that provide more detailed stats on Linux",
               &detailed_);
    flags.Bool("collector.netdev.netlink", "Use netlink to gather stats instead of /proc/net/dev.",
               &netlink_);
    flags.Bool("collector.netdev.label-ifalias", "Add ifAlias label", &label_alias_);
  }

  Result<void> Open(const Roots&, const toolkit::FlagSet&) override {
    filter_ = TRY(NameFilter::Create(include_, exclude_, "--collector.netdev.device"));
    if (!detailed_) {
      for (const Counter& counter : kLegacyCounters) rows_.push_back(MakeRow(counter));
      return Ok();
    }
    for (size_t i = 0; i < kNetStats; ++i) {
      rows_.push_back(MakeRow({kDetailedNames[i], {static_cast<NetStat>(i)}, 1}));
    }
    return Ok();
  }

  Result<void> Update(const Roots& roots, toolkit::MetricSink& sink) override {
    std::vector<NetDevice> devices = TRY(netlink_ ? links_.Dump() : ReadProc(roots));
    std::erase_if(devices, [&](const NetDevice& device) { return filter_.Ignores(device.name); });
    if (label_alias_ && !netlink_) ReadAliases(roots, &devices);
    for (const Row& row : rows_) AddRow(row, devices, sink);
    if (address_info_) return AddAddresses(sink);
    return Ok();
  }

 private:
  Result<std::vector<NetDevice>> ReadProc(const Roots& roots) {
    TRY(ReadFileInto(roots.Proc("net/dev"), &buffer_));
    return ParseNetDev(buffer_);
  }

  static void ReadAliases(const Roots& roots, std::vector<NetDevice>* devices) {
    for (NetDevice& device : *devices) {
      auto alias = ReadTrimmed(roots.Sys("class/net/" + device.name + "/ifalias"));
      if (alias) device.alias = *alias;
    }
  }

  void AddRow(const Row& row, const std::vector<NetDevice>& devices,
              toolkit::MetricSink& sink) const {
    std::optional<toolkit::MetricSink::FamilyId> family;
    for (const NetDevice& device : devices) {
      if (!device.present[row.counter.parts[0]]) continue;
      uint64_t sum = 0;
      for (size_t i = 0; i < row.counter.count; ++i) sum += device.stats[row.counter.parts[i]];
      if (!family) family = sink.Family(row.name, row.help, MetricType::kCounter);
      if (label_alias_) {
        sink.Add(*family, {{"device", device.name}, {"ifalias", device.alias}},
                 static_cast<double>(sum));
      } else {
        sink.Add(*family, {{"device", device.name}}, static_cast<double>(sum));
      }
    }
  }

  Result<void> AddAddresses(toolkit::MetricSink& sink);

  std::string include_, exclude_;
  bool address_info_ = false;
  bool detailed_ = false;
  bool netlink_ = true;
  bool label_alias_ = false;
  NameFilter filter_;
  std::vector<Row> rows_;
  LinkSocket links_;
  std::string buffer_;
};

// By the kind of the address, in the words upstream has for it.
std::string_view Scope(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const uint32_t ip = ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr);
    const uint32_t top = ip >> 24;
    if (top == 127 || (ip >> 16) == 0xa9fe || (ip >> 8) == 0xe00000) return "link-local";
    return ip != 0 && ip != 0xffffffff && (top >> 4) != 0xe ? "global" : "";
  }
  const in6_addr& ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_LOOPBACK(&ip) || IN6_IS_ADDR_LINKLOCAL(&ip) || IN6_IS_ADDR_MC_LINKLOCAL(&ip)) {
    return "link-local";
  }
  if (IN6_IS_ADDR_MC_NODELOCAL(&ip)) return "interface-local";
  return IN6_IS_ADDR_UNSPECIFIED(&ip) || IN6_IS_ADDR_MULTICAST(&ip) ? "" : "global";
}

unsigned PrefixLength(const sockaddr* mask) {
  if (mask == nullptr) return 0;
  if (mask->sa_family == AF_INET) {
    const auto bits = reinterpret_cast<const sockaddr_in*>(mask)->sin_addr.s_addr;
    return static_cast<unsigned>(std::popcount(static_cast<uint32_t>(bits)));
  }
  unsigned length = 0;
  for (const uint8_t byte : reinterpret_cast<const sockaddr_in6*>(mask)->sin6_addr.s6_addr) {
    length += static_cast<unsigned>(std::popcount(byte));
  }
  return length;
}

Result<void> NetdevCollector::AddAddresses(toolkit::MetricSink& sink) {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) {
    return Internal(std::string("could not get network interfaces: ") + std::strerror(errno));
  }
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(first, &freeifaddrs);
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const sockaddr* address = entry->ifa_addr;
    if (address == nullptr) continue;
    const void* bytes = nullptr;
    if (address->sa_family == AF_INET) {
      bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
    } else if (address->sa_family == AF_INET6) {
      bytes = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    } else {
      continue;
    }
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(address->sa_family, bytes, text, sizeof(text));
    sink.Gauge("node_network_address_info", "node network address by device", 1,
               {{"device", entry->ifa_name},
                {"address", text},
                {"netmask", NumberText(PrefixLength(entry->ifa_netmask))},
                {"scope", Scope(*address)}});
  }
  return Ok();
}

}  // namespace

std::unique_ptr<Collector> Make_netdev() { return std::make_unique<NetdevCollector>(); }

}  // namespace vigil::node

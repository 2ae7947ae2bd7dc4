// SPDX-License-Identifier: Apache-2.0
// Every collector, one line each: name, on or off by default, what it exposes. A new collector is
// a file with Make_<name>() in this folder and a line here.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "exporters/node/collector.h"

// X(name, on by default, help)
#define VIGIL_NODE_COLLECTORS(X)                                       \
  X(cpu, true, "CPU times, frequencies, throttling")                   \
  X(diskstats, true, "disk I/O from /proc/diskstats and udev")         \
  X(filesystem, true, "space and inodes of mounted filesystems")       \
  X(hwloc, true, "packages, cores, NUMA nodes and caches (hwloc)")     \
  X(loadavg, true, "load average")                                     \
  X(meminfo, true, "memory from /proc/meminfo")                        \
  X(netdev, true, "network device counters")                           \
  X(stat, true, "interrupts, context switches, forks from /proc/stat") \
  X(time, true, "system time and clock sources")                       \
  X(uname, true, "kernel and host names")                              \
  X(vmstat, true, "paging and OOM counters from /proc/vmstat")

namespace vigil::node {

#define VIGIL_NODE_DECLARE(name, on, help) std::unique_ptr<Collector> Make_##name();
VIGIL_NODE_COLLECTORS(VIGIL_NODE_DECLARE)
#undef VIGIL_NODE_DECLARE

struct CollectorRow {
  std::string_view name;
  bool on_by_default;
  std::string_view help;
  std::unique_ptr<Collector> (*make)();
};

#define VIGIL_NODE_ROW(name, on, help) {#name, on, help, &Make_##name},
inline constexpr CollectorRow kCollectorRows[] = {VIGIL_NODE_COLLECTORS(VIGIL_NODE_ROW)};
#undef VIGIL_NODE_ROW

// Sorted by name.
inline constexpr std::span<const CollectorRow> CollectorRows() { return kCollectorRows; }

}  // namespace vigil::node

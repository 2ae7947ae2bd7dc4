// SPDX-License-Identifier: Apache-2.0
// The machine as hwloc sees it: packages, cores, NUMA nodes, caches, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::node {

// Numbers are the kernel's where it has them (CPUs, cores, packages, NUMA nodes), so that they
// join with other families; caches have none and are counted. Unknown is empty.
struct HostTopology {
  using Index = std::optional<unsigned>;

  struct Cpu {
    unsigned cpu = 0;
    Index core, die, package, node, l3, kind;
  };
  struct Package {
    Index package;
    std::string model, vendor, family, stepping;
  };
  struct Cache {
    unsigned level = 0;
    std::string_view type;  // "unified", "data", "instruction"
    unsigned cache = 0;     // counted per level and type
    Index package, node;
    uint64_t size_bytes = 0;
    uint64_t line_bytes = 0;  // 0: unknown
    uint64_t ways = 0;        // 0: unknown or fully associative
    uint64_t shared_cpus = 0;
  };
  struct NumaNode {
    unsigned node = 0;
    std::string subtype;  // "HBM", "CXLMemory"; empty: plain memory
    uint64_t memory_bytes = 0;
    std::vector<std::pair<uint64_t, uint64_t>> pages;  // page size, bytes in such pages
  };

  std::vector<Cpu> cpus;
  std::vector<Package> packages;
  std::vector<Cache> caches;
  std::vector<NumaNode> nodes;
  std::vector<std::pair<std::string_view, uint64_t>> objects;  // "core" -> how many
  uint64_t allowed_cpus = 0;
  uint64_t allowed_nodes = 0;
};

// Asks the kernel, or reads what HWLOC_XMLFILE, HWLOC_SYNTHETIC or HWLOC_FSROOT say. Takes
// milliseconds to seconds: not for a scrape.
Result<HostTopology> LoadTopology();

}  // namespace vigil::node

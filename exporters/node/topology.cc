// SPDX-License-Identifier: Apache-2.0
// hwloc's object tree turned into plain values; the tree is freed at once, it is large.
#include "exporters/node/topology.h"

#include <hwloc.h>

#include <memory>

namespace vigil::node {
namespace {

using Topology = std::remove_pointer_t<hwloc_topology_t>;
using TopologyPtr = std::unique_ptr<Topology, decltype(&hwloc_topology_destroy)>;

struct ObjectName {
  hwloc_obj_type_t type;
  std::string_view name;
};
constexpr ObjectName kObjects[] = {
    {HWLOC_OBJ_PACKAGE, "package"}, {HWLOC_OBJ_DIE, "die"},          {HWLOC_OBJ_CORE, "core"},
    {HWLOC_OBJ_PU, "pu"},           {HWLOC_OBJ_L1CACHE, "l1cache"},  {HWLOC_OBJ_L2CACHE, "l2cache"},
    {HWLOC_OBJ_L3CACHE, "l3cache"}, {HWLOC_OBJ_NUMANODE, "numanode"}};
constexpr hwloc_obj_type_t kCaches[] = {HWLOC_OBJ_L1CACHE,  HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE,
                                        HWLOC_OBJ_L2ICACHE, HWLOC_OBJ_L3CACHE,  HWLOC_OBJ_L3ICACHE,
                                        HWLOC_OBJ_L4CACHE,  HWLOC_OBJ_L5CACHE};

Result<TopologyPtr> Discover() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return Internal("hwloc: cannot make a topology");
  TopologyPtr topology(raw, &hwloc_topology_destroy);
  hwloc_topology_set_cache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_ALL);
  hwloc_topology_set_icache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_ALL);
  // The x86 component runs cpuid on every CPU in turn, also on isolated ones; Linux has told all.
  hwloc_topology_set_components(raw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
  if (hwloc_topology_load(raw) != 0) return Internal("hwloc: cannot load the topology");
  return topology;
}

HostTopology::Index OsIndex(hwloc_obj_t object) {
  if (object == nullptr || object->os_index == HWLOC_UNKNOWN_INDEX) return std::nullopt;
  return object->os_index;
}

std::string Info(hwloc_obj_t object, const char* name) {
  const char* value = hwloc_obj_get_info_by_name(object, name);
  return value == nullptr ? std::string() : std::string(value);
}

// The NUMA node near these CPUs; the first of several.
HostTopology::Index NodeOf(hwloc_topology_t topology, hwloc_const_cpuset_t cpus) {
  hwloc_obj_t node = nullptr;
  while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)) != nullptr) {
    if (hwloc_bitmap_isincluded(cpus, node->cpuset)) return OsIndex(node);
  }
  return std::nullopt;
}

void ReadCpus(hwloc_topology_t topology, HostTopology* out) {
  const auto above = [&](hwloc_obj_t pu, hwloc_obj_type_t type) {
    return hwloc_get_ancestor_obj_by_type(topology, type, pu);
  };
  hwloc_obj_t pu = nullptr;
  while ((pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu)) != nullptr) {
    HostTopology::Cpu cpu;
    cpu.cpu = pu->os_index;
    cpu.core = OsIndex(above(pu, HWLOC_OBJ_CORE));
    cpu.die = OsIndex(above(pu, HWLOC_OBJ_DIE));
    cpu.package = OsIndex(above(pu, HWLOC_OBJ_PACKAGE));
    cpu.node = NodeOf(topology, pu->cpuset);
    const hwloc_obj_t l3 = above(pu, HWLOC_OBJ_L3CACHE);
    if (l3 != nullptr) cpu.l3 = l3->logical_index;
    const int kind = hwloc_cpukinds_get_by_cpuset(topology, pu->cpuset, 0);
    if (kind >= 0) cpu.kind = static_cast<unsigned>(kind);
    out->cpus.push_back(cpu);
  }
}

void ReadPackages(hwloc_topology_t topology, HostTopology* out) {
  hwloc_obj_t package = nullptr;
  while ((package = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PACKAGE, package)) != nullptr) {
    out->packages.push_back({OsIndex(package), Info(package, "CPUModel"),
                             Info(package, "CPUVendor"), Info(package, "CPUFamilyNumber"),
                             Info(package, "CPUStepping")});
  }
}

std::string_view CacheType(hwloc_obj_cache_type_t type) {
  if (type == HWLOC_OBJ_CACHE_DATA) return "data";
  return type == HWLOC_OBJ_CACHE_INSTRUCTION ? "instruction" : "unified";
}

void ReadCaches(hwloc_topology_t topology, HostTopology* out) {
  for (const hwloc_obj_type_t type : kCaches) {
    hwloc_obj_t object = nullptr;
    while ((object = hwloc_get_next_obj_by_type(topology, type, object)) != nullptr) {
      const auto& attributes = object->attr->cache;
      HostTopology::Cache cache;
      cache.level = attributes.depth;
      cache.type = CacheType(attributes.type);
      cache.cache = object->logical_index;
      cache.package = OsIndex(hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, object));
      cache.node = NodeOf(topology, object->cpuset);
      cache.size_bytes = attributes.size;
      cache.line_bytes = attributes.linesize;
      if (attributes.associativity > 0) {
        cache.ways = static_cast<uint64_t>(attributes.associativity);
      }
      cache.shared_cpus = static_cast<uint64_t>(hwloc_bitmap_weight(object->cpuset));
      out->caches.push_back(cache);
    }
  }
}

void ReadNodes(hwloc_topology_t topology, HostTopology* out) {
  hwloc_obj_t object = nullptr;
  while ((object = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, object)) != nullptr) {
    const auto& attributes = object->attr->numanode;
    HostTopology::NumaNode node;
    node.node = object->os_index;
    if (object->subtype != nullptr) node.subtype = object->subtype;
    node.memory_bytes = attributes.local_memory;
    for (unsigned i = 0; i < attributes.page_types_len; ++i) {
      const auto& pages = attributes.page_types[i];
      node.pages.emplace_back(pages.size, pages.size * pages.count);
    }
    out->nodes.push_back(std::move(node));
  }
}

uint64_t Weight(hwloc_const_bitmap_t set) {
  const int weight = hwloc_bitmap_weight(set);
  return weight < 0 ? 0 : static_cast<uint64_t>(weight);
}

}  // namespace

Result<HostTopology> LoadTopology() {
  const TopologyPtr topology = TRY(Discover());
  HostTopology out;
  for (const ObjectName& row : kObjects) {
    const int count = hwloc_get_nbobjs_by_type(topology.get(), row.type);
    if (count > 0) out.objects.emplace_back(row.name, static_cast<uint64_t>(count));
  }
  ReadCpus(topology.get(), &out);
  ReadPackages(topology.get(), &out);
  ReadCaches(topology.get(), &out);
  ReadNodes(topology.get(), &out);
  out.allowed_cpus = Weight(hwloc_topology_get_allowed_cpuset(topology.get()));
  out.allowed_nodes = Weight(hwloc_topology_get_allowed_nodeset(topology.get()));
  return out;
}

}  // namespace vigil::node

// SPDX-License-Identifier: Apache-2.0
// Packages, cores, NUMA nodes and caches by hwloc: found once, served from memory.
#include <memory>
#include <string>
#include <string_view>

#include "client-lib/base/log.h"
#include "client-lib/base/mutex.h"
#include "exporters/node/collectors/list.h"
#include "exporters/node/topology.h"

namespace vigil::node {
namespace {

using toolkit::MetricSink;
using MetricType = MetricSink::MetricType;

// A label value; empty when unknown.
std::string Text(const HostTopology::Index& index) {
  return index ? std::to_string(*index) : std::string();
}

void AddCpus(const HostTopology& host, MetricSink* sink) {
  const auto family = sink->Family("node_hwloc_cpu_topology_info",
                                   "Where each CPU sits: core, die, package, NUMA node, L3 cache "
                                   "and kind of core.",
                                   MetricType::kGauge);
  for (const HostTopology::Cpu& cpu : host.cpus) {
    sink->Add(family,
              {{"cpu", std::to_string(cpu.cpu)},
               {"core", Text(cpu.core)},
               {"die", Text(cpu.die)},
               {"package", Text(cpu.package)},
               {"node", Text(cpu.node)},
               {"l3", Text(cpu.l3)},
               {"kind", Text(cpu.kind)}},
              1);
  }
}

void AddPackages(const HostTopology& host, MetricSink* sink) {
  for (const HostTopology::Package& package : host.packages) {
    sink->Gauge("node_hwloc_package_info", "What is in each processor package.", 1,
                {{"package", Text(package.package)},
                 {"cpu_model", package.model},
                 {"cpu_vendor", package.vendor},
                 {"cpu_family", package.family},
                 {"stepping", package.stepping}});
  }
  for (const auto& [object, count] : host.objects) {
    sink->Gauge("node_hwloc_objects", "Number of hardware objects of each kind.",
                static_cast<double>(count), {{"object", object}});
  }
}

void AddCaches(const HostTopology& host, MetricSink* sink) {
  for (const HostTopology::Cache& cache : host.caches) {
    const auto gauge = [&](std::string_view name, std::string_view help, uint64_t value) {
      if (value == 0) return;
      sink->Add(sink->Family(name, help, MetricType::kGauge),
                {{"level", std::to_string(cache.level)},
                 {"cache_type", cache.type},
                 {"cache", std::to_string(cache.cache)},
                 {"package", Text(cache.package)},
                 {"node", Text(cache.node)}},
                static_cast<double>(value));
    };
    gauge("node_hwloc_cache_size_bytes", "Size of each CPU cache.", cache.size_bytes);
    gauge("node_hwloc_cache_line_size_bytes", "Line size of each CPU cache.", cache.line_bytes);
    gauge("node_hwloc_cache_ways", "Associativity of each CPU cache.", cache.ways);
    gauge("node_hwloc_cache_shared_cpus", "Number of CPUs that share each cache.",
          cache.shared_cpus);
  }
}

void AddNodes(const HostTopology& host, MetricSink* sink) {
  for (const HostTopology::NumaNode& node : host.nodes) {
    const std::string number = std::to_string(node.node);
    sink->Gauge("node_hwloc_numa_memory_bytes", "Memory of each NUMA node.",
                static_cast<double>(node.memory_bytes),
                {{"node", number}, {"subtype", node.subtype}});
    for (const auto& [size, bytes] : node.pages) {
      sink->Gauge("node_hwloc_numa_page_size_memory_bytes",
                  "Memory of each NUMA node by page size.", static_cast<double>(bytes),
                  {{"node", number}, {"page_size", std::to_string(size)}});
    }
  }
  sink->Gauge("node_hwloc_allowed_cpus", "Number of CPUs this process may run on.",
              static_cast<double>(host.allowed_cpus));
  sink->Gauge("node_hwloc_allowed_nodes", "Number of NUMA nodes this process may use.",
              static_cast<double>(host.allowed_nodes));
}

class HwlocCollector : public Collector {
 public:
  // A topology that cannot be loaded is no reason not to start: the scrape says so.
  Result<void> Open(const Roots& roots, const toolkit::FlagSet&) override {
    Reload(roots);
    return Ok();
  }

  Result<void> Update(const Roots&, MetricSink& sink) override {
    const std::shared_ptr<const MetricSink> samples = samples_.Copy();
    if (samples == nullptr) return Internal("hwloc: no topology was loaded, see the log");
    sink.Merge(*samples);
    return Ok();
  }

  // After a failure the last topology stays.
  void Reload(const Roots&) override {
    auto host = LoadTopology();
    if (!host) {
      log::Error("node", "cannot load the hardware topology", {{"error", host.error()}});
      return;
    }
    auto samples = std::make_shared<MetricSink>();
    AddCpus(*host, samples.get());
    AddPackages(*host, samples.get());
    AddCaches(*host, samples.get());
    AddNodes(*host, samples.get());
    samples_.Set(std::move(samples));
  }

 private:
  Guarded<std::shared_ptr<const MetricSink>> samples_;
};

}  // namespace

std::unique_ptr<Collector> Make_hwloc() { return std::make_unique<HwlocCollector>(); }

}  // namespace vigil::node

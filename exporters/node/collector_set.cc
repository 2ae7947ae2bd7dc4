// SPDX-License-Identifier: Apache-2.0
// Which collectors run, and running them.
#include "exporters/node/collector_set.h"

#include <algorithm>
#include <utility>

#include "client-lib/base/log.h"
#include "exporters/node/collectors/list.h"

namespace vigil::node {

struct CollectorSet::Entry {
  std::string name;
  bool on_by_default = false;
  bool enabled = false;
  std::unique_ptr<Collector> collector;
  bool failing = false;  // logged once, not at every scrape
};

CollectorSet::CollectorSet(const Clock& clock) : clock_(clock) {
  entries_.reserve(CollectorRows().size());
  for (const CollectorRow& row : CollectorRows()) {
    entries_.push_back(
        {std::string(row.name), row.on_by_default, row.on_by_default, row.make(), false});
  }
}

CollectorSet::~CollectorSet() = default;

void CollectorSet::AddFlags(toolkit::FlagSet* flags) {
  flags->String("path.procfs", "procfs mountpoint.", &roots_.proc);
  flags->String("path.sysfs", "sysfs mountpoint.", &roots_.sys);
  flags->String("path.rootfs", "rootfs mountpoint.", &roots_.rootfs);
  flags->String("path.udev.data", "udev data path.", &roots_.udev);
  flags->Bool("collector.disable-defaults", "Set all collectors to disabled by default.",
              &disable_defaults_);
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    flags->Bool("collector." + entry.name,
                "Enable the " + entry.name + " collector: " + std::string(CollectorRows()[i].help) +
                    " (default: " + (entry.on_by_default ? "enabled" : "disabled") + ").",
                &entry.enabled);
    entry.collector->AddFlags(*flags);
  }
}

Result<void> CollectorSet::Open(const toolkit::FlagSet& flags) {
  for (Entry& entry : entries_) {
    if (disable_defaults_ && !flags.WasGiven("collector." + entry.name)) entry.enabled = false;
    if (!entry.enabled) continue;
    TRY_CONTEXT(entry.collector->Open(roots_, flags), "collector " + entry.name);
  }
  return Ok();
}

std::vector<std::string> CollectorSet::Enabled() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.enabled) names.push_back(entry.name);
  }
  std::ranges::sort(names);
  return names;
}

Result<CollectorSet::Filter> CollectorSet::ParseFilter(const http::Params& params) const {
  const std::vector<std::string> collects = params.All("collect[]");
  const std::vector<std::string> excludes = params.All("exclude[]");
  if (!collects.empty() && !excludes.empty()) {
    return BadData("combined collect and exclude queries are not allowed");
  }
  Filter filter;
  for (const std::string& name : collects) {
    const auto entry = std::ranges::find(entries_, name, &Entry::name);
    if (entry == entries_.end()) return BadData("missing collector: " + name);
    if (!entry->enabled) return BadData("disabled collector: " + name);
    filter.insert(name);
  }
  if (excludes.empty()) return filter;
  // Excluding every collector leaves an empty filter, which means all of them: as upstream.
  for (const Entry& entry : entries_) {
    if (entry.enabled && std::ranges::find(excludes, entry.name) == excludes.end()) {
      filter.insert(entry.name);
    }
  }
  return filter;
}

void CollectorSet::Scrape(const Filter& filter, toolkit::MetricSink* sink) {
  MutexLock lock(scraping_);
  const auto duration = sink->Family("node_scrape_collector_duration_seconds",
                                     "node_exporter: Duration of a collector scrape.",
                                     toolkit::MetricSink::MetricType::kGauge);
  const auto success =
      sink->Family("node_scrape_collector_success", "node_exporter: Whether a collector succeeded.",
                   toolkit::MetricSink::MetricType::kGauge);
  for (Entry& entry : entries_) {
    if (!entry.enabled || (!filter.empty() && !filter.contains(entry.name))) continue;
    const int64_t begin = clock_.MonotonicNs();
    const Result<void> result = entry.collector->Update(roots_, *sink);
    const double seconds = static_cast<double>(clock_.MonotonicNs() - begin) / 1e9;
    sink->Add(duration, {{"collector", entry.name}}, seconds);
    sink->Add(success, {{"collector", entry.name}}, result ? 1 : 0);
    if (!result && (IsNoData(result.error()) || entry.failing)) {
      log::Debug("node", "collector gave nothing",
                 {{"collector", entry.name}, {"error", result.error()}});
    } else if (!result) {
      log::Error("node", "collector failed, later failures are logged at debug level",
                 {{"collector", entry.name}, {"error", result.error()}});
    }
    entry.failing = !result;
  }
}

void CollectorSet::Reload() {
  for (Entry& entry : entries_) {
    if (entry.enabled) entry.collector->Reload(roots_);
  }
}

}  // namespace vigil::node

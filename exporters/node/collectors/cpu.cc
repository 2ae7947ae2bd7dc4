// SPDX-License-Identifier: Apache-2.0
// CPU times from /proc/stat; info, flags, bugs and frequency from /proc/cpuinfo; throttling,
// isolation and hotplug state from sysfs.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/files.h"
#include "client-lib/base/log.h"
#include "exporters/node/collectors/list.h"
#include "exporters/node/cpu_counters.h"
#include "exporters/node/name_filter.h"
#include "exporters/node/parse/cpu_list.h"
#include "exporters/node/parse/cpuinfo.h"
#include "exporters/node/parse/proc_stat.h"
#include "exporters/node/text_scan.h"

namespace vigil::node {
namespace {

using MetricType = toolkit::MetricSink::MetricType;

constexpr double kTicksPerSecond = 100;  // USER_HZ: the unit of /proc/stat on every architecture

struct ModeName {
  CpuMode mode;
  std::string_view name;
};
constexpr ModeName kModes[] = {{kUser, "user"},       {kNice, "nice"},     {kSystem, "system"},
                               {kIdle, "idle"},       {kIowait, "iowait"}, {kIrq, "irq"},
                               {kSoftirq, "softirq"}, {kSteal, "steal"}};
// Guest time is also part of user and nice.
constexpr ModeName kGuestModes[] = {{kGuest, "user"}, {kGuestNice, "nice"}};

// What sysfs says about one CPU and does not change while the set of CPUs stays the same.
struct CpuTopology {
  uint32_t cpu = 0;
  std::optional<uint64_t> package, core;
  std::string throttle_dir;  // empty: this CPU has none, or another one of its core speaks for it
  bool counts_package = false;
};

class CpuCollector : public Collector {
 public:
  void AddFlags(toolkit::FlagSet& flags) override {
    flags.Bool("collector.cpu.guest", "Enables metric node_cpu_guest_seconds_total", &guest_);
    flags.Bool("collector.cpu.info", "Enables metric cpu_info", &info_);
    flags.String("collector.cpu.info.flags-include",
                 "Filter the `flags` field in cpuInfo with a value that must be a regular "
                 "expression",
                 &flags_include_);
    flags.String("collector.cpu.info.bugs-include",
                 "Filter the `bugs` field in cpuInfo with a value that must be a regular "
                 "expression",
                 &bugs_include_);
  }

  Result<void> Open(const Roots& roots, const toolkit::FlagSet& flags) override;
  Result<void> Update(const Roots& roots, toolkit::MetricSink& sink) override;
  void Reload(const Roots&) override { topology_stale_ = true; }

 private:
  Result<void> AddInfo(const Roots& roots, toolkit::MetricSink& sink);
  static void AddWords(const std::vector<std::string>& words, const std::optional<Pattern>& filter,
                       std::string_view name, std::string_view help, std::string_view label,
                       toolkit::MetricSink& sink);
  void AddTimes(toolkit::MetricSink& sink) const;
  void AddIsolated(toolkit::MetricSink& sink) const;
  void LoadTopology(const Roots& roots);
  void AddThrottles(toolkit::MetricSink& sink) const;
  void AddOnline(const Roots& roots, toolkit::MetricSink& sink) const;

  bool guest_ = true;
  bool info_ = false;
  std::string flags_include_, bugs_include_;
  std::optional<Pattern> flags_pattern_, bugs_pattern_;
  bool frequency_ = true;

  std::vector<uint32_t> isolated_;
  std::atomic<bool> topology_stale_{true};
  std::vector<uint32_t> topology_cpus_;  // the CPUs the topology was read for
  std::vector<CpuTopology> topology_;
  bool has_online_files_ = false;
  CpuCounters counters_;
  std::string buffer_;
  ProcStat stat_;
};

Result<void> CpuCollector::Open(const Roots& roots, const toolkit::FlagSet& flags) {
  if (!flags_include_.empty()) {
    flags_pattern_ = TRY(Pattern::Compile(flags_include_, "--collector.cpu.info.flags-include"));
  }
  if (!bugs_include_.empty()) {
    bugs_pattern_ = TRY(Pattern::Compile(bugs_include_, "--collector.cpu.info.bugs-include"));
  }
  info_ = info_ || flags_pattern_ || bugs_pattern_;
  // As upstream: the frequency in cpuinfo goes with the cpufreq collector's switch.
  for (const auto& [name, value] : flags.Values()) {
    if (name == "collector.cpufreq") frequency_ = value == "true";
  }
  auto isolated = ReadTrimmed(roots.Sys("devices/system/cpu/isolated"));
  if (isolated) isolated_ = TRY_CONTEXT(ParseCpuList(*isolated), "isolated CPUs");
  return Ok();
}

Result<void> CpuCollector::Update(const Roots& roots, toolkit::MetricSink& sink) {
  if (info_) TRY(AddInfo(roots, sink));
  TRY(ReadFileInto(roots.Proc("stat"), &buffer_));
  TRY(ParseProcStat(buffer_, &stat_));
  counters_.Advance(stat_.cpus);
  AddTimes(sink);
  AddIsolated(sink);
  const bool same_cpus = std::ranges::equal(stat_.cpus, topology_cpus_, {}, &CpuTimes::cpu);
  if (topology_stale_.exchange(false) || !same_cpus) LoadTopology(roots);
  AddThrottles(sink);
  AddOnline(roots, sink);
  return Ok();
}

Result<void> CpuCollector::AddInfo(const Roots& roots, toolkit::MetricSink& sink) {
  TRY(ReadFileInto(roots.Proc("cpuinfo"), &buffer_));
  const std::vector<CpuInfo> cpus = ParseCpuInfo(buffer_);
  if (cpus.empty()) return Ok();
  const auto info =
      sink.Family("node_cpu_info", "CPU information from /proc/cpuinfo.", MetricType::kGauge);
  for (const CpuInfo& cpu : cpus) {
    sink.Add(info,
             {{"package", cpu.physical_id},
              {"core", cpu.core_id},
              {"cpu", cpu.processor},
              {"vendor", cpu.vendor_id},
              {"family", cpu.family},
              {"model", cpu.model},
              {"model_name", cpu.model_name},
              {"microcode", cpu.microcode},
              {"stepping", cpu.stepping},
              {"cachesize", cpu.cache_size}},
             1);
  }
  if (frequency_) {
    const auto hertz =
        sink.Family("node_cpu_frequency_hertz", "CPU frequency in hertz from /proc/cpuinfo.",
                    MetricType::kGauge);
    for (const CpuInfo& cpu : cpus) {
      sink.Add(hertz, {{"package", cpu.physical_id}, {"core", cpu.core_id}, {"cpu", cpu.processor}},
               cpu.mhz * 1e6);
    }
  }
  AddWords(cpus[0].flags, flags_pattern_, "node_cpu_flag_info",
           "The `flags` field of CPU information from /proc/cpuinfo taken from the first core.",
           "flag", sink);
  AddWords(cpus[0].bugs, bugs_pattern_, "node_cpu_bug_info",
           "The `bugs` field of CPU information from /proc/cpuinfo taken from the first core.",
           "bug", sink);
  return Ok();
}

void CpuCollector::AddWords(const std::vector<std::string>& words,
                            const std::optional<Pattern>& filter, std::string_view name,
                            std::string_view help, std::string_view label,
                            toolkit::MetricSink& sink) {
  if (!filter) return;
  const auto family = sink.Family(name, help, MetricType::kGauge);
  for (const std::string& word : words) {
    if (filter->Matches(word)) sink.Add(family, {{label, word}}, 1);
  }
}

void CpuCollector::AddTimes(toolkit::MetricSink& sink) const {
  const auto seconds = sink.Family("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.",
                                   MetricType::kCounter);
  for (const CpuTimes& times : counters_.cpus()) {
    const NumberText cpu(times.cpu);
    for (const ModeName& mode : kModes) {
      sink.Add(seconds, {{"cpu", cpu}, {"mode", mode.name}},
               static_cast<double>(times.ticks[mode.mode]) / kTicksPerSecond);
    }
  }
  if (!guest_) return;
  const auto guest =
      sink.Family("node_cpu_guest_seconds_total",
                  "Seconds the CPUs spent in guests (VMs) for each mode.", MetricType::kCounter);
  for (const CpuTimes& times : counters_.cpus()) {
    const NumberText cpu(times.cpu);
    for (const ModeName& mode : kGuestModes) {
      sink.Add(guest, {{"cpu", cpu}, {"mode", mode.name}},
               static_cast<double>(times.ticks[mode.mode]) / kTicksPerSecond);
    }
  }
}

void CpuCollector::AddIsolated(toolkit::MetricSink& sink) const {
  if (isolated_.empty()) return;
  const auto family = sink.Family(
      "node_cpu_isolated",
      "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.",
      MetricType::kGauge);
  for (const uint32_t cpu : isolated_) sink.Add(family, {{"cpu", NumberText(cpu)}}, 1);
}

// Many-core hosts have thousands of these files: which of them exist, and which CPU speaks for a
// core or package, is found out once per set of CPUs.
void CpuCollector::LoadTopology(const Roots& roots) {
  topology_.clear();
  topology_cpus_.clear();
  for (const CpuTimes& times : stat_.cpus) topology_cpus_.push_back(times.cpu);
  const std::string base = roots.Sys("devices/system/cpu");
  auto entries = ListDirectory(base);
  if (!entries) return;
  for (const std::string& entry : *entries) {
    uint64_t number = 0;
    if (!entry.starts_with("cpu") || !ToUint(std::string_view(entry).substr(3), &number)) continue;
    CpuTopology cpu;
    cpu.cpu = static_cast<uint32_t>(number);
    const std::string dir = base + "/" + entry;
    if (auto id = ReadUintFile(dir + "/topology/physical_package_id")) cpu.package = *id;
    if (auto id = ReadUintFile(dir + "/topology/core_id")) cpu.core = *id;
    if (cpu.package && cpu.core && DirectoryExists(dir + "/thermal_throttle")) {
      cpu.throttle_dir = dir + "/thermal_throttle/";
    }
    topology_.push_back(std::move(cpu));
  }
  std::ranges::sort(topology_, {}, &CpuTopology::cpu);
  has_online_files_ = !topology_.empty() &&
                      FileExists(base + "/cpu" + std::to_string(topology_.front().cpu) + "/online");
  std::vector<std::pair<uint64_t, uint64_t>> cores;
  std::vector<uint64_t> packages;
  for (CpuTopology& cpu : topology_) {
    if (cpu.throttle_dir.empty()) continue;
    const std::pair<uint64_t, uint64_t> core(*cpu.package, *cpu.core);
    if (std::ranges::find(cores, core) != cores.end()) {
      cpu.throttle_dir.clear();
      continue;
    }
    cores.push_back(core);
    cpu.counts_package = std::ranges::find(packages, *cpu.package) == packages.end();
    if (cpu.counts_package) packages.push_back(*cpu.package);
  }
}

void CpuCollector::AddThrottles(toolkit::MetricSink& sink) const {
  for (const CpuTopology& cpu : topology_) {
    if (cpu.throttle_dir.empty()) continue;
    // Some kernels count for the core only, and a CPU may just have gone: no file, no series.
    if (auto count = ReadUintFile(cpu.throttle_dir + "core_throttle_count")) {
      sink.Counter("node_cpu_core_throttles_total",
                   "Number of times this CPU core has been throttled.", static_cast<double>(*count),
                   {{"package", NumberText(*cpu.package)}, {"core", NumberText(*cpu.core)}});
    }
    if (!cpu.counts_package) continue;
    if (auto count = ReadUintFile(cpu.throttle_dir + "package_throttle_count")) {
      sink.Counter("node_cpu_package_throttles_total",
                   "Number of times this CPU package has been throttled.",
                   static_cast<double>(*count), {{"package", NumberText(*cpu.package)}});
    }
  }
}

void CpuCollector::AddOnline(const Roots& roots, toolkit::MetricSink& sink) const {
  // As upstream: hosts whose first CPU cannot be switched off have no such series. One list file
  // says the same as the file per CPU.
  if (!has_online_files_) return;
  auto text = ReadTrimmed(roots.Sys("devices/system/cpu/online"));
  if (!text) return;
  auto online = ParseCpuList(*text);
  if (!online) return;
  const auto family = sink.Family("node_cpu_online", "CPUs that are online and being scheduled.",
                                  MetricType::kGauge);
  for (const CpuTopology& cpu : topology_) {
    const bool is_online = std::ranges::binary_search(*online, cpu.cpu);
    sink.Add(family, {{"cpu", NumberText(cpu.cpu)}}, is_online ? 1 : 0);
  }
}

}  // namespace

std::unique_ptr<Collector> Make_cpu() { return std::make_unique<CpuCollector>(); }

}  // namespace vigil::node

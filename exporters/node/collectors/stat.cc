// SPDX-License-Identifier: Apache-2.0
// Interrupts, context switches, forks and boot time from /proc/stat.
#include <algorithm>
#include <memory>
#include <string>

#include "client-lib/base/files.h"
#include "exporters/node/collectors/list.h"
#include "exporters/node/parse/proc_stat.h"

namespace vigil::node {
namespace {

// The columns of the softirq line behind the total.
constexpr std::string_view kVectors[] = {"hi",           "timer",   "net_tx", "net_rx",  "block",
                                         "block_iopoll", "tasklet", "sched",  "hrtimer", "rcu"};

class StatCollector : public Collector {
 public:
  void AddFlags(toolkit::FlagSet& flags) override {
    flags.Bool("collector.stat.softirq", "Export softirq calls per vector", &softirq_);
  }

  Result<void> Update(const Roots& roots, toolkit::MetricSink& sink) override {
    TRY(ReadFileInto(roots.Proc("stat"), &buffer_));
    TRY(ParseProcStat(buffer_, &stat_));
    sink.Counter("node_intr_total", "Total number of interrupts serviced.",
                 Double(stat_.interrupts));
    sink.Counter("node_context_switches_total", "Total number of context switches.",
                 Double(stat_.context_switches));
    sink.Counter("node_forks_total", "Total number of forks.", Double(stat_.forks));
    sink.Gauge("node_boot_time_seconds", "Node boot time, in unixtime.", Double(stat_.boot_time));
    sink.Gauge("node_procs_running", "Number of processes in runnable state.",
               Double(stat_.running));
    sink.Gauge("node_procs_blocked", "Number of processes blocked waiting for I/O to complete.",
               Double(stat_.blocked));
    if (softirq_ && !stat_.softirqs.empty()) AddSoftirqs(sink);
    return Ok();
  }

 private:
  static double Double(uint64_t value) { return static_cast<double>(value); }

  void AddSoftirqs(toolkit::MetricSink& sink) {
    const auto family = sink.Family("node_softirqs_total", "Number of softirq calls.",
                                    toolkit::MetricSink::MetricType::kCounter);
    const size_t count = std::min(std::size(kVectors), stat_.softirqs.size() - 1);
    for (size_t i = 0; i < count; ++i) {
      sink.Add(family, {{"vector", kVectors[i]}}, Double(stat_.softirqs[i + 1]));
    }
  }

  bool softirq_ = false;
  std::string buffer_;
  ProcStat stat_;
};

}  // namespace

std::unique_ptr<Collector> Make_stat() { return std::make_unique<StatCollector>(); }

}  // namespace vigil::node

// SPDX-License-Identifier: Apache-2.0
// /proc/self as metrics.
#include "exporters/toolkit/self_metrics.h"

#include <dirent.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <vector>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "exporters/toolkit/version.h"

namespace vigil::toolkit {
namespace {

// Fields of /proc/self/stat behind the command, which may hold blanks and brackets; the first is
// number 3 of proc(5).
std::vector<std::string_view> StatFields(std::string_view text) {
  const size_t end = text.rfind(')');
  return end == std::string_view::npos ? std::vector<std::string_view>()
                                       : Fields(text.substr(end + 1));
}

std::optional<uint64_t> StatNumber(const std::vector<std::string_view>& fields, size_t number) {
  return number - 3 < fields.size() ? ParseUint(fields[number - 3]) : std::nullopt;
}

std::optional<uint64_t> BootTime(const std::string& proc_root) {
  const Result<std::string> stat = ReadFile(proc_root + "/stat");
  if (!stat) return std::nullopt;
  for (const std::string_view line : Split(*stat, '\n')) {
    if (line.starts_with("btime ")) return ParseUint(TrimSpace(line.substr(6)));
  }
  return std::nullopt;
}

// The soft limit of a row of /proc/self/limits; -1 when there is none.
std::optional<double> SoftLimit(std::string_view limits, std::string_view row) {
  for (const std::string_view line : Split(limits, '\n')) {
    if (!line.starts_with(row)) continue;
    const std::vector<std::string_view> fields = Fields(line.substr(row.size()));
    if (fields.empty()) return std::nullopt;
    // client_golang shows "unlimited" as the largest number.
    if (fields[0] == "unlimited") return 18446744073709551615.0;
    const std::optional<uint64_t> value = ParseUint(fields[0]);
    if (value) return static_cast<double>(*value);
  }
  return std::nullopt;
}

double CountEntries(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
  if (dir == nullptr) return 0;
  double count = 0;
  while (const dirent* entry = readdir(dir.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count - 1;  // the descriptor of this very look
}

}  // namespace

SelfMetrics::SelfMetrics(std::string program, std::string proc_root)
    : program_(std::move(program)), proc_root_(std::move(proc_root)) {}

void SelfMetrics::Collect(MetricSink* sink) const {
  CollectBuildInfo(sink);
  CollectProcess(sink);
  CollectHandler(sink);
}

void SelfMetrics::CollectBuildInfo(MetricSink* sink) const {
  sink->Gauge(program_ + "_build_info",
              "A metric with a constant '1' value labeled by version, revision, branch and "
              "compiler from which " +
                  program_ + " was built.",
              1,
              {{"branch", Branch()},
               {"compiler", Compiler()},
               {"revision", Revision()},
               {"version", Version()}});
}

void SelfMetrics::CollectProcess(MetricSink* sink) const {
  const Result<std::string> stat = ReadFile(proc_root_ + "/self/stat");
  if (stat) {
    const std::vector<std::string_view> fields = StatFields(*stat);
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto user = StatNumber(fields, 14);
    const auto system = StatNumber(fields, 15);
    if (user && system) {
      sink->Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
                    static_cast<double>(*user + *system) / ticks);
    }
    const auto start = StatNumber(fields, 22);
    const auto boot = BootTime(proc_root_);
    if (start && boot) {
      sink->Gauge("process_start_time_seconds",
                  "Start time of the process since unix epoch in seconds.",
                  static_cast<double>(*boot) + static_cast<double>(*start) / ticks);
    }
    if (const auto threads = StatNumber(fields, 20)) {
      sink->Gauge("process_threads", "Number of OS threads in the process.",
                  static_cast<double>(*threads));
    }
    if (const auto size = StatNumber(fields, 23)) {
      sink->Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.",
                  static_cast<double>(*size));
    }
    if (const auto pages = StatNumber(fields, 24)) {
      sink->Gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
                  static_cast<double>(*pages) * static_cast<double>(sysconf(_SC_PAGESIZE)));
    }
  }
  sink->Gauge("process_open_fds", "Number of open file descriptors.",
              CountEntries(proc_root_ + "/self/fd"));
  const Result<std::string> limits = ReadFile(proc_root_ + "/self/limits");
  if (!limits) return;
  if (const auto files = SoftLimit(*limits, "Max open files")) {
    sink->Gauge("process_max_fds", "Maximum number of open file descriptors.", *files);
  }
  if (const auto memory = SoftLimit(*limits, "Max address space")) {
    sink->Gauge("process_virtual_memory_max_bytes",
                "Maximum amount of virtual memory available in bytes.", *memory);
  }
}

void SelfMetrics::CollectHandler(MetricSink* sink) const {
  sink->Gauge("promhttp_metric_handler_requests_in_flight",
              "Current number of scrapes being served.", static_cast<double>(in_flight()));
  const auto requests = sink->Family("promhttp_metric_handler_requests_total",
                                     "Total number of scrapes by HTTP status code.",
                                     MetricSink::MetricType::kCounter);
  const auto add = [&](std::string_view code, uint64_t count, bool always) {
    if (always || count > 0) sink->Add(requests, {{"code", code}}, static_cast<double>(count));
  };
  add("200", code_200_.load(std::memory_order_relaxed), true);
  add("400", code_400_.load(std::memory_order_relaxed), false);
  add("500", code_500_.load(std::memory_order_relaxed), true);
  add("503", code_503_.load(std::memory_order_relaxed), true);
  const auto errors =
      sink->Family("promhttp_metric_handler_errors_total",
                   "Total number of internal errors encountered by the promhttp metric handler.",
                   MetricSink::MetricType::kCounter);
  sink->Add(errors, {{"cause", "encoding"}},
            static_cast<double>(encoding_errors_.load(std::memory_order_relaxed)));
  sink->Add(errors, {{"cause", "gathering"}},
            static_cast<double>(gathering_errors_.load(std::memory_order_relaxed)));
}

void SelfMetrics::EndScrape(int status) {
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  auto& counter = status == 200   ? code_200_
                  : status == 503 ? code_503_
                  : status < 500  ? code_400_
                                  : code_500_;
  counter.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace vigil::toolkit

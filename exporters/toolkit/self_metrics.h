// SPDX-License-Identifier: Apache-2.0
// Metrics of the process itself, with client_golang's names: process_*, <program>_build_info and
// promhttp_metric_handler_*.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "exporters/toolkit/metric_sink.h"

namespace vigil::toolkit {

// Threads: any.
class SelfMetrics {
 public:
  // program: "node_exporter" gives node_exporter_build_info.
  explicit SelfMetrics(std::string program, std::string proc_root = "/proc");

  // All of them into the sink.
  void Collect(MetricSink* sink) const;
  void CollectBuildInfo(MetricSink* sink) const;
  void CollectProcess(MetricSink* sink) const;
  void CollectHandler(MetricSink* sink) const;

  // The handler's bookkeeping around one scrape.
  void BeginScrape() { in_flight_.fetch_add(1, std::memory_order_relaxed); }
  void EndScrape(int status);
  void CountGatheringErrors(uint64_t count) {
    gathering_errors_.fetch_add(count, std::memory_order_relaxed);
  }
  // In-flight scrapes, this one included.
  [[nodiscard]] int64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  std::string program_;
  std::string proc_root_;
  std::atomic<int64_t> in_flight_{0};
  std::atomic<uint64_t> code_200_{0}, code_400_{0}, code_500_{0}, code_503_{0};
  std::atomic<uint64_t> gathering_errors_{0}, encoding_errors_{0};
};

}  // namespace vigil::toolkit

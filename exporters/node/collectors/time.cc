// SPDX-License-Identifier: Apache-2.0
// The system's clock, its zone and its clock sources.
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/files.h"
#include "exporters/node/collectors/list.h"
#include "exporters/node/text_scan.h"

namespace vigil::node {
namespace {

class TimeCollector : public Collector {
 public:
  Result<void> Update(const Roots& roots, toolkit::MetricSink& sink) override {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm local{};
    localtime_r(&now.tv_sec, &local);
    sink.Gauge("node_time_seconds", "System time in seconds since epoch (1970).",
               static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9);
    sink.Gauge("node_time_zone_offset_seconds", "System time zone offset in seconds.",
               static_cast<double>(local.tm_gmtoff), {{"time_zone", local.tm_zone}});
    return AddClocksources(roots, sink);
  }

 private:
  static Result<void> AddClocksources(const Roots& roots, toolkit::MetricSink& sink) {
    const std::string base = roots.Sys("devices/system/clocksource");
    constexpr std::string_view kPrefix = "clocksource";
    const auto available =
        sink.Family("node_time_clocksource_available_info",
                    "Available clocksources read from '/sys/devices/system/clocksource'.",
                    toolkit::MetricSink::MetricType::kGauge);
    const auto current =
        sink.Family("node_time_clocksource_current_info",
                    "Current clocksource read from '/sys/devices/system/clocksource'.",
                    toolkit::MetricSink::MetricType::kGauge);
    for (const std::string& entry : TRY(ListDirectory(base))) {
      if (!entry.starts_with(kPrefix)) continue;
      const std::string_view device = std::string_view(entry).substr(kPrefix.size());
      const std::string names = TRY(ReadTrimmed(base + "/" + entry + "/available_clocksource"));
      FieldScanner fields(names);
      std::string_view name;
      while (fields.Next(&name)) {
        sink.Add(available, {{"device", device}, {"clocksource", name}}, 1);
      }
      const std::string used = TRY(ReadTrimmed(base + "/" + entry + "/current_clocksource"));
      sink.Add(current, {{"device", device}, {"clocksource", used}}, 1);
    }
    return Ok();
  }
};

}  // namespace

std::unique_ptr<Collector> Make_time() { return std::make_unique<TimeCollector>(); }

}  // namespace vigil::node

// SPDX-License-Identifier: Apache-2.0
// Load averages from /proc/loadavg.
#include "exporters/node/parse/loadavg.h"

#include <array>
#include <memory>
#include <string>

#include "client-lib/base/files.h"
#include "exporters/node/collectors/list.h"

namespace vigil::node {
namespace {

class LoadavgCollector : public Collector {
 public:
  Result<void> Update(const Roots& roots, toolkit::MetricSink& sink) override {
    TRY(ReadFileInto(roots.Proc("loadavg"), &buffer_));
    const std::array<double, 3> loads = TRY(ParseLoadavg(buffer_));
    sink.Gauge("node_load1", "1m load average.", loads[0]);
    sink.Gauge("node_load5", "5m load average.", loads[1]);
    sink.Gauge("node_load15", "15m load average.", loads[2]);
    return Ok();
  }

 private:
  std::string buffer_;
};

}  // namespace

std::unique_ptr<Collector> Make_loadavg() { return std::make_unique<LoadavgCollector>(); }

}  // namespace vigil::node

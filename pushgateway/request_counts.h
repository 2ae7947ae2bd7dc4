// SPDX-License-Identifier: Apache-2.0
// The gateway's own counters of requests and pushes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "client-lib/base/mutex.h"
#include "exporters/toolkit/metric_sink.h"

namespace vigil::pushgateway {

// Threads: any.
class RequestCounts {
 public:
  // handler: "push", "delete", ...; method in lower case.
  void Count(std::string_view handler, std::string_view method, int status);
  void CountPush(std::string_view method, double seconds, size_t bytes);
  void Collect(toolkit::MetricSink* sink) const;

 private:
  struct Pushes {
    uint64_t count = 0;
    double seconds = 0;
    double bytes = 0;
  };
  struct Tables {
    std::map<std::tuple<std::string, std::string, int>, uint64_t> requests;
    std::map<std::string, Pushes> pushes;  // by method
  };
  Guarded<Tables> tables_;
};

}  // namespace vigil::pushgateway

// SPDX-License-Identifier: Apache-2.0
// Metrics without labels as rows of a table: most of the server's own figures.
#pragma once

#include <span>
#include <string_view>

#include "client-lib/base/clock.h"
#include "exporters/toolkit/metric_sink.h"

namespace vigil::server {

struct Row {
  std::string_view name;
  std::string_view help;
  toolkit::MetricSink::MetricType type;
  double value;
};

inline void AddRows(std::span<const Row> rows, toolkit::MetricSink* sink) {
  for (const Row& row : rows) sink->Add(sink->Family(row.name, row.help, row.type), row.value);
}

template <typename Number>
double AsDouble(Number number) {
  return static_cast<double>(number);
}

inline double Seconds(TimestampMs ms) { return AsDouble(ms) / 1000; }

}  // namespace vigil::server

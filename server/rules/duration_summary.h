// SPDX-License-Identifier: Apache-2.0
// Durations as Prometheus's summaries show them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "client-lib/base/mutex.h"

namespace vigil::rules {

// Count and sum of all that was observed; quantiles of the newest 1024 values.
// Threads: any.
class DurationSummary {
 public:
  static constexpr std::array<double, 5> kQuantiles = {0.01, 0.05, 0.5, 0.9, 0.99};

  struct View {
    uint64_t count = 0;
    double sum = 0;
    std::array<double, kQuantiles.size()> quantiles{};  // NaN when nothing was observed
  };

  void Observe(double seconds);
  [[nodiscard]] View Read() const;

 private:
  struct State {
    uint64_t count = 0;
    double sum = 0;
    std::vector<double> newest;  // a ring, once it is full
  };
  Guarded<State> state_;
};

}  // namespace vigil::rules

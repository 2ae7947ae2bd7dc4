// SPDX-License-Identifier: Apache-2.0
// CPU times that never go back, made from a kernel's that sometimes do.
#pragma once

#include <cstdint>
#include <vector>

#include "exporters/node/parse/proc_stat.h"

namespace vigil::node {

// The kernel's idle and iowait counters can step back a little from one reading to the next, which
// would look like a counter reset. Each column keeps its highest value; when idle falls by 3 s or
// more the CPU was taken away and came back, and all of its columns start anew.
// Threads: one at a time.
class CpuCounters {
 public:
  // CPUs that are missing from the reading are forgotten.
  void Advance(const std::vector<CpuTimes>& reading);
  [[nodiscard]] const std::vector<CpuTimes>& cpus() const { return cpus_; }

 private:
  std::vector<CpuTimes> cpus_;
  std::vector<CpuTimes> next_;
};

}  // namespace vigil::node

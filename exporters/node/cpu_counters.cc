// SPDX-License-Identifier: Apache-2.0
// Keeping CPU counters monotonic.
#include "exporters/node/cpu_counters.h"

#include <algorithm>

namespace vigil::node {
namespace {

constexpr uint64_t kJumpBackTicks = 300;

}  // namespace

void CpuCounters::Advance(const std::vector<CpuTimes>& reading) {
  next_.assign(reading.begin(), reading.end());
  for (size_t i = 0; i < next_.size(); ++i) {
    CpuTimes& now = next_[i];
    // The order of the lines hardly ever changes: the old entry is at the same place.
    auto old = i < cpus_.size() && cpus_[i].cpu == now.cpu
                   ? cpus_.begin() + static_cast<std::ptrdiff_t>(i)
                   : std::ranges::find(cpus_, now.cpu, &CpuTimes::cpu);
    if (old == cpus_.end() || old->ticks[kIdle] >= now.ticks[kIdle] + kJumpBackTicks) continue;
    for (size_t mode = 0; mode < kCpuModes; ++mode) {
      now.ticks[mode] = std::max(now.ticks[mode], old->ticks[mode]);
    }
  }
  cpus_.swap(next_);
}

}  // namespace vigil::node

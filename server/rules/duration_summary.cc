// SPDX-License-Identifier: Apache-2.0
#include "server/rules/duration_summary.h"

#include <algorithm>
#include <limits>

namespace vigil::rules {
namespace {

constexpr size_t kRingSize = 1024;

}  // namespace

void DurationSummary::Observe(double seconds) {
  state_.With([&](State& state) {
    if (state.newest.size() < kRingSize) {
      state.newest.push_back(seconds);
    } else {
      state.newest[state.count % kRingSize] = seconds;
    }
    ++state.count;
    state.sum += seconds;
  });
}

DurationSummary::View DurationSummary::Read() const {
  State state = state_.Copy();
  View view{state.count, state.sum, {}};
  view.quantiles.fill(std::numeric_limits<double>::quiet_NaN());
  if (state.newest.empty()) return view;
  std::sort(state.newest.begin(), state.newest.end());
  for (size_t i = 0; i < kQuantiles.size(); ++i) {
    const double place = kQuantiles[i] * static_cast<double>(state.newest.size());
    view.quantiles[i] = state.newest[std::min(static_cast<size_t>(place), state.newest.size() - 1)];
  }
  return view;
}

}  // namespace vigil::rules

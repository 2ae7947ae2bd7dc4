// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/narrow_band.h"

namespace vigil::chunks {

double NarrowBand::Steepness(size_t from, size_t to) const {
  return static_cast<double>(integers_[to] - integers_[from]) / static_cast<double>(to - from);
}

void NarrowBand::FindHull(bool upper, std::vector<uint32_t>* hull) const {
  hull->clear();
  for (size_t i = 0; i < integers_.size(); ++i) {
    while (hull->size() >= 2) {
      const size_t last = hull->back();
      const double to_last = Steepness((*hull)[hull->size() - 2], last);
      const double on = Steepness(last, i);
      if (upper ? on < to_last : on > to_last) break;
      hull->pop_back();
    }
    hull->push_back(static_cast<uint32_t>(i));
  }
}

// The band of a slope touches the upper hull at one item and the lower one at another. From a steep
// slope downwards the former moves right and the latter left; where they pass each other the band
// is the narrowest.
double NarrowBand::Slope(std::span<const int64_t> integers) {
  integers_ = integers;
  FindHull(true, &upper_);
  FindHull(false, &lower_);
  size_t above = 0;
  size_t below = lower_.size() - 1;
  double slope = 0;
  while (upper_[above] < lower_[below]) {  // so neither is at its end
    const double next_above = Steepness(upper_[above], upper_[above + 1]);
    const double next_below = Steepness(lower_[below - 1], lower_[below]);
    if (next_above >= next_below) {
      slope = next_above;
      ++above;
    } else {
      slope = next_below;
      --below;
    }
  }
  return slope;
}

}  // namespace vigil::chunks

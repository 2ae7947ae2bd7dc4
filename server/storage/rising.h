// SPDX-License-Identifier: Apache-2.0
// Puts samples that were read from several places into one order.
#pragma once

#include <cstddef>

#include "client-lib/model/sample.h"

namespace vigil::storage {

// How long the columns were at some moment.
struct ColumnsMark {
  explicit ColumnsMark(const SampleColumns& columns)
      : floats(columns.timestamps.size()), histograms(columns.histograms.size()) {}
  [[nodiscard]] bool Grew(const SampleColumns& columns) const {
    return columns.timestamps.size() > floats || columns.histograms.size() > histograms;
  }
  size_t floats;
  size_t histograms;
};

// Makes what was added since `begin` strictly rising; costs little when it is already. Of samples
// with one timestamp the first added stays, of a float and a histogram the float.
void MakeRising(const ColumnsMark& begin, SampleColumns* samples);

}  // namespace vigil::storage

// SPDX-License-Identifier: Apache-2.0
// One line of a script: a metric and the values of its samples, `foo{a="b"} 1 2+1x3 _ stale`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"

namespace vigil::tests {

struct SeriesValue {
  enum class Kind { kOmitted, kFloat, kHistogram };
  Kind kind = Kind::kFloat;
  double value = 0;
};

struct SeriesLine {
  Labels labels;
  std::vector<SeriesValue> values;
  // `foo@st -1m`: start timestamps of the next line's samples; values is empty.
  bool start_timestamps = false;

  [[nodiscard]] bool HasHistograms() const;
};

Result<SeriesLine> ParseSeriesLine(std::string_view line);

}  // namespace vigil::tests

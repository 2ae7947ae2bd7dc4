// SPDX-License-Identifier: Apache-2.0
// A series as test scripts and unit tests of rules write it: a metric and the values of its
// samples, `foo{a="b"} 1 2+1x3 _ stale {{count:2 sum:3}}+{{count:1 sum:1}}x4`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/histogram.h"
#include "client-lib/model/labels.h"

namespace vigil::promql {

struct SeriesValue {
  enum class Kind { kOmitted, kFloat, kHistogram };
  Kind kind = Kind::kFloat;
  double value = 0;
  HistogramPtr histogram;
  // The histogram's counter reset hint was written out.
  bool hint_set = false;
};

struct SeriesLine {
  Labels labels;
  std::vector<SeriesValue> values;
  // `foo@st -1mx4 _`: since when the next line's samples have counted, relative to their times.
  // values is empty then. Of the line itself once it is joined with the next one.
  bool start_timestamps = false;
  std::vector<std::optional<DurationMs>> starts;
};

// bad_data with upstream's texts: `1:6: parse error: unexpected identifier "b" in series values,
// ...`.
Result<SeriesLine> ParseSeriesLine(std::string_view line);

// One histogram, `{{schema:0 count:3 buckets:[1 2]}}`.
Result<HistogramPtr> ParseHistogramValue(std::string_view text);

}  // namespace vigil::promql

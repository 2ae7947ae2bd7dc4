// SPDX-License-Identifier: Apache-2.0
// Native histograms as scripts write them: {{schema:1 sum:5 count:4 buckets:[1 2 1]}}.
#pragma once

#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/model/histogram.h"

namespace vigil::promql {

struct HistogramLiteral {
  Histogram histogram;
  // counter_reset_hint was written: a result is compared with it.
  bool hint_set = false;
};

// `text` is what stands between {{ and }}.
Result<HistogramLiteral> ParseHistogramLiteral(std::string_view text);

}  // namespace vigil::promql

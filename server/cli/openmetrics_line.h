// SPDX-License-Identifier: Apache-2.0
// A sample line of OpenMetrics text with its timestamp, as an import reads it.
#pragma once

#include <optional>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/model/sample.h"

namespace vigil::cli {

enum class TimeUnit {
  kSeconds,       // OpenMetrics: 1700000000.123
  kMilliseconds,  // the text format 0.0.4
};

struct ImportSample {
  std::string_view series;  // name and labels as they stand in the line
  double value = 0;
  TimestampMs timestamp = 0;
};

// Nothing for a comment or a blank line. An exemplar behind the sample is left out. bad_data when
// the line is no sample or has no timestamp; the text of the series itself is not checked here.
Result<std::optional<ImportSample>> ReadImportLine(std::string_view line, TimeUnit unit);

}  // namespace vigil::cli

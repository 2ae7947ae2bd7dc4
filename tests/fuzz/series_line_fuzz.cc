// SPDX-License-Identifier: Apache-2.0
// Feeds lines to the reader of series: what it takes is no more than it promises, and histograms
// can be written and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/model/histogram_text.h"
#include "server/promql/series_line.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  // Long repetitions cost time and show nothing new.
  if (size > 200) return 0;
  const std::string_view line(reinterpret_cast<const char*>(input), size);
  const auto series = vigil::promql::ParseSeriesLine(line);
  if (!series) return 0;
  CHECK(!series->start_timestamps || series->values.empty());
  for (const vigil::promql::SeriesValue& value : series->values) {
    using Kind = vigil::promql::SeriesValue::Kind;
    CHECK((value.kind == Kind::kHistogram) == (value.histogram != nullptr));
  }
  if (series->values.size() != 1 || series->values[0].histogram == nullptr) return 0;
  const std::string text = vigil::HistogramTestText(*series->values[0].histogram);
  const auto again = vigil::promql::ParseHistogramValue(text);
  // Places of buckets may be beyond what may be written.
  CHECK(!again.has_value() || vigil::HistogramTestText(**again) == text);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A page as metric families: what the pushgateway stores and the textfile collector passes on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/exposition/text_reader.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"

namespace vigil::exposition {

// One sample of a family.
struct Point {
  // "", or of histograms and summaries "_bucket", "_sum", "_count": a literal, lives for ever.
  std::string_view suffix;
  Labels labels;  // without __name__
  // Labels given with an empty value. They make no other series, but instance="" on a page keeps
  // the scraper from adding its own instance.
  std::vector<std::string> empty_labels;
  double value = 0;
  std::optional<TimestampMs> timestamp;
};

struct Family {
  std::string name;
  std::string help;  // without escapes
  MetricType type = MetricType::kUnknown;
  bool has_help = false;  // a HELP line was there, may be empty
  std::vector<Point> points;
};

// The families in the order of their first line; those without samples are left out. bad_data with
// the line: what the reader refuses, and also a second TYPE or HELP of a family, a TYPE behind the
// family's first sample, the same series twice, a sample that does not fit its histogram or summary
// and an `le` or `quantile` that is no number.
Result<std::vector<Family>> ParseFamilies(std::string_view page);

}  // namespace vigil::exposition

// SPDX-License-Identifier: Apache-2.0
// From the text of a line to the labels of its series: what happens once per new line.
#pragma once

#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/exposition/text_reader.h"
#include "client-lib/model/labels.h"
#include "server/config/scrape_config.h"

namespace vigil::scrape {

// Reads the series, joins it with the target's labels (honor_labels), relabels and checks it.
// *out is replaced. False: relabelling dropped the series. bad_data: not readable, no name, a name
// that is not allowed, a label limit: the whole scrape fails then. family is the type that the
// page has declared last.
Result<bool> MakeSeriesLabels(std::string_view series, exposition::MetricType family,
                              const Labels& target, const config::ScrapeConfig& job,
                              LabelsBuilder* out);

// Separately for tests. Exposed labels that the target has, too, become exported_<name>; with
// honor the exposed ones win, and one exposed as empty removes the target's.
void JoinTargetLabels(std::string_view series, const Labels& target, bool honor,
                      LabelsBuilder* labels);
// "1" -> "1.0", "1e3" -> "1000.0": so that le="1" and le="1.0" are one series. Other text stays.
std::string NormalizedFloat(std::string_view text);

}  // namespace vigil::scrape

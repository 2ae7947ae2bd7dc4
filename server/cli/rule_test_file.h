// SPDX-License-Identifier: Apache-2.0
// Unit tests of rules as a file holds them, in promtool's format.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/model/duration.h"

namespace vigil::cli {

using LabelTexts = std::map<std::string, std::string>;

// Both as written; together a line of server/promql/series_line.h.
struct InputSeries {
  std::string series;
  std::string values;
};

struct ExpectedAlert {
  LabelTexts labels;  // without alertname
  LabelTexts annotations;
};

// Which alerts of one name fire at a time.
struct AlertCase {
  DurationMs eval_time = 0;
  std::string alertname;
  std::vector<ExpectedAlert> alerts;
};

struct ExpectedSample {
  std::string labels;  // as written: a metric
  double value = 0;
  std::string histogram;  // as written; not empty: instead of the value
};

// What an expression gives at a time.
struct ExprCase {
  std::string expr;
  DurationMs eval_time = 0;
  std::vector<ExpectedSample> samples;
};

struct RuleTest {
  std::string name;
  DurationMs interval = 0;  // of the input series; 0: that of the evaluations
  TimestampMs start = 0;    // what eval_time counts from
  std::vector<InputSeries> input_series;
  std::vector<AlertCase> alert_cases;
  std::vector<ExprCase> expr_cases;
  LabelTexts external_labels;
  std::string external_url;

  // The last eval_time.
  [[nodiscard]] DurationMs Length() const;
};

struct RuleTestFile {
  std::vector<std::string> rule_files;  // globs, as written
  DurationMs evaluation_interval = 0;   // 0: not said
  std::vector<std::string> group_eval_order;
  bool fuzzy_compare = false;
  std::vector<RuleTest> tests;
};

// Strict: what is wrong comes as `tests.yml:3:5: ...`; unknown keys may be let pass.
Result<RuleTestFile> ParseRuleTests(std::string_view text, const std::string& filename,
                                    bool ignore_unknown_fields = false);

}  // namespace vigil::cli

// SPDX-License-Identifier: Apache-2.0
#include "server/cli/check_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <utility>

#include "client-lib/exposition/families.h"
#include "server/cli/command.h"
#include "server/cli/metric_lint.h"

namespace vigil::cli {
namespace {

using CardinalityRow = std::array<std::string, 3>;

// Columns as wide as their widest cell and four blanks.
std::string AlignedRows(const std::vector<CardinalityRow>& rows) {
  std::array<size_t, 3> widths{};
  for (const CardinalityRow& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + 4);
  }
  std::string out;
  for (const CardinalityRow& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) out += fmt::format("{:<{}}", row[i], widths[i]);
    out += '\n';
  }
  return out;
}

std::string CardinalityTable(std::vector<exposition::Family> families) {
  std::stable_sort(families.begin(), families.end(),
                   [](const auto& a, const auto& b) { return a.points.size() > b.points.size(); });
  size_t total = 0;
  for (const exposition::Family& family : families) total += family.points.size();
  std::vector<CardinalityRow> rows = {{"Metric", "Cardinality", "Percentage"}};
  for (const exposition::Family& family : families) {
    const double share =
        static_cast<double>(family.points.size()) / static_cast<double>(total) * 100;
    rows.push_back(
        {family.name, std::to_string(family.points.size()), fmt::format("{:.2f}%", share)});
  }
  rows.push_back({"Total", std::to_string(total), "100%"});
  return AlignedRows(rows);
}

}  // namespace

MetricsReport CheckMetricsPage(std::string_view page, bool lint, bool extended) {
  MetricsReport report;
  Result<std::vector<exposition::Family>> families = exposition::ParseFamilies(page);
  if (!families) {
    report.err = "error while linting: " + families.error().message + "\n";
    report.code = 1;
    return report;
  }
  if (lint) {
    for (const MetricProblem& problem : LintMetrics(*families)) {
      report.err += problem.metric + " " + problem.text + "\n";
    }
  }
  if (!report.err.empty()) {
    report.code = 3;
  } else if (extended) {
    report.out = CardinalityTable(*std::move(families));
  }
  return report;
}

int RunCheckMetrics(const std::vector<std::string>& args) {
  bool extended = false;
  std::string lint = "all";
  toolkit::FlagSet flags("vigilctl check metrics",
                         "Pass Prometheus metrics over stdin to lint them for consistency and "
                         "correctness: curl -s http://localhost:9090/metrics | vigilctl check "
                         "metrics");
  flags.Bool("extended", "Print extended information related to the cardinality of the metrics.",
             &extended);
  flags.Enum("lint", "Linting checks to apply for metrics.", {"all", "none"}, &lint);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  const std::string page(std::istreambuf_iterator<char>(std::cin), {});
  const MetricsReport report = CheckMetricsPage(page, lint == "all", extended);
  std::fputs(report.out.c_str(), stdout);
  std::fputs(report.err.c_str(), stderr);
  return report.code;
}

}  // namespace vigil::cli

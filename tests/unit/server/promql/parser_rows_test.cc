// SPDX-License-Identifier: Apache-2.0
// The rows of tests/scripts/promql_parser/*.txt: an expression and its canonical text or its error.
// With VIGIL_REBASELINE=1 in the environment the files are rewritten: read the diff.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "server/promql/parser.h"

namespace vigil::promql {
namespace {

constexpr std::string_view kSeparator = "  =>  ";

std::vector<std::filesystem::path> RowFiles() {
  std::vector<std::filesystem::path> files;
  const auto folder = std::filesystem::path(VIGIL_SOURCE_DIR) / "tests/scripts/promql_parser";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string Outcome(std::string_view text, const ParserOptions& options) {
  const Result<ExprPtr> expr = ParseExpr(text, options);
  if (!expr) return "! " + expr.error().message;
  const std::string printed = Print(**expr);
  const Result<ExprPtr> again = ParseExpr(printed, options);
  if (!again) return "does not parse again: " + printed + ": " + again.error().message;
  if (Print(**again) != printed) return "changes when printed again: " + printed;
  return printed;
}

// The line as it should be. Lines `%features all` and `%features none` switch the options.
std::string Actual(const std::string& line, ParserOptions* options) {
  if (line.starts_with("%features ")) {
    *options = line == "%features all" ? ParserOptions::EverythingOn() : ParserOptions{};
    if (line == "%features none") options->duration_expressions = false;
    return line;
  }
  const size_t separator = line.find(kSeparator);
  if (line.starts_with("# ") || separator == std::string::npos) return line;
  const std::string expr = line.substr(0, separator);
  return expr + std::string(kSeparator) + Outcome(expr, *options);
}

TEST(ParserRows, EachExpressionPrintsOrFailsAsWritten) {
  const bool rebaseline = std::getenv("VIGIL_REBASELINE") != nullptr;
  for (const std::filesystem::path& path : RowFiles()) {
    std::ifstream in(path);
    std::string rewritten;
    ParserOptions options = ParserOptions::EverythingOn();
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      const std::string actual = Actual(line, &options);
      rewritten += actual + "\n";
      if (!rebaseline) {
        EXPECT_EQ(actual, line) << path << ":" << number;
      }
    }
    EXPECT_GT(number, 0) << path;
    if (rebaseline) std::ofstream(path) << rewritten;
  }
}

}  // namespace
}  // namespace vigil::promql

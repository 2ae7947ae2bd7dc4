// SPDX-License-Identifier: Apache-2.0
// Completeness: what the tables name must occur in a script of tests/scripts/promql.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "server/promql/ast.h"
#include "server/promql/function_table.h"

namespace vigil::promql {
namespace {

// Every word of the scripts' eval lines that a parenthesis or a grouping may follow.
std::set<std::string> WordsOfScripts() {
  std::set<std::string> words;
  const auto folder = std::filesystem::path(VIGIL_SOURCE_DIR) / "tests/scripts/promql";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      if (!line.starts_with("eval")) continue;
      std::string word;
      for (const char c : line + " ") {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
          word += c;
        } else if (!word.empty()) {
          words.insert(std::exchange(word, {}));
        }
      }
    }
  }
  return words;
}

TEST(FunctionScripts, NameEveryFunction) {
  const std::set<std::string> words = WordsOfScripts();
  for (const FunctionRow* row : AllFunctions()) {
    EXPECT_TRUE(words.contains(std::string(row->name)))
        << row->name << " is in no tests/scripts/promql/*.test";
  }
}

TEST(FunctionScripts, NameEveryAggregation) {
  const std::set<std::string> words = WordsOfScripts();
  for (int op = 0; op <= static_cast<int>(AggregateOp::kLimitRatio); ++op) {
    const std::string name(AggregateOpText(static_cast<AggregateOp>(op)));
    EXPECT_TRUE(words.contains(name)) << name << " is in no tests/scripts/promql/*.test";
  }
}

}  // namespace
}  // namespace vigil::promql

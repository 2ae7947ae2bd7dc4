// SPDX-License-Identifier: Apache-2.0
#include "server/cli/promql_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <utility>

#include "client-lib/base/strings.h"
#include "server/cli/command.h"
#include "server/cli/features.h"
#include "server/cli/file_names.h"
#include "server/promql/ast.h"

namespace vigil::cli {
namespace {

using Change = std::function<void(promql::VectorSelector*)>;

// REQUIRES: the tree is the caller's own: nodes are only const because nobody else may change them.
void ForEachSelector(const promql::Expr& expr, const Change& change) {
  if (expr.kind == promql::NodeKind::kVectorSelector) {
    change(const_cast<promql::VectorSelector*>(static_cast<const promql::VectorSelector*>(&expr)));
    return;
  }
  promql::ForEachChild(expr,
                       [&change](const promql::Expr& child) { ForEachSelector(child, change); });
}

Result<std::string> Changed(std::string_view query, const promql::ParserOptions& options,
                            const Change& change) {
  const promql::ExprPtr expr = TRY(promql::ParseExpr(query, options));
  ForEachSelector(*expr, change);
  return promql::PrettyPrint(*expr);
}

int PrintResultText(const Result<std::string>& text) {
  if (!text) {
    std::fprintf(stderr, "%s\n", text.error().message.c_str());
    return 1;
  }
  std::printf("%s\n", text->c_str());
  return 0;
}

int NotExperimental() {
  std::fputs("This command is experimental and requires the --experimental flag to be set.\n",
             stderr);
  return 1;
}

constexpr std::array kMatchTypes = {MatchType::kEqual, MatchType::kNotEqual, MatchType::kRegexp,
                                    MatchType::kNotRegexp};

Result<Matcher> MatcherOf(const std::string& type, const std::string& name,
                          const std::string& value) {
  for (const MatchType one : kMatchTypes) {
    if (MatchTypeText(one) == type) return Matcher::Create(one, name, value);
  }
  return BadData("invalid label match type: " + type);
}

}  // namespace

Result<std::string> FormatQuery(std::string_view query, const promql::ParserOptions& options) {
  return Changed(query, options, [](promql::VectorSelector*) {});
}

Result<std::string> SetMatcher(std::string_view query, const Matcher& matcher,
                               const promql::ParserOptions& options) {
  const bool names = matcher.name() == kMetricName;
  const bool plain =
      names && matcher.type() == MatchType::kEqual && IsLegacyMetricName(matcher.value());
  return Changed(query, options, [&](promql::VectorSelector* selector) {
    // What stood in front of the braces is gone, or the new name stands there.
    if (names) selector->name = plain ? matcher.value() : "";
    bool found = false;
    for (Matcher& one : selector->matchers) {
      if (one.name() != matcher.name()) continue;
      one = matcher;
      found = true;
    }
    if (found) return;
    // The matcher of a name that stands in front is the last one.
    const auto end = selector->matchers.end() - (selector->name.empty() ? 0 : 1);
    selector->matchers.insert(end, matcher);
  });
}

Result<std::string> DeleteMatcher(std::string_view query, std::string_view name,
                                  const promql::ParserOptions& options) {
  return Changed(query, options, [name](promql::VectorSelector* selector) {
    std::vector<Matcher>& matchers = selector->matchers;
    if (name == kMetricName) selector->name.clear();
    matchers.erase(std::remove_if(matchers.begin(), matchers.end(),
                                  [&](const Matcher& one) { return one.name() == name; }),
                   matchers.end());
  });
}

int RunPromqlFormat(const std::vector<std::string>& args) {
  bool experimental = false;
  std::vector<std::string> features;
  std::vector<std::string> words;
  toolkit::FlagSet flags("vigilctl promql format", "Format PromQL query to pretty printed form.");
  flags.Bool("experimental", "Enable experimental commands.", &experimental);
  AddFeatureFlag(&flags, &features);
  flags.Arguments("query", "PromQL query.", &words);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (words.size() != 1) return UsageError("give one query");
  if (!experimental) return NotExperimental();
  return PrintResultText(FormatQuery(words[0], EngineWith(features).parser));
}

int RunPromqlLabelMatchers(const std::vector<std::string>& args) {
  bool experimental = false;
  std::string type = "=";
  std::vector<std::string> features;
  std::vector<std::string> words;
  toolkit::FlagSet flags("vigilctl promql label-matchers set|delete",
                         "Edit label matchers contained within an existing PromQL query: `set "
                         "QUERY NAME VALUE`, `delete QUERY NAME`.");
  flags.Bool("experimental", "Enable experimental commands.", &experimental);
  flags.String("type", "Type of the label matcher to set: =, !=, =~, !~.", &type).Short('t');
  AddFeatureFlag(&flags, &features);
  flags.Arguments("words", "set or delete, the query, the label's name and value.", &words);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  const bool set = words.size() == 4 && words[0] == "set";
  if (!set && !(words.size() == 3 && words[0] == "delete")) {
    return UsageError("give `set QUERY NAME VALUE` or `delete QUERY NAME`");
  }
  if (!experimental) return NotExperimental();
  const promql::ParserOptions options = EngineWith(features).parser;
  if (!set) return PrintResultText(DeleteMatcher(words[1], words[2], options));
  const Result<Matcher> matcher = MatcherOf(type, words[2], words[3]);
  if (!matcher) return PrintResultText(matcher.error());
  return PrintResultText(SetMatcher(words[1], *matcher, options));
}

}  // namespace vigil::cli

// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/matcher_parser.h"

#include <fmt/format.h>

#include "client-lib/base/strings.h"

namespace vigil::alerting {
namespace {

std::string Suggestion(const LabelMatchers& matchers) {
  std::string out;
  for (const LabelMatcher& matcher : matchers) {
    if (!out.empty()) out += ',';
    out += matcher.ToString();
  }
  return out;
}

Result<LabelMatchers> AsList(Result<LabelMatcher> one) {
  if (!one) return std::move(one).error();
  return LabelMatchers{*std::move(one)};
}

Result<LabelMatchers> ExpectOne(Result<LabelMatchers> list) {
  if (!list || list->size() == 1) return list;
  if (list->empty()) return BadData("no matchers");
  return BadData(fmt::format("expected 1 matcher, found {}", list->size()));
}

}  // namespace

bool MatcherParser::IsLabelName(std::string_view name) const {
  return mode_ == MatcherMode::kClassic ? IsLegacyLabelName(name) : IsUtf8Name(name);
}

Result<LabelMatchers> MatcherParser::Fallback(std::string_view input,
                                              const Result<LabelMatchers>& utf8,
                                              const Result<LabelMatchers>& classic) {
  if (!utf8) {
    if (!classic) return classic.error();
    warnings_.push_back(
        fmt::format("matchers {} are incompatible with the UTF-8 parser ({}) and are read by the "
                    "classic one: quote all values and regular expressions, as in {}",
                    Quote(input), utf8.error().message, Quote(Suggestion(*classic))));
    return *classic;
  }
  if (classic && !(*utf8 == *classic)) {
    warnings_.push_back(
        fmt::format("matchers {} mean {} to the classic parser and {} to the UTF-8 parser: the "
                    "classic meaning is used",
                    Quote(input), Quote(Suggestion(*classic)), Quote(Suggestion(*utf8))));
    return *classic;
  }
  return *utf8;
}

Result<LabelMatchers> MatcherParser::ParseList(std::string_view input) {
  switch (mode_) {
    case MatcherMode::kClassic:
      return ParseClassicMatchers(input);
    case MatcherMode::kUtf8:
      return ParseUtf8Matchers(input);
    case MatcherMode::kFallback:
      break;
  }
  return Fallback(input, ParseUtf8Matchers(input), ParseClassicMatchers(input));
}

Result<LabelMatcher> MatcherParser::ParseOne(std::string_view input) {
  if (mode_ == MatcherMode::kClassic) return ParseClassicMatcher(input);
  if (input.starts_with('{') || input.ends_with('}')) {
    return BadData(fmt::format("unexpected open or close brace: {}", input));
  }
  Result<LabelMatchers> utf8 = ExpectOne(ParseUtf8Matchers(input));
  LabelMatchers matchers;
  if (mode_ == MatcherMode::kUtf8) {
    matchers = TRY(std::move(utf8));
  } else {
    matchers = TRY(Fallback(input, utf8, AsList(ParseClassicMatcher(input))));
  }
  return std::move(matchers.front());
}

}  // namespace vigil::alerting

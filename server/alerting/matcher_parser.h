// SPDX-License-Identifier: Apache-2.0
// The two languages of matchers and the rules for choosing between them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/alerting/label_matcher.h"

namespace vigil::alerting {

enum class MatcherMode {
  kFallback,  // both; what only the classic parser takes is classic, with a warning
  kUtf8,      // utf8-strict-mode
  kClassic,   // classic-mode
};

// Threads: any (const after construction but for `warnings`, which has one owner).
class MatcherParser {
 public:
  explicit MatcherParser(MatcherMode mode = MatcherMode::kFallback) : mode_(mode) {}

  // `a="b", c!~d`, braces around it or not. bad_data.
  Result<LabelMatchers> ParseList(std::string_view input);
  // Exactly one, as filters of the API are: no braces. bad_data.
  Result<LabelMatcher> ParseOne(std::string_view input);
  // What names may be: classic ones, or any UTF-8.
  [[nodiscard]] bool IsLabelName(std::string_view name) const;

  [[nodiscard]] MatcherMode mode() const { return mode_; }
  // One sentence for each input that the two languages see differently.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  Result<LabelMatchers> Fallback(std::string_view input, const Result<LabelMatchers>& utf8,
                                 const Result<LabelMatchers>& classic);

  MatcherMode mode_;
  std::vector<std::string> warnings_;
};

// The classic language alone: names [a-zA-Z_:][a-zA-Z0-9_:]*, values with or without quotes, braces
// trimmed at each end on its own.
Result<LabelMatchers> ParseClassicMatchers(std::string_view input);
Result<LabelMatcher> ParseClassicMatcher(std::string_view input);
// The UTF-8 language alone: names and values as Go literals or runs of unreserved characters.
Result<LabelMatchers> ParseUtf8Matchers(std::string_view input);

}  // namespace vigil::alerting

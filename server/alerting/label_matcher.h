// SPDX-License-Identifier: Apache-2.0
// A condition on one label as routes, inhibition rules, silences and API filters have it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/matcher.h"

namespace vigil::alerting {

// Differs from the matchers of PromQL in two things: regular expressions are anchored as
// ^(?:...)$, so that a dot takes no newline, and the printed form, which enters group keys.
// Copies are cheap. Threads: any (immutable).
class LabelMatcher {
 public:
  // bad_data when the regular expression does not compile.
  static Result<LabelMatcher> Create(MatchType type, std::string_view name, std::string_view value);

  [[nodiscard]] MatchType type() const { return type_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& value() const { return value_; }
  [[nodiscard]] bool MatchesValue(std::string_view value) const;
  // A missing label is an empty value.
  [[nodiscard]] bool Matches(const Labels& labels) const { return MatchesValue(labels.Get(name_)); }
  // Exactly these values match (sorted): of a regular expression that lists texts. Empty when
  // others may match as well.
  [[nodiscard]] std::vector<std::string> Alternatives() const;
  // Every value that matches begins with one of these, none of them empty; nothing when that is not
  // known.
  [[nodiscard]] std::vector<std::string> Prefixes() const;
  // name="value"; a name with reserved characters is quoted as Go does.
  [[nodiscard]] std::string ToString() const;

  bool operator==(const LabelMatcher& other) const {
    return type_ == other.type_ && name_ == other.name_ && value_ == other.value_;
  }
  // By name, then value, then type: upstream's order.
  bool operator<(const LabelMatcher& other) const;

 private:
  LabelMatcher(MatchType type, std::string_view name, std::string_view value)
      : type_(type), name_(name), value_(value) {}

  MatchType type_;
  std::string name_;
  std::string value_;
  std::optional<Regexp> regexp_;
  // Without dot-takes-newline: only there when the expression has a dot, only asked when the text
  // has a newline.
  std::optional<Regexp> strict_;
};

using LabelMatchers = std::vector<LabelMatcher>;

// All of them; no matcher matches everything.
bool MatchesLabels(const LabelMatchers& matchers, const Labels& labels);
// {a="b",c=~"d"}
std::string ToString(const LabelMatchers& matchers);

// Whitespace and the characters that have a meaning in matchers.
bool IsReservedInMatchers(std::string_view character);

}  // namespace vigil::alerting

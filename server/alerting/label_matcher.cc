// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/label_matcher.h"

#include <algorithm>
#include <tuple>

#include "client-lib/base/strings.h"
#include "server/alerting/utf8_text.h"

namespace vigil::alerting {
namespace {

void AppendOpenMetricsEscaped(std::string_view text, std::string* out) {
  for (char c : text) {
    if (c == '\\') {
      *out += "\\\\";
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '"') {
      *out += "\\\"";
    } else {
      *out += c;
    }
  }
}

bool NameNeedsQuotes(std::string_view name) {
  while (!name.empty()) {
    const size_t size = RuneSize(name);
    if (IsReservedInMatchers(name.substr(0, size))) return true;
    name.remove_prefix(size);
  }
  return false;
}

}  // namespace

bool IsReservedInMatchers(std::string_view character) {
  return IsUnicodeSpace(character) ||
         (character.size() == 1 &&
          std::string_view("{}!=~,\\\"'`").find(character[0]) != std::string_view::npos);
}

Result<LabelMatcher> LabelMatcher::Create(MatchType type, std::string_view name,
                                          std::string_view value) {
  LabelMatcher matcher(type, name, value);
  if (type == MatchType::kRegexp || type == MatchType::kNotRegexp) {
    matcher.regexp_ = TRY(Regexp::Compile(value));
    if (value.find('.') != std::string_view::npos) {
      std::string strict = "(?-s:";
      strict.append(value).append(")");
      matcher.strict_ = TRY(Regexp::Compile(strict));
    }
  }
  return matcher;
}

bool LabelMatcher::MatchesValue(std::string_view value) const {
  const bool negative = type_ == MatchType::kNotEqual || type_ == MatchType::kNotRegexp;
  if (!regexp_) return (value == value_) != negative;
  const bool dots_matter = strict_ && value.find('\n') != std::string_view::npos;
  return (dots_matter ? *strict_ : *regexp_).Matches(value) != negative;
}

std::vector<std::string> LabelMatcher::Alternatives() const {
  if (type_ != MatchType::kRegexp) return {};
  return regexp_->literals();
}

std::vector<std::string> LabelMatcher::Prefixes() const {
  if (type_ != MatchType::kRegexp) return {};
  const std::vector<std::string>& prefixes = regexp_->prefixes();
  // They are sorted: an empty one is the first.
  if (prefixes.empty() || prefixes.front().empty()) return {};
  return prefixes;
}

std::string LabelMatcher::ToString() const {
  std::string out;
  if (NameNeedsQuotes(name_)) {
    out = Quote(name_);
    out.append(MatchTypeText(type_)).append(Quote(value_));
    return out;
  }
  out = name_;
  out.append(MatchTypeText(type_)).append("\"");
  AppendOpenMetricsEscaped(value_, &out);
  out += '"';
  return out;
}

bool LabelMatcher::operator<(const LabelMatcher& other) const {
  return std::tie(name_, value_, type_) < std::tie(other.name_, other.value_, other.type_);
}

bool MatchesLabels(const LabelMatchers& matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&](const LabelMatcher& matcher) { return matcher.Matches(labels); });
}

std::string ToString(const LabelMatchers& matchers) {
  std::string out = "{";
  for (const LabelMatcher& matcher : matchers) {
    if (out.size() > 1) out += ',';
    out += matcher.ToString();
  }
  return out + "}";
}

}  // namespace vigil::alerting

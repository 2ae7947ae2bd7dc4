// SPDX-License-Identifier: Apache-2.0
// The classic language of matchers: tolerant, names of the old form only.
#include <fmt/format.h>

#include <optional>

#include "client-lib/base/strings.h"
#include "server/alerting/matcher_parser.h"
#include "server/alerting/utf8_text.h"

namespace vigil::alerting {
namespace {

constexpr std::string_view kClassicBlanks = "\t\n\f\r ";

std::string_view SkipBlanks(std::string_view text) {
  const size_t start = text.find_first_not_of(kClassicBlanks);
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

// The three parts of a matcher as they are written.
struct ClassicParts {
  std::string_view name;
  MatchType type = MatchType::kEqual;
  std::string_view value;
};

std::optional<ClassicParts> SplitClassic(std::string_view text) {
  ClassicParts parts;
  text = SkipBlanks(text);
  size_t end = 0;
  while (end < text.size() && IsLegacyMetricName(text.substr(0, end + 1))) ++end;
  if (end == 0) return std::nullopt;
  parts.name = text.substr(0, end);
  text = SkipBlanks(text.substr(end));
  if (text.starts_with("=~")) {
    parts.type = MatchType::kRegexp;
  } else if (text.starts_with("!=")) {
    parts.type = MatchType::kNotEqual;
  } else if (text.starts_with("!~")) {
    parts.type = MatchType::kNotRegexp;
  } else if (!text.starts_with("=")) {
    return std::nullopt;
  }
  text = SkipBlanks(text.substr(parts.type == MatchType::kEqual ? 1 : 2));
  const size_t last = text.find_last_not_of(kClassicBlanks);
  parts.value = last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
  return parts;
}

// Escapes \" \n \\ ; any other backslash stands for itself. Nothing when a quote is open or stands
// in the middle.
std::optional<std::string> ClassicValue(std::string_view text) {
  const bool quoted = text.starts_with('"');
  if (quoted) text.remove_prefix(1);
  bool open = quoted;
  bool escaped = false;
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (escaped) {
      escaped = false;
      if (c == 'n') {
        value += '\n';
      } else {
        if (c != '"' && c != '\\') value += '\\';
        value += c;
      }
    } else if (c == '\\' && i + 1 < text.size()) {
      escaped = true;
    } else if (c == '"') {
      if (!open || i + 1 < text.size()) return std::nullopt;
      open = false;
    } else {
      value += c;
    }
  }
  if (open) return std::nullopt;
  return value;
}

}  // namespace

Result<LabelMatcher> ParseClassicMatcher(std::string_view input) {
  const std::optional<ClassicParts> parts = SplitClassic(input);
  if (!parts) return BadData(fmt::format("bad matcher format: {}", input));
  if (!IsValidUtf8(parts->value)) {
    return BadData(fmt::format("matcher value not valid UTF-8: {}", Quote(parts->value)));
  }
  const std::optional<std::string> value = ClassicValue(parts->value);
  if (!value) {
    return BadData(fmt::format("matcher value contains unescaped double quote: {}", parts->value));
  }
  return LabelMatcher::Create(parts->type, parts->name, *value);
}

Result<LabelMatchers> ParseClassicMatchers(std::string_view input) {
  if (input.starts_with('{')) input.remove_prefix(1);
  if (input.ends_with('}')) input.remove_suffix(1);
  std::vector<std::string_view> tokens;
  bool quoted = false;
  bool escaped = false;
  size_t start = 0;
  for (size_t i = 0; i < input.size(); ++i) {
    const char c = input[i];
    if (c == ',' && !quoted) {
      tokens.push_back(input.substr(start, i - start));
      start = i + 1;
    } else if (c == '"') {
      if (!escaped) quoted = !quoted;
      escaped = false;
    } else if (c == '\\') {
      escaped = !escaped;
    } else if (c != ',') {
      escaped = false;
    }
  }
  const std::string_view last = TrimUnicodeSpace(input.substr(start));
  if (!last.empty()) tokens.push_back(last);
  LabelMatchers matchers;
  for (const std::string_view token : tokens) matchers.push_back(TRY(ParseClassicMatcher(token)));
  return matchers;
}

}  // namespace vigil::alerting

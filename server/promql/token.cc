// SPDX-License-Identifier: Apache-2.0
#include "server/promql/token.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "client-lib/base/strings.h"
#include "server/promql/utf8.h"

namespace vigil::promql {
namespace {

using enum TokenKind;

// Sorted by word.
constexpr std::pair<std::string_view, TokenKind> kWords[] = {
    {"anchored", kAnchored},
    {"and", kAnd},
    {"atan2", kAtan2},
    {"avg", kAvg},
    {"bool", kBool},
    {"bottomk", kBottomk},
    {"by", kBy},
    {"count", kCount},
    {"count_values", kCountValues},
    {"end", kEndOf},
    {"fill", kFill},
    {"fill_left", kFillLeft},
    {"fill_right", kFillRight},
    {"group", kGroup},
    {"group_left", kGroupLeft},
    {"group_right", kGroupRight},
    {"ignoring", kIgnoring},
    {"inf", kNumber},
    {"limit_ratio", kLimitRatio},
    {"limitk", kLimitk},
    {"max", kMax},
    {"max_of", kMaxOf},
    {"min", kMin},
    {"min_of", kMinOf},
    {"nan", kNumber},
    {"offset", kOffset},
    {"on", kOn},
    {"or", kOr},
    {"quantile", kQuantile},
    {"range", kRange},
    {"smoothed", kSmoothed},
    {"start", kStart},
    {"stddev", kStddev},
    {"stdvar", kStdvar},
    {"step", kStep},
    {"sum", kSum},
    {"topk", kTopk},
    {"unless", kUnless},
    {"without", kWithout},
};
static_assert(std::ranges::is_sorted(kWords, {}, &std::pair<std::string_view, TokenKind>::first));

std::string_view Article(TokenKind kind) {
  switch (kind) {
    case kIdentifier:
      return "identifier ";
    case kMetricIdentifier:
      return "metric identifier ";
    case kString:
      return "string ";
    case kNumber:
      return "number ";
    case kDuration:
      return "duration ";
    default:
      return "";
  }
}

// The first ten characters only, so that a long literal does not drown the message.
std::string QuoteShort(std::string_view text) {
  if (text.size() <= 10) return Quote(text);
  size_t end = 0;
  for (int i = 0; i < 10 && end < text.size(); ++i) end += DecodeRune(text.substr(end)).size;
  return Quote(text.substr(0, end)) + "...";
}

int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

// The number of `digits` digits at text[*i], which moves behind them.
uint32_t TakeDigits(std::string_view text, size_t* i, int digits, uint32_t base) {
  uint32_t value = 0;
  for (int n = 0; n < digits && *i < text.size(); ++n, ++*i) {
    value = value * base + static_cast<uint32_t>(DigitValue(text[*i]));
  }
  return value;
}

// Resolves the escape whose character behind the backslash is text[*i].
void AppendEscape(std::string_view text, size_t* i, std::string* out) {
  constexpr std::string_view kNames = "abfnrtv";
  constexpr std::string_view kValues = "\a\b\f\n\r\t\v";
  const char c = text[*i];
  if (c >= '0' && c <= '7') {
    out->push_back(static_cast<char>(TakeDigits(text, i, 3, 8)));
    return;
  }
  ++*i;
  if (c == 'x') {
    out->push_back(static_cast<char>(TakeDigits(text, i, 2, 16)));
  } else if (c == 'u' || c == 'U') {
    AppendRune(static_cast<int32_t>(TakeDigits(text, i, c == 'u' ? 4 : 8, 16)), out);
  } else if (const size_t name = kNames.find(c); name != std::string_view::npos) {
    out->push_back(kValues[name]);
  } else {
    out->push_back(c);
  }
}

}  // namespace

TokenKind WordKind(std::string_view word) {
  const std::string lower = AsciiLower(word);
  const auto* found = std::ranges::lower_bound(kWords, std::string_view(lower), {},
                                               &std::pair<std::string_view, TokenKind>::first);
  if (found != std::end(kWords) && found->first == lower) return found->second;
  return word.find(':') == std::string_view::npos ? kIdentifier : kMetricIdentifier;
}

std::string DescribeToken(const Token& token) {
  if (token.kind == kEnd) return "end of input";
  if (token.kind == kIdentifier || token.kind == kMetricIdentifier) {
    return fmt::format("{}{}", Article(token.kind), Quote(token.text));
  }
  if (IsKeywordToken(token.kind)) return fmt::format("<{}>", token.text);
  if (IsOperatorToken(token.kind)) return fmt::format("<op:{}>", token.text);
  if (IsAggregatorToken(token.kind)) return fmt::format("<aggr:{}>", token.text);
  return fmt::format("{}{}", Article(token.kind), QuoteShort(token.text));
}

std::string QuoteRune(int32_t rune) {
  std::string text;
  AppendRune(rune, &text);
  if (rune == '\'') return "'\\''";
  if (rune == '"') return "'\"'";
  const std::string quoted = Quote(text);
  return fmt::format("'{}'", std::string_view(quoted).substr(1, quoted.size() - 2));
}

std::string NumberedRune(int32_t rune) {
  std::string text;
  AppendRune(rune, &text);
  if (rune < 0x20 || rune == 0x7f) return fmt::format("U+{:04X}", rune);
  return fmt::format("U+{:04X} '{}'", rune, text);
}

std::string Unquote(std::string_view text) {
  if (text.size() < 2) return {};
  const std::string_view body = text.substr(1, text.size() - 2);
  std::string out;
  if (text.front() == '`') {
    // Go drops carriage returns in raw strings.
    std::ranges::copy_if(body, std::back_inserter(out), [](char c) { return c != '\r'; });
    return out;
  }
  out.reserve(body.size());
  for (size_t i = 0; i < body.size();) {
    if (body[i] == '\\' && i + 1 < body.size()) {
      ++i;
      AppendEscape(body, &i, &out);
    } else {
      out.push_back(body[i++]);
    }
  }
  return out;
}

}  // namespace vigil::promql

// SPDX-License-Identifier: Apache-2.0
// The words of PromQL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/promql/ast.h"

namespace vigil::promql {

// Order matters: each group is a contiguous range, see the Is... functions.
enum class TokenKind : uint8_t {
  kEnd,
  kError,
  kIdentifier,
  kMetricIdentifier,  // contains a colon
  kString,            // quotes and escapes included
  kNumber,
  kDuration,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kAssign,  // =
  // Operators.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kTrimUpper,
  kTrimLower,
  kAnd,
  kOr,
  kUnless,
  kMatchRegexp,
  kMatchNotRegexp,
  kAt,
  // Aggregations, in the order of AggregateOp.
  kSum,
  kAvg,
  kMin,
  kMax,
  kCount,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kQuantile,
  kCountValues,
  kLimitk,
  kLimitRatio,
  // Keywords.
  kBool,
  kBy,
  kGroupLeft,
  kGroupRight,
  kIgnoring,
  kOffset,
  kOn,
  kWithout,
  kAnchored,
  kSmoothed,
  kFill,
  kFillLeft,
  kFillRight,
  // Names that are functions when a parenthesis follows.
  kStart,
  kEndOf,
  kStep,
  kRange,
  kMinOf,
  kMaxOf,
};

inline bool IsOperatorToken(TokenKind kind) {
  return kind >= TokenKind::kAdd && kind <= TokenKind::kAt;
}
inline bool IsAggregatorToken(TokenKind kind) {
  return kind >= TokenKind::kSum && kind <= TokenKind::kLimitRatio;
}
inline bool IsKeywordToken(TokenKind kind) {
  return kind >= TokenKind::kBool && kind <= TokenKind::kFillRight;
}

struct Token {
  TokenKind kind = TokenKind::kEnd;
  size_t pos = 0;
  std::string_view text;  // points into the query

  [[nodiscard]] size_t end() const { return pos + text.size(); }
};

// The token of a word in any case: a keyword, an aggregation, an operator, a number (inf, nan), or
// an identifier.
TokenKind WordKind(std::string_view word);

// As parse errors name it: `identifier "foo"`, `<op:+>`, `end of input`.
std::string DescribeToken(const Token& token);

// 'x' and U+0041 'A' as Go's %q and %#U print a character.
std::string QuoteRune(int32_t rune);
std::string NumberedRune(int32_t rune);

// The value of a string token: quotes removed, escapes resolved.
// REQUIRES: the text came out of the lexer.
std::string Unquote(std::string_view text);

}  // namespace vigil::promql

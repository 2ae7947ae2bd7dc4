// SPDX-License-Identifier: Apache-2.0
// Expressions and their leaves; precedence climbing.
#include "server/promql/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/float_text.h"
#include "server/promql/parser_core.h"
#include "server/promql/type_check.h"

namespace vigil::promql {
namespace {

constexpr int kLowest = 1;
constexpr int kPowPrecedence = 6;

// 0: no binary operator.
int Precedence(TokenKind kind) {
  switch (kind) {
    case TokenKind::kOr:
      return 1;
    case TokenKind::kAnd:
    case TokenKind::kUnless:
      return 2;
    case TokenKind::kEqual:
    case TokenKind::kNotEqual:
    case TokenKind::kLess:
    case TokenKind::kLessEqual:
    case TokenKind::kGreater:
    case TokenKind::kGreaterEqual:
    case TokenKind::kTrimUpper:
    case TokenKind::kTrimLower:
      return 3;
    case TokenKind::kAdd:
    case TokenKind::kSub:
      return 4;
    case TokenKind::kMul:
    case TokenKind::kDiv:
    case TokenKind::kMod:
    case TokenKind::kAtan2:
      return 5;
    case TokenKind::kPow:
      return kPowPrecedence;
    default:
      return 0;
  }
}

// Integers as Go reads them with base 0: hexadecimal, octal by a leading zero, underscores
// between digits. Nothing when the text is none or does not fit.
std::optional<int64_t> GoInteger(std::string_view digits) {
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, code] = std::from_chars(digits.data(), end, value, base);
  if (code != std::errc() || stop != end || digits.starts_with('-')) return std::nullopt;
  return value;
}

}  // namespace

bool MayNameMetric(TokenKind kind) {
  switch (kind) {
    case TokenKind::kIdentifier:
    case TokenKind::kMetricIdentifier:
    case TokenKind::kAnd:
    case TokenKind::kOr:
    case TokenKind::kUnless:
    case TokenKind::kBy:
    case TokenKind::kOffset:
    case TokenKind::kWithout:
    case TokenKind::kAnchored:
    case TokenKind::kSmoothed:
    case TokenKind::kStart:
    case TokenKind::kEndOf:
    case TokenKind::kStep:
    case TokenKind::kRange:
    case TokenKind::kMinOf:
    case TokenKind::kMaxOf:
      return true;
    default:
      return IsAggregatorToken(kind);
  }
}

const Token& Parser::Peek() {
  if (!next_) {
    next_ = lexer_.Next();
    if (next_->kind == TokenKind::kError) AddError(next_->pos, lexer_.error());
  }
  return *next_;
}

Token Parser::Take() {
  const Token token = Peek();
  next_.reset();
  return token;
}

bool Parser::Accept(TokenKind kind) {
  if (!At(kind)) return false;
  next_.reset();
  return true;
}

bool Parser::Expect(TokenKind kind) {
  if (Accept(kind)) return true;
  Unexpected();
  return false;
}

void Parser::AddError(size_t pos, std::string message) {
  if (error_) return;
  error_ = std::move(message);
  error_pos_ = pos;
}

std::nullptr_t Parser::Unexpected(std::string_view where, std::string_view expected) {
  const Token& token = Peek();
  // The lexer has said already what is wrong.
  if (token.kind == TokenKind::kError) return nullptr;
  std::string message = "unexpected " + DescribeToken(token);
  if (!where.empty()) message += fmt::format(" in {}", where);
  if (!expected.empty()) message += fmt::format(", expected {}", expected);
  AddError(token.pos, std::move(message));
  return nullptr;
}

std::nullptr_t Parser::TooDeep(size_t pos) {
  AddError(pos, fmt::format("expression is nested more than {} levels deep", kMaxHeight));
  return nullptr;
}

Error Parser::TakeError() const {
  return BadData(fmt::format("{}: parse error: {}", PositionText(text_, error_pos_), *error_));
}

Result<ExprPtr> Parser::Expression() {
  if (At(TokenKind::kEnd)) {
    AddError(0, "no expression found in input");
    return TakeError();
  }
  ExprPtr expr = ParseExpr(kLowest);
  if (expr != nullptr && !At(TokenKind::kEnd)) Unexpected();
  if (!error_) {
    CheckTypes(expr.get(), text_,
               [this](size_t pos, std::string message) { AddError(pos, std::move(message)); });
  }
  if (error_) return TakeError();
  return expr;
}

ExprPtr Parser::ParseExpr(int min_precedence) {
  const Level level(this);
  if (level_ > kMaxHeight) return TooDeep(Peek().pos);
  ExprPtr lhs = ParseOperand();
  while (lhs != nullptr) {
    const int precedence = Precedence(Peek().kind);
    if (precedence == 0 || precedence < min_precedence) break;
    lhs = ParseBinary(std::move(lhs), precedence);
  }
  return lhs;
}

ExprPtr Parser::ParseOperand() {
  if (At(TokenKind::kAdd) || At(TokenKind::kSub)) return ParseUnary();
  ExprPtr primary = ParsePrimary();
  return primary == nullptr ? nullptr : ParsePostfix(std::move(primary));
}

ExprPtr Parser::ParsePrimary() {
  switch (Peek().kind) {
    case TokenKind::kNumber:
    case TokenKind::kDuration:
      return ParseNumber();
    case TokenKind::kString:
      return ParseString();
    case TokenKind::kLeftParen:
      return ParseParen();
    case TokenKind::kLeftBrace:
      return ParseSelector(nullptr);
    default:
      return MayNameMetric(Peek().kind) ? ParseWord() : Unexpected();
  }
}

// A word is a function, an aggregation or a metric; the token behind it tells.
ExprPtr Parser::ParseWord() {
  const Token word = Take();
  const bool paren = At(TokenKind::kLeftParen);
  if (IsAggregatorToken(word.kind)) {
    if (paren || At(TokenKind::kBy) || At(TokenKind::kWithout)) return ParseAggregate(word);
  } else if (paren && (word.kind == TokenKind::kIdentifier || word.kind >= TokenKind::kStart)) {
    return ParseCall(word);
  }
  return ParseSelector(&word);
}

// Binds as tightly as multiplication: -a^b is -(a^b), -a*b is (-a)*b.
ExprPtr Parser::ParseUnary() {
  const Token sign = Take();
  ExprPtr operand = ParseExpr(kPowPrecedence);
  if (operand == nullptr) return nullptr;
  if (operand->kind == NodeKind::kNumber) {
    auto* number = static_cast<NumberLiteral*>(operand.get());
    if (sign.kind == TokenKind::kSub) number->value = -number->value;
    number->pos.begin = sign.pos;
    return operand;
  }
  auto unary = std::make_unique<UnaryExpr>();
  unary->negative = sign.kind == TokenKind::kSub;
  unary->type = operand->type;
  unary->pos = {sign.pos, operand->pos.end};
  const uint32_t height = operand->height;
  unary->operand = std::move(operand);
  return Finish(std::move(unary), height);
}

ExprPtr Parser::ParseParen() {
  const Token open = Take();
  ExprPtr inner = ParseExpr(kLowest);
  if (inner == nullptr) return nullptr;
  if (!At(TokenKind::kRightParen)) return Unexpected();
  const Token close = Take();
  auto paren = std::make_unique<ParenExpr>();
  paren->type = inner->type;
  paren->pos = {open.pos, close.end()};
  const uint32_t height = inner->height;
  paren->inner = std::move(inner);
  return Finish(std::move(paren), height);
}

ExprPtr Parser::ParseNumber() {
  const Token token = Take();
  auto number = std::make_unique<NumberLiteral>();
  number->pos = {token.pos, token.end()};
  if (token.kind == TokenKind::kDuration) {
    number->is_duration = true;
    number->value = static_cast<double>(DurationValue(token)) / 1000;
  } else {
    number->value = NumberValue(token);
  }
  return number;
}

ExprPtr Parser::ParseString() {
  const Token token = Take();
  auto string = std::make_unique<StringLiteral>();
  string->pos = {token.pos, token.end()};
  string->value = Unquote(token.text);
  return string;
}

double Parser::NumberValue(const Token& token) {
  const std::string_view text = token.text;
  std::string digits;  // the lexer lets underscores only stand between digits
  std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c != '_'; });
  if (const auto integer = GoInteger(digits)) return static_cast<double>(*integer);
  bool overflow = false;
  const auto value = ParseFloat(digits, &overflow);
  if (!value || overflow) {
    const std::string_view reason = overflow ? "value out of range" : "invalid syntax";
    AddError(token.pos, fmt::format("error parsing number: strconv.ParseFloat: parsing {}: {}",
                                    Quote(text), reason));
    return 0;
  }
  return *value;
}

DurationMs Parser::DurationValue(const Token& token) {
  const Result<DurationMs> duration = ParseDuration(token.text);
  if (duration) return *duration;
  AddError(token.pos, duration.error().message);
  return 0;
}

ExprPtr Parser::Finish(ExprPtr node, uint32_t child_height) {
  node->height = child_height + 1;
  if (node->height > kMaxHeight) return TooDeep(node->pos.begin);
  return node;
}

Result<ExprPtr> ParseExpr(std::string_view text, const ParserOptions& options) {
  if (text.size() > kMaxTextBytes) {
    return BadData(
        fmt::format("1:1: parse error: expression has more than {} bytes", kMaxTextBytes));
  }
  return Parser(text, options).Expression();
}

Result<std::vector<Matcher>> ParseMetricSelector(std::string_view text) {
  return Parser(text, {}).MetricSelector();
}

Result<Labels> ParseMetric(std::string_view text) { return Parser(text, {}).Metric(); }

std::string PositionText(std::string_view query, size_t byte) {
  if (query.empty()) return "unknown position";
  if (byte > query.size()) return "invalid position";
  const std::string_view before = query.substr(0, byte);
  const auto lines = std::ranges::count(before, '\n');
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("{}:{}", lines + 1, byte - line_start + 1);
}

}  // namespace vigil::promql

// SPDX-License-Identifier: Apache-2.0
// Arithmetic where a duration is written: [5m*2], offset (1h/2), step(), range().
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "server/promql/parser_core.h"

namespace vigil::promql {
namespace {

using Op = DurationExpr::Op;

constexpr int kAddPrecedence = 1;
constexpr int kMulPrecedence = 2;
constexpr int kDurationPowPrecedence = 3;

int DurationPrecedence(TokenKind kind) {
  switch (kind) {
    case TokenKind::kAdd:
    case TokenKind::kSub:
      return kAddPrecedence;
    case TokenKind::kMul:
    case TokenKind::kDiv:
    case TokenKind::kMod:
      return kMulPrecedence;
    case TokenKind::kPow:
      return kDurationPowPrecedence;
    default:
      return 0;
  }
}

Op OpOf(TokenKind kind) {
  switch (kind) {
    case TokenKind::kAdd:
      return Op::kAdd;
    case TokenKind::kSub:
      return Op::kSub;
    case TokenKind::kMul:
      return Op::kMul;
    case TokenKind::kDiv:
      return Op::kDiv;
    case TokenKind::kMod:
      return Op::kMod;
    case TokenKind::kPow:
      return Op::kPow;
    case TokenKind::kStep:
      return Op::kStep;
    case TokenKind::kRange:
      return Op::kRange;
    case TokenKind::kMinOf:
      return Op::kMinOf;
    default:
      return Op::kMaxOf;
  }
}

bool IsSign(TokenKind kind) { return kind == TokenKind::kAdd || kind == TokenKind::kSub; }

bool IsLiteral(const DurationExpr& node) { return node.op == Op::kLiteral; }

}  // namespace

DurationMs SecondsToMs(double seconds) {
  return static_cast<DurationMs>(std::trunc(std::round(seconds * 1e9) / 1e6));
}

bool Parser::CheckDurationRange(double seconds, size_t pos) {
  constexpr double kLimit = 9223372036.854775808;  // int64 nanoseconds
  if (std::abs(seconds) <= kLimit) return true;
  AddError(pos, "duration out of range");
  return false;
}

void Parser::RequireDurationExpressions(size_t pos) {
  if (!options_.duration_expressions) {
    AddError(pos, "experimental duration expression is not enabled");
  }
}

DurationExprPtr Parser::ParsePositiveDuration() {
  DurationExprPtr duration = ParseDurationExpr(kAddPrecedence);
  if (duration == nullptr) return nullptr;
  // Less than a millisecond would be nothing to the engine.
  if (IsLiteral(*duration) && SecondsToMs(duration->seconds) <= 0) {
    AddError(duration->pos.begin, "duration must be greater than 0");
  }
  return duration;
}

DurationExprPtr Parser::ParseDurationExpr(int min_precedence) {
  const Level level(this);
  if (level_ > kMaxHeight) return TooDeep(Peek().pos);
  DurationExprPtr lhs = ParseDurationOperand();
  while (lhs != nullptr) {
    const int precedence = DurationPrecedence(Peek().kind);
    if (precedence == 0 || precedence < min_precedence) break;
    const Token op = Take();
    DurationExprPtr rhs =
        ParseDurationExpr(precedence == kDurationPowPrecedence ? precedence : precedence + 1);
    if (rhs == nullptr) return nullptr;
    lhs = JoinDurations(std::move(lhs), op, std::move(rhs));
  }
  return lhs;
}

DurationExprPtr Parser::JoinDurations(DurationExprPtr lhs, const Token& op, DurationExprPtr rhs) {
  RequireDurationExpressions(lhs->pos.begin);
  if (IsLiteral(*rhs) && rhs->seconds == 0) {
    if (op.kind == TokenKind::kDiv) AddError(op.pos, "division by zero");
    if (op.kind == TokenKind::kMod) AddError(op.pos, "modulo by zero");
  }
  auto node = std::make_unique<DurationExpr>();
  node->op = OpOf(op.kind);
  node->pos = {lhs->pos.begin, rhs->pos.end};
  node->lhs = std::move(lhs);
  node->rhs = std::move(rhs);
  return FinishDuration(std::move(node));
}

// A sign binds as tightly as multiplication.
DurationExprPtr Parser::ParseDurationOperand() {
  if (!IsSign(Peek().kind)) return ParseDurationPrimary();
  const Token sign = Take();
  DurationExprPtr operand = ParseDurationExpr(kDurationPowPrecedence);
  return operand == nullptr ? nullptr : ApplySign(sign, std::move(operand));
}

DurationExprPtr Parser::ApplySign(const Token& sign, DurationExprPtr operand) {
  const bool negative = sign.kind == TokenKind::kSub;
  if (IsLiteral(*operand)) {
    if (negative) operand->seconds = -operand->seconds;
    operand->wrapped = false;
    operand->pos.begin = sign.pos;
    return operand;
  }
  if (!negative) return operand;
  auto node = std::make_unique<DurationExpr>();
  node->op = Op::kNegate;
  node->pos = {sign.pos, operand->pos.end};
  node->lhs = std::move(operand);
  return FinishDuration(std::move(node));
}

DurationExprPtr Parser::ParseDurationPrimary() {
  switch (Peek().kind) {
    case TokenKind::kNumber:
    case TokenKind::kDuration:
      return ParseDurationLiteral();
    case TokenKind::kStep:
    case TokenKind::kRange:
    case TokenKind::kMinOf:
    case TokenKind::kMaxOf:
      return ParseDurationFunction();
    case TokenKind::kLeftParen:
      break;
    default:
      return Unexpected();
  }
  const Token open = Take();
  DurationExprPtr inner = ParseDurationExpr(kAddPrecedence);
  if (inner == nullptr) return nullptr;
  if (!At(TokenKind::kRightParen)) return Unexpected();
  RequireDurationExpressions(inner->pos.begin);
  inner->pos = {open.pos, Take().end()};
  // Around a plain literal the parentheses say nothing; (-5m)^2 needs them.
  inner->wrapped = !IsLiteral(*inner) || std::signbit(inner->seconds);
  return inner;
}

DurationExprPtr Parser::ParseDurationLiteral() {
  const ExprPtr number = ParseNumber();
  const auto& literal = static_cast<const NumberLiteral&>(*number);
  auto node = std::make_unique<DurationExpr>();
  node->pos = literal.pos;
  node->written_as_duration = literal.is_duration;
  node->seconds = CheckDurationRange(literal.value, literal.pos.begin) ? literal.value : 0;
  return node;
}

DurationExprPtr Parser::ParseDurationFunction() {
  const Token name = Take();
  auto node = std::make_unique<DurationExpr>();
  node->op = OpOf(name.kind);
  if (!Expect(TokenKind::kLeftParen)) return nullptr;
  if (name.kind == TokenKind::kMinOf || name.kind == TokenKind::kMaxOf) {
    node->lhs = ParseDurationExpr(kAddPrecedence);
    if (node->lhs == nullptr || !Expect(TokenKind::kComma)) return nullptr;
    node->rhs = ParseDurationExpr(kAddPrecedence);
    if (node->rhs == nullptr) return nullptr;
  }
  if (!At(TokenKind::kRightParen)) return Unexpected();
  node->pos = {name.pos, Take().end()};
  RequireDurationExpressions(name.pos);
  return FinishDuration(std::move(node));
}

// Behind offset an operator belongs to the expression around, so that `a offset 5m + b` means what
// it always meant: only one operand, with a sign.
DurationExprPtr Parser::ParseOffsetDuration() {
  if (!IsSign(Peek().kind)) return ParseDurationPrimary();
  const Token sign = Take();
  DurationExprPtr operand = ParseDurationPrimary();
  return operand == nullptr ? nullptr : ApplySign(sign, std::move(operand));
}

DurationExprPtr Parser::FinishDuration(DurationExprPtr node) {
  uint32_t height = 0;
  if (node->lhs != nullptr) height = node->lhs->height;
  if (node->rhs != nullptr) height = std::max(height, node->rhs->height);
  node->height = height + 1;
  if (node->height > kMaxHeight) return TooDeep(node->pos.begin);
  return node;
}

}  // namespace vigil::promql

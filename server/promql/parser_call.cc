// SPDX-License-Identifier: Apache-2.0
// Functions, aggregations and what stands between the operands of a binary operator.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client-lib/base/strings.h"
#include "server/promql/function_table.h"
#include "server/promql/parser_core.h"

namespace vigil::promql {
namespace {

// Tokens and operators have the same order.
BinaryOp BinaryOpOf(TokenKind kind) {
  static_assert(static_cast<int>(TokenKind::kUnless) - static_cast<int>(TokenKind::kAdd) ==
                static_cast<int>(BinaryOp::kUnless));
  return static_cast<BinaryOp>(static_cast<int>(kind) - static_cast<int>(TokenKind::kAdd));
}

AggregateOp AggregateOpOf(TokenKind kind) {
  return static_cast<AggregateOp>(static_cast<int>(kind) - static_cast<int>(TokenKind::kSum));
}

bool StartsExpression(TokenKind kind) {
  switch (kind) {
    case TokenKind::kNumber:
    case TokenKind::kDuration:
    case TokenKind::kString:
    case TokenKind::kLeftParen:
    case TokenKind::kLeftBrace:
    case TokenKind::kAdd:
    case TokenKind::kSub:
      return true;
    default:
      return MayNameMetric(kind);
  }
}

uint32_t HeightOf(const ExprPtr& expr) { return expr == nullptr ? 0 : expr->height; }

bool IsExperimental(AggregateOp op) {
  return op == AggregateOp::kLimitk || op == AggregateOp::kLimitRatio;
}

}  // namespace

bool MayNameGroupingLabel(TokenKind kind) {
  if (kind == TokenKind::kWithout) return false;  // upstream does not take it unquoted
  return MayNameMetric(kind) || IsKeywordToken(kind) || kind == TokenKind::kAtan2;
}

ExprPtr Parser::ParseBinary(ExprPtr lhs, int precedence) {
  const Token op = Take();
  auto binary = std::make_unique<BinaryExpr>();
  binary->op = BinaryOpOf(op.kind);
  binary->matching.emplace();
  if (!ParseBinaryModifiers(binary.get())) return nullptr;
  // Only ^ associates to the right.
  ExprPtr rhs = ParseExpr(op.kind == TokenKind::kPow ? precedence : precedence + 1);
  if (rhs == nullptr) return nullptr;
  const bool scalars = lhs->type == ValueType::kScalar && rhs->type == ValueType::kScalar;
  binary->type = scalars ? ValueType::kScalar : ValueType::kVector;
  binary->pos = {lhs->pos.begin, rhs->pos.end};
  const uint32_t height = std::max(lhs->height, rhs->height);
  binary->lhs = std::move(lhs);
  binary->rhs = std::move(rhs);
  const VectorMatching& matching = *binary->matching;
  if (!options_.fill_modifiers && (matching.fill_left || matching.fill_right)) {
    AddError(binary->pos.begin, "binop fill modifiers are experimental and not enabled");
  }
  return Finish(std::move(binary), height);
}

bool Parser::ParseBinaryModifiers(BinaryExpr* binary) {
  VectorMatching& matching = *binary->matching;
  binary->return_bool = Accept(TokenKind::kBool);
  if (At(TokenKind::kOn) || At(TokenKind::kIgnoring)) {
    matching.on = Take().kind == TokenKind::kOn;
    if (!ParseGrouping(&matching.labels)) return false;
    if (At(TokenKind::kGroupLeft) || At(TokenKind::kGroupRight)) {
      matching.cardinality = Take().kind == TokenKind::kGroupLeft ? MatchCardinality::kManyToOne
                                                                  : MatchCardinality::kOneToMany;
      if (At(TokenKind::kLeftParen) && !ParseGrouping(&matching.include)) return false;
    }
  }
  return ParseFill(&matching);
}

bool Parser::ParseFill(VectorMatching* matching) {
  while (Peek().kind >= TokenKind::kFill && Peek().kind <= TokenKind::kFillRight) {
    const bool left = !At(TokenKind::kFillRight);
    const bool right = !At(TokenKind::kFillLeft);
    if ((left && matching->fill_left) || (right && matching->fill_right)) {
      Unexpected();
      return false;
    }
    Take();
    if (!Expect(TokenKind::kLeftParen)) return false;
    const bool negative = At(TokenKind::kSub);
    if (negative || At(TokenKind::kAdd)) Take();
    if (!At(TokenKind::kNumber) && !At(TokenKind::kDuration)) {
      Unexpected();
      return false;
    }
    const ExprPtr literal = ParseNumber();
    const double value = static_cast<const NumberLiteral&>(*literal).value;
    if (left) matching->fill_left = negative ? -value : value;
    if (right) matching->fill_right = negative ? -value : value;
    if (!Expect(TokenKind::kRightParen)) return false;
  }
  return true;
}

ExprPtr Parser::ParseAggregate(const Token& op) {
  auto aggregate = std::make_unique<AggregateExpr>();
  aggregate->op = AggregateOpOf(op.kind);
  aggregate->pos.begin = op.pos;
  const bool modifier_first = !At(TokenKind::kLeftParen);
  std::vector<ExprPtr> args;
  {
    const ContextScope scope(this, {"aggregation", ""});
    if (modifier_first && !ParseAggregateModifier(aggregate.get())) return nullptr;
    if (!Expect(TokenKind::kLeftParen)) return nullptr;
    if (!ParseArguments(&args, &aggregate->pos.end)) return nullptr;
  }
  if (!modifier_first && (At(TokenKind::kBy) || At(TokenKind::kWithout)) &&
      !ParseAggregateModifier(aggregate.get())) {
    return nullptr;
  }
  SetAggregateArguments(aggregate.get(), std::move(args));
  const uint32_t height = std::max(HeightOf(aggregate->operand), HeightOf(aggregate->param));
  return Finish(std::move(aggregate), height);
}

bool Parser::ParseAggregateModifier(AggregateExpr* aggregate) {
  aggregate->without = Take().kind == TokenKind::kWithout;
  return ParseGrouping(&aggregate->grouping);
}

void Parser::SetAggregateArguments(AggregateExpr* aggregate, std::vector<ExprPtr> args) {
  const size_t begin = aggregate->pos.begin;
  const bool takes_param = AggregateTakesParam(aggregate->op);
  const size_t wanted = takes_param ? 2 : 1;
  if (args.empty()) {
    AddError(begin, "no arguments for aggregate expression provided");
  } else if (IsExperimental(aggregate->op) && !options_.experimental_functions) {
    AddError(begin, fmt::format("{}() is experimental and must be enabled with "
                                "--enable-feature=promql-experimental-functions",
                                AggregateOpText(aggregate->op)));
  } else if (args.size() != wanted) {
    AddError(begin, fmt::format("wrong number of arguments for aggregate expression provided, "
                                "expected {}, got {}",
                                wanted, args.size()));
  } else {
    if (takes_param) aggregate->param = std::move(args.front());
    aggregate->operand = std::move(args.back());
  }
}

ExprPtr Parser::ParseCall(const Token& name) {
  auto call = std::make_unique<Call>();
  call->pos.begin = name.pos;
  Take();
  if (!ParseArguments(&call->args, &call->pos.end)) return nullptr;
  // Function names have a case; start, end, step and range are keywords and have none.
  call->function = name.kind == TokenKind::kIdentifier ? FindFunction(name.text)
                                                       : FindFunction(AsciiLower(name.text));
  if (call->function == nullptr) {
    AddError(name.pos, fmt::format("unknown function with name {}", Quote(name.text)));
  } else {
    call->type = call->function->result;
    if (call->function->experimental && !options_.experimental_functions) {
      AddError(name.pos, fmt::format("function {} is not enabled", Quote(name.text)));
    }
  }
  uint32_t height = 0;
  for (const ExprPtr& arg : call->args) height = std::max(height, arg->height);
  return Finish(std::move(call), height);
}

bool Parser::ParseArguments(std::vector<ExprPtr>* args, size_t* end) {
  if (!At(TokenKind::kRightParen)) {
    for (;;) {
      ExprPtr arg = ParseExpr(1);
      if (arg == nullptr) return false;
      args->push_back(std::move(arg));
      if (!At(TokenKind::kComma)) break;
      const Token comma = Take();
      if (!StartsExpression(Peek().kind)) {
        AddError(comma.pos, "trailing commas not allowed in function call args");
        break;
      }
    }
  }
  if (!At(TokenKind::kRightParen)) {
    Unexpected();
    return false;
  }
  *end = Take().end();
  return true;
}

bool Parser::ParseGrouping(std::vector<std::string>* labels) {
  constexpr std::string_view kWhere = "grouping opts";
  if (!Accept(TokenKind::kLeftParen)) {
    Unexpected(kWhere, "\"(\"");
    return false;
  }
  while (!Accept(TokenKind::kRightParen)) {
    const Token label = Peek();
    if (label.kind != TokenKind::kString && !MayNameGroupingLabel(label.kind)) {
      Unexpected(kWhere, "label");
      return false;
    }
    Take();
    labels->push_back(label.kind == TokenKind::kString ? Unquote(label.text)
                                                       : std::string(label.text));
    if (!IsUtf8Name(labels->back())) {
      AddError(label.pos,
               fmt::format("invalid label name for grouping: {}", Quote(labels->back())));
    }
    if (!Accept(TokenKind::kComma) && !At(TokenKind::kRightParen)) {
      Unexpected(kWhere, "\",\" or \")\"");
      return false;
    }
  }
  return true;
}

}  // namespace vigil::promql

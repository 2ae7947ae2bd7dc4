// SPDX-License-Identifier: Apache-2.0
#include "server/promql/type_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/model/labels.h"
#include "server/promql/function_table.h"

namespace vigil::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsVectorOrScalar(ValueType type) {
  return type == ValueType::kScalar || type == ValueType::kVector;
}

class TypeChecker {
 public:
  TypeChecker(std::string_view query,
              const std::function<void(size_t pos, std::string message)>& report)
      : query_(query), report_(report) {}

  void Check(Expr* expr);

 private:
  // The child's own errors come first, then what its parent wants of it.
  void Expect(Expr* expr, ValueType want, std::string_view where);
  void CheckAggregate(const AggregateExpr& aggregate);
  void CheckBinary(BinaryExpr* binary);
  void CheckOperator(const BinaryExpr& binary);
  void CheckMatching(BinaryExpr* binary);
  void CheckCall(const Call& call);
  void CheckArgumentCount(const Call& call);
  // The second argument of info() selects labels only and may match everything.
  void CheckInfoSelector(const Call& call);
  void CheckUnary(const UnaryExpr& unary);
  void CheckSelector(const VectorSelector& selector);

  std::string_view query_;
  const std::function<void(size_t pos, std::string message)>& report_;
  const Expr* info_selector_ = nullptr;
};

void TypeChecker::Check(Expr* expr) {
  switch (expr->kind) {
    case NodeKind::kNumber:
    case NodeKind::kString:
    case NodeKind::kDuration:
      return;
    case NodeKind::kParen:
      return Check(static_cast<ParenExpr*>(expr)->inner.get());
    case NodeKind::kUnary:
      return CheckUnary(static_cast<const UnaryExpr&>(*expr));
    case NodeKind::kBinary:
      return CheckBinary(static_cast<BinaryExpr*>(expr));
    case NodeKind::kAggregate:
      return CheckAggregate(static_cast<const AggregateExpr&>(*expr));
    case NodeKind::kCall:
      return CheckCall(static_cast<const Call&>(*expr));
    case NodeKind::kVectorSelector:
      return CheckSelector(static_cast<const VectorSelector&>(*expr));
    case NodeKind::kMatrixSelector:
      return CheckSelector(*static_cast<const MatrixSelector&>(*expr).selector);
    case NodeKind::kSubquery: {
      Expr* inner = static_cast<SubqueryExpr*>(expr)->inner.get();
      Check(inner);
      if (inner->type != ValueType::kVector) {
        report_(expr->pos.begin,
                fmt::format("subquery is only allowed on instant vector, got {} instead",
                            ValueTypeApiName(inner->type)));
      }
      return;
    }
  }
}

void TypeChecker::Expect(Expr* expr, ValueType want, std::string_view where) {
  Check(expr);
  if (expr->type == want) return;
  report_(expr->pos.begin, fmt::format("expected type {} in {}, got {}", ValueTypeErrorName(want),
                                       where, ValueTypeErrorName(expr->type)));
}

void TypeChecker::CheckAggregate(const AggregateExpr& aggregate) {
  Expect(aggregate.operand.get(), ValueType::kVector, "aggregation expression");
  if (aggregate.param == nullptr) return;
  const bool text = aggregate.op == AggregateOp::kCountValues;
  Expect(aggregate.param.get(), text ? ValueType::kString : ValueType::kScalar,
         "aggregation parameter");
}

void TypeChecker::CheckUnary(const UnaryExpr& unary) {
  Check(unary.operand.get());
  if (IsVectorOrScalar(unary.operand->type)) return;
  report_(unary.pos.begin,
          fmt::format("unary expression only allowed on expressions of type scalar or instant "
                      "vector, got {}",
                      Quote(ValueTypeErrorName(unary.operand->type))));
}

void TypeChecker::CheckBinary(BinaryExpr* binary) {
  Check(binary->lhs.get());
  Check(binary->rhs.get());
  CheckOperator(*binary);
  for (const Expr* side : {binary->lhs.get(), binary->rhs.get()}) {
    if (!IsVectorOrScalar(side->type)) {
      report_(side->pos.begin,
              "binary expression must contain only scalar and instant vector types");
    }
  }
  CheckMatching(binary);
  const bool scalar =
      binary->lhs->type == ValueType::kScalar || binary->rhs->type == ValueType::kScalar;
  if (scalar && IsSetOp(binary->op)) {
    report_(binary->pos.begin,
            fmt::format("set operator {} not allowed in binary scalar expression",
                        Quote(BinaryOpText(binary->op))));
  }
}

// What is reported at the operator itself.
void TypeChecker::CheckOperator(const BinaryExpr& binary) {
  size_t pos = binary.lhs->pos.end;
  while (pos < query_.size() && IsSpace(query_[pos])) ++pos;
  if (binary.return_bool && !IsComparison(binary.op)) {
    report_(pos, "bool modifier can only be used on comparison operators");
  }
  const bool scalars =
      binary.lhs->type == ValueType::kScalar && binary.rhs->type == ValueType::kScalar;
  if (IsComparison(binary.op) && !binary.return_bool && scalars) {
    report_(pos, "comparisons between scalars must use BOOL modifier");
  }
  const VectorMatching& matching = *binary.matching;
  if (!matching.on) return;
  for (const std::string& label : matching.labels) {
    if (std::ranges::count(matching.include, label) != 0) {
      report_(pos,
              fmt::format("label {} must not occur in ON and GROUP clause at once", Quote(label)));
    }
  }
}

void TypeChecker::CheckMatching(BinaryExpr* binary) {
  const size_t pos = binary->pos.begin;
  VectorMatching& matching = *binary->matching;
  const bool fills = matching.fill_left || matching.fill_right;
  const bool vectors =
      binary->lhs->type == ValueType::kVector && binary->rhs->type == ValueType::kVector;
  if (!vectors) {
    if (!matching.labels.empty()) {
      report_(pos, "vector matching only allowed between instant vectors");
    }
    if (fills) report_(pos, "filling in missing series only allowed between instant vectors");
    binary->matching.reset();
    return;
  }
  if (!IsSetOp(binary->op)) return;
  if (matching.cardinality != MatchCardinality::kOneToOne) {
    report_(pos,
            fmt::format("no grouping allowed for {} operation", Quote(BinaryOpText(binary->op))));
  }
  if (fills) report_(pos, "filling in missing series not allowed for set operators");
  matching.cardinality = MatchCardinality::kManyToMany;
}

void TypeChecker::CheckCall(const Call& call) {
  CheckArgumentCount(call);
  const FunctionRow& row = *call.function;
  if (row.name == "info" && call.args.size() > 1) CheckInfoSelector(call);
  const size_t declared = row.arg_count();
  const std::string where = fmt::format("call to function {}", Quote(row.name));
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i >= declared && row.optional >= 0) break;
    Expect(call.args[i].get(), row.args[std::min(i, declared - 1)], where);
  }
}

void TypeChecker::CheckArgumentCount(const Call& call) {
  const FunctionRow& row = *call.function;
  const size_t most = row.arg_count();
  const size_t given = call.args.size();
  const size_t least = most - (row.optional < 0 ? 1 : static_cast<size_t>(row.optional));
  const auto complain = [&](std::string_view bound, size_t wanted) {
    report_(call.pos.begin, fmt::format("expected {}{} argument(s) in call to {}, got {}", bound,
                                        wanted, Quote(row.name), given));
  };
  if (row.optional == 0) {
    if (given != most) complain("", most);
  } else if (given < least) {
    complain("at least ", least);
  } else if (row.optional > 0 && given > most) {
    complain("at most ", most);
  }
}

void TypeChecker::CheckInfoSelector(const Call& call) {
  const Expr& arg = *call.args[1];
  if (arg.type != ValueType::kVector) {
    report_(call.pos.begin,
            fmt::format("expected type instant vector in call to function \"info\", got {}",
                        ValueTypeErrorName(arg.type)));
  }
  if (arg.kind != NodeKind::kVectorSelector) {
    report_(arg.pos.begin, "expected label selectors only");
  } else if (!static_cast<const VectorSelector&>(arg).name.empty()) {
    report_(arg.pos.begin, "expected label selectors only, got vector selector instead");
  } else {
    info_selector_ = &arg;
  }
}

void TypeChecker::CheckSelector(const VectorSelector& selector) {
  if (!selector.name.empty()) {
    // The last matcher is the name in front of the braces.
    for (size_t i = 0; i + 1 < selector.matchers.size(); ++i) {
      const Matcher& matcher = selector.matchers[i];
      if (matcher.name() == kMetricName) {
        report_(selector.pos.begin, fmt::format("metric name must not be set twice: {} or {}",
                                                Quote(selector.name), Quote(matcher.value())));
      }
    }
    return;
  }
  if (&selector == info_selector_) return;
  const bool selects = std::ranges::any_of(
      selector.matchers, [](const Matcher& matcher) { return !matcher.MatchesEmpty(); });
  if (!selects) {
    report_(selector.pos.begin, "vector selector must contain at least one non-empty matcher");
  }
}

}  // namespace

void CheckTypes(Expr* root, std::string_view query,
                const std::function<void(size_t pos, std::string message)>& report) {
  TypeChecker(query, report).Check(root);
}

}  // namespace vigil::promql

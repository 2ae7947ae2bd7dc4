// SPDX-License-Identifier: Apache-2.0
// The typed syntax tree of PromQL. Built by the parser, read by printer and engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/matcher.h"

namespace vigil::promql {

struct FunctionRow;  // server/promql/function_table.h

enum class ValueType { kNone, kScalar, kVector, kMatrix, kString };
// Upstream's words: "none", "scalar", "instant vector" is printed as "instant vector" by parse
// errors and "vector" by the API.
std::string_view ValueTypeApiName(ValueType type);    // scalar vector matrix string
std::string_view ValueTypeErrorName(ValueType type);  // scalar, instant vector, range vector, ...

// Bytes [begin, end) of the query text.
struct PosRange {
  size_t begin = 0;
  size_t end = 0;
};

enum class BinaryOp {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kTrimUpper,
  kTrimLower,  // </ and >/
  kAnd,
  kOr,
  kUnless,
};
std::string_view BinaryOpText(BinaryOp op);
bool IsComparison(BinaryOp op);
bool IsSetOp(BinaryOp op);

enum class AggregateOp {
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
};
std::string_view AggregateOpText(AggregateOp op);
bool AggregateTakesParam(AggregateOp op);

enum class NodeKind {
  kNumber,
  kString,
  kParen,
  kUnary,
  kBinary,
  kAggregate,
  kCall,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
  kDuration,
};

// Threads: any (immutable once parsed).
struct Expr {
  explicit Expr(NodeKind k) : kind(k) {}
  virtual ~Expr() = default;
  Expr(const Expr&) = delete;
  Expr& operator=(const Expr&) = delete;

  NodeKind kind;
  ValueType type = ValueType::kNone;
  // Levels from here down to the deepest leaf; the parser keeps it small enough for recursion.
  uint32_t height = 1;
  PosRange pos;
};
using ExprPtr = std::unique_ptr<Expr>;

struct NumberLiteral : Expr {
  NumberLiteral() : Expr(NodeKind::kNumber) { type = ValueType::kScalar; }
  double value = 0;
  bool is_duration = false;  // written as 5m: printed as it was
};

struct StringLiteral : Expr {
  StringLiteral() : Expr(NodeKind::kString) { type = ValueType::kString; }
  std::string value;
};

struct ParenExpr : Expr {
  ParenExpr() : Expr(NodeKind::kParen) {}
  ExprPtr inner;
};

struct UnaryExpr : Expr {
  UnaryExpr() : Expr(NodeKind::kUnary) {}
  bool negative = false;
  ExprPtr operand;
};

enum class MatchCardinality { kOneToOne, kManyToOne, kOneToMany, kManyToMany };

struct VectorMatching {
  MatchCardinality cardinality = MatchCardinality::kOneToOne;
  bool on = false;                   // on(...) rather than ignoring(...)
  std::vector<std::string> labels;   // of on or ignoring, as written
  std::vector<std::string> include;  // of group_left or group_right
  // fill modifiers (experimental): value for the missing side.
  std::optional<double> fill_left;
  std::optional<double> fill_right;
};

struct BinaryExpr : Expr {
  BinaryExpr() : Expr(NodeKind::kBinary) {}
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr lhs;
  ExprPtr rhs;
  bool return_bool = false;
  std::optional<VectorMatching> matching;  // set when both sides are vectors
};

struct AggregateExpr : Expr {
  AggregateExpr() : Expr(NodeKind::kAggregate) { type = ValueType::kVector; }
  AggregateOp op = AggregateOp::kSum;
  ExprPtr operand;
  ExprPtr param;  // null unless AggregateTakesParam(op)
  std::vector<std::string> grouping;
  bool without = false;
};

struct Call : Expr {
  Call() : Expr(NodeKind::kCall) {}
  const FunctionRow* function = nullptr;
  std::vector<ExprPtr> args;
};

// An arithmetic expression over durations in seconds, where a duration may stand: [5m*2],
// offset (1h/2), step(), range(), min_of(a, b), max_of(a, b). The engine resolves it before
// evaluation, once the query's step and range are known.
struct DurationExpr : Expr {
  DurationExpr() : Expr(NodeKind::kDuration) { type = ValueType::kScalar; }
  enum class Op {
    kLiteral,
    kAdd,
    kSub,
    kMul,
    kDiv,
    kMod,
    kPow,
    kNegate,
    kPlus,
    kStep,
    kRange,
    kMinOf,
    kMaxOf
  };
  Op op = Op::kLiteral;
  double seconds = 0;                 // kLiteral
  bool written_as_duration = false;   // kLiteral: 5m rather than 300
  bool wrapped = false;               // in parentheses
  std::unique_ptr<DurationExpr> lhs;  // unary operand too
  std::unique_ptr<DurationExpr> rhs;
};
using DurationExprPtr = std::unique_ptr<DurationExpr>;

enum class AtKind { kNone, kTimestamp, kStart, kEnd };

// What offset and @ say, shared by selectors and subqueries. The engine resolves them to the
// offset and time in force.
struct TimeModifiers {
  DurationMs offset_ms = 0;     // as written; negative allowed
  DurationExprPtr offset_expr;  // set instead of offset_ms
  AtKind at = AtKind::kNone;
  int64_t at_ms = 0;  // kTimestamp
};

struct VectorSelector : Expr {
  VectorSelector() : Expr(NodeKind::kVectorSelector) { type = ValueType::kVector; }
  std::string name;               // the metric name written in front, may be empty
  std::vector<Matcher> matchers;  // the name's matcher included (last)
  TimeModifiers time;
  bool anchored = false;
  bool smoothed = false;
};

struct MatrixSelector : Expr {
  MatrixSelector() : Expr(NodeKind::kMatrixSelector) { type = ValueType::kMatrix; }
  std::unique_ptr<VectorSelector> selector;
  DurationMs range_ms = 0;
  DurationExprPtr range_expr;  // set instead of range_ms
};

struct SubqueryExpr : Expr {
  SubqueryExpr() : Expr(NodeKind::kSubquery) { type = ValueType::kMatrix; }
  ExprPtr inner;
  DurationMs range_ms = 0;
  DurationExprPtr range_expr;
  DurationMs step_ms = 0;  // 0: the default step
  DurationExprPtr step_expr;
  TimeModifiers time;
};

// Calls f(child) for every direct child expression, in order of the text.
template <typename F>
void ForEachChild(const Expr& expr, F&& f) {
  switch (expr.kind) {
    case NodeKind::kNumber:
    case NodeKind::kString:
    case NodeKind::kVectorSelector:
    case NodeKind::kDuration:
      return;
    case NodeKind::kParen:
      f(*static_cast<const ParenExpr&>(expr).inner);
      return;
    case NodeKind::kUnary:
      f(*static_cast<const UnaryExpr&>(expr).operand);
      return;
    case NodeKind::kBinary:
      f(*static_cast<const BinaryExpr&>(expr).lhs);
      f(*static_cast<const BinaryExpr&>(expr).rhs);
      return;
    case NodeKind::kAggregate: {
      const auto& aggregate = static_cast<const AggregateExpr&>(expr);
      if (aggregate.param != nullptr) f(*aggregate.param);
      f(*aggregate.operand);
      return;
    }
    case NodeKind::kCall:
      for (const ExprPtr& arg : static_cast<const Call&>(expr).args) f(*arg);
      return;
    case NodeKind::kMatrixSelector:
      f(*static_cast<const MatrixSelector&>(expr).selector);
      return;
    case NodeKind::kSubquery:
      f(*static_cast<const SubqueryExpr&>(expr).inner);
      return;
  }
}

}  // namespace vigil::promql

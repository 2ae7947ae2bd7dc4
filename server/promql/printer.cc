// SPDX-License-Identifier: Apache-2.0
// The canonical text of an expression: upstream's form, and always one that parses to the same
// tree again.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/float_text.h"
#include "server/promql/function_table.h"
#include "server/promql/parser.h"
#include "server/promql/parser_core.h"
#include "server/promql/token.h"

namespace vigil::promql {
namespace {

using Op = DurationExpr::Op;

class Printer {
 public:
  void Write(const Expr& expr);
  std::string Take() { return std::move(out_); }

 private:
  void WriteNumber(double value, bool is_duration);
  void WriteGrouping(const std::vector<std::string>& labels);
  void WriteAggregate(const AggregateExpr& aggregate);
  void WriteBinary(const BinaryExpr& binary);
  void WriteMatching(const VectorMatching& matching);
  void WriteFill(const VectorMatching& matching);
  void WriteCall(const Call& call);
  void WriteSelector(const VectorSelector& selector);
  void WriteVector(const VectorSelector& selector);
  void WriteMatrix(const MatrixSelector& matrix);
  void WriteSubquery(const SubqueryExpr& subquery);
  void WriteAt(const TimeModifiers& time);
  void WriteExtended(const VectorSelector& selector);
  void WriteOffset(const TimeModifiers& time);
  void WriteDuration(DurationMs ms, const DurationExpr* expr);
  void WriteDurationExpr(const DurationExpr& expr);
  void WriteDurationBody(const DurationExpr& expr);

  std::string out_;
};

std::string_view DurationOpText(Op op) {
  switch (op) {
    case Op::kAdd:
      return "+";
    case Op::kSub:
    case Op::kNegate:
      return "-";
    case Op::kMul:
      return "*";
    case Op::kDiv:
      return "/";
    case Op::kMod:
      return "%";
    case Op::kPow:
      return "^";
    case Op::kMinOf:
      return "min_of";
    case Op::kMaxOf:
      return "max_of";
    case Op::kStep:
      return "step()";
    case Op::kRange:
      return "range()";
    case Op::kPlus:
    case Op::kLiteral:
      break;
  }
  return "";
}

bool NeedsQuotes(const std::string& label) {
  if (!IsLegacyMetricName(label)) return true;
  const TokenKind kind = WordKind(label);
  return kind != TokenKind::kAtan2 && !MayNameGroupingLabel(kind);
}

std::string MatcherText(const Matcher& matcher) {
  const bool plain = IsLegacyLabelName(matcher.name());
  return fmt::format("{}{}{}", plain ? matcher.name() : Quote(matcher.name()),
                     MatchTypeText(matcher.type()), Quote(matcher.value()));
}

void Printer::Write(const Expr& expr) {
  switch (expr.kind) {
    case NodeKind::kNumber: {
      const auto& number = static_cast<const NumberLiteral&>(expr);
      return WriteNumber(number.value, number.is_duration);
    }
    case NodeKind::kString:
      out_ += Quote(static_cast<const StringLiteral&>(expr).value);
      return;
    case NodeKind::kParen:
      out_ += '(';
      Write(*static_cast<const ParenExpr&>(expr).inner);
      out_ += ')';
      return;
    case NodeKind::kUnary: {
      const auto& unary = static_cast<const UnaryExpr&>(expr);
      out_ += unary.negative ? '-' : '+';
      return Write(*unary.operand);
    }
    case NodeKind::kBinary:
      return WriteBinary(static_cast<const BinaryExpr&>(expr));
    case NodeKind::kAggregate:
      return WriteAggregate(static_cast<const AggregateExpr&>(expr));
    case NodeKind::kCall:
      return WriteCall(static_cast<const Call&>(expr));
    case NodeKind::kVectorSelector:
      return WriteVector(static_cast<const VectorSelector&>(expr));
    case NodeKind::kMatrixSelector:
      return WriteMatrix(static_cast<const MatrixSelector&>(expr));
    case NodeKind::kSubquery:
      return WriteSubquery(static_cast<const SubqueryExpr&>(expr));
    case NodeKind::kDuration:
      return WriteDurationExpr(static_cast<const DurationExpr&>(expr));
  }
}

void Printer::WriteNumber(double value, bool is_duration) {
  if (!is_duration) {
    AppendFloatF(value, &out_);
    return;
  }
  if (std::signbit(value)) out_ += '-';
  out_ += FormatDuration(std::llround(std::abs(value) * 1000));
}

void Printer::WriteGrouping(const std::vector<std::string>& labels) {
  out_ += '(';
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out_ += ", ";
    out_ += NeedsQuotes(labels[i]) ? Quote(labels[i]) : labels[i];
  }
  out_ += ')';
}

void Printer::WriteAggregate(const AggregateExpr& aggregate) {
  out_ += AggregateOpText(aggregate.op);
  if (aggregate.without || !aggregate.grouping.empty()) {
    out_ += aggregate.without ? " without " : " by ";
    WriteGrouping(aggregate.grouping);
    out_ += ' ';
  }
  out_ += '(';
  if (aggregate.param != nullptr) {
    Write(*aggregate.param);
    out_ += ", ";
  }
  Write(*aggregate.operand);
  out_ += ')';
}

void Printer::WriteBinary(const BinaryExpr& binary) {
  const auto* base = binary.lhs->kind == NodeKind::kNumber
                         ? static_cast<const NumberLiteral*>(binary.lhs.get())
                         : nullptr;
  if (binary.op == BinaryOp::kPow && base != nullptr && std::isinf(base->value)) {
    out_ += "Inf";  // with its plus it would read as +(Inf ^ ...)
  } else {
    Write(*binary.lhs);
  }
  fmt::format_to(std::back_inserter(out_), " {}", BinaryOpText(binary.op));
  if (binary.return_bool) out_ += " bool";
  if (binary.matching) WriteMatching(*binary.matching);
  out_ += ' ';
  Write(*binary.rhs);
}

void Printer::WriteMatching(const VectorMatching& matching) {
  const bool to_one = matching.cardinality == MatchCardinality::kManyToOne;
  const bool to_many = matching.cardinality == MatchCardinality::kOneToMany;
  if (matching.on || !matching.labels.empty() || to_one || to_many) {
    out_ += matching.on ? " on " : " ignoring ";
    WriteGrouping(matching.labels);
  }
  if (to_one || to_many) {
    out_ += to_one ? " group_left " : " group_right ";
    WriteGrouping(matching.include);
  }
  WriteFill(matching);
}

void Printer::WriteFill(const VectorMatching& matching) {
  const auto write = [this](std::string_view name, double value) {
    fmt::format_to(std::back_inserter(out_), " {} ({})", name, FormatFloatF(value));
  };
  const auto& left = matching.fill_left;
  const auto& right = matching.fill_right;
  if (left && right && (*left == *right || (std::isnan(*left) && std::isnan(*right)))) {
    write("fill", *left);
    return;
  }
  if (left) write("fill_left", *left);
  if (right) write("fill_right", *right);
}

void Printer::WriteCall(const Call& call) {
  out_ += call.function->name;
  out_ += '(';
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) out_ += ", ";
    Write(*call.args[i]);
  }
  out_ += ')';
}

// The name and the braces.
void Printer::WriteSelector(const VectorSelector& selector) {
  out_ += selector.name;
  std::vector<std::string> texts;
  for (const Matcher& matcher : selector.matchers) {
    const bool in_front = matcher.name() == kMetricName && matcher.type() == MatchType::kEqual &&
                          matcher.value() == selector.name && !selector.name.empty();
    if (!in_front) texts.push_back(MatcherText(matcher));
  }
  std::ranges::sort(texts);
  // Only info()'s label selector may be without name and matchers.
  if (texts.empty() && !selector.name.empty()) return;
  out_ += '{';
  out_ += Join(texts, ",");
  out_ += '}';
}

void Printer::WriteVector(const VectorSelector& selector) {
  WriteSelector(selector);
  WriteAt(selector.time);
  WriteExtended(selector);
  WriteOffset(selector.time);
}

void Printer::WriteMatrix(const MatrixSelector& matrix) {
  WriteSelector(*matrix.selector);
  out_ += '[';
  WriteDuration(matrix.range_ms, matrix.range_expr.get());
  out_ += ']';
  WriteExtended(*matrix.selector);
  WriteAt(matrix.selector->time);
  WriteOffset(matrix.selector->time);
}

void Printer::WriteSubquery(const SubqueryExpr& subquery) {
  Write(*subquery.inner);
  out_ += '[';
  WriteDuration(subquery.range_ms, subquery.range_expr.get());
  out_ += ':';
  if (subquery.step_ms != 0 || subquery.step_expr != nullptr) {
    WriteDuration(subquery.step_ms, subquery.step_expr.get());
  }
  out_ += ']';
  WriteAt(subquery.time);
  WriteOffset(subquery.time);
}

void Printer::WriteAt(const TimeModifiers& time) {
  switch (time.at) {
    case AtKind::kNone:
      return;
    case AtKind::kStart:
      out_ += " @ start()";
      return;
    case AtKind::kEnd:
      out_ += " @ end()";
      return;
    case AtKind::kTimestamp:
      fmt::format_to(std::back_inserter(out_), " @ {:.3f}",
                     static_cast<double>(time.at_ms) / 1000.0);
      return;
  }
}

void Printer::WriteExtended(const VectorSelector& selector) {
  if (selector.anchored) out_ += " anchored";
  if (selector.smoothed) out_ += " smoothed";
}

void Printer::WriteOffset(const TimeModifiers& time) {
  if (time.offset_ms == 0 && time.offset_expr == nullptr) return;
  out_ += " offset ";
  WriteDuration(time.offset_ms, time.offset_expr.get());
}

void Printer::WriteDuration(DurationMs ms, const DurationExpr* expr) {
  if (expr != nullptr) return WriteDurationExpr(*expr);
  if (ms < 0) out_ += '-';
  out_ += FormatDuration(ms < 0 ? -ms : ms);
}

void Printer::WriteDurationExpr(const DurationExpr& expr) {
  if (expr.wrapped) out_ += '(';
  WriteDurationBody(expr);
  if (expr.wrapped) out_ += ')';
}

void Printer::WriteDurationBody(const DurationExpr& expr) {
  switch (expr.op) {
    case Op::kLiteral:
      return WriteNumber(expr.seconds, expr.written_as_duration);
    case Op::kStep:
    case Op::kRange:
      out_ += DurationOpText(expr.op);
      return;
    case Op::kNegate:
    case Op::kPlus:
      out_ += DurationOpText(expr.op);
      return WriteDurationExpr(*expr.lhs);
    case Op::kMinOf:
    case Op::kMaxOf:
      out_ += DurationOpText(expr.op);
      out_ += '(';
      WriteDurationExpr(*expr.lhs);
      out_ += ", ";
      WriteDurationExpr(*expr.rhs);
      out_ += ')';
      return;
    default:
      WriteDurationExpr(*expr.lhs);
      fmt::format_to(std::back_inserter(out_), " {} ", DurationOpText(expr.op));
      WriteDurationExpr(*expr.rhs);
  }
}

}  // namespace

std::string Print(const Expr& expr) {
  Printer printer;
  printer.Write(expr);
  return printer.Take();
}

}  // namespace vigil::promql

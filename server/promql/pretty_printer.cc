// SPDX-License-Identifier: Apache-2.0
// The canonical text over several lines: what is longer than a line is taken apart, its parts
// indented below it, as upstream's format_query lays it out.
#include "client-lib/base/strings.h"
#include "server/promql/parser.h"

namespace vigil::promql {
namespace {

constexpr size_t kMaxLine = 100;

// Every text that is taken apart here is put together by Print() from those of its children, so
// what stands between them is found by their lengths.
class PrettyPrinter {
 public:
  std::string Write(const Expr& expr, size_t level);

 private:
  static std::string Indent(size_t level) { return std::string(2 * level, ' '); }
  std::string WriteAggregate(const AggregateExpr& aggregate, std::string_view flat, size_t level);
  std::string WriteBinary(const BinaryExpr& binary, std::string_view flat, size_t level);
  std::string WriteCall(const Call& call, std::string_view flat, size_t level);
};

std::string PrettyPrinter::WriteAggregate(const AggregateExpr& aggregate, std::string_view flat,
                                          size_t level) {
  size_t arguments = Print(*aggregate.operand).size() + 2;
  if (aggregate.param != nullptr) arguments += Print(*aggregate.param).size() + 2;
  std::string out = Indent(level);
  out.append(flat.substr(0, flat.size() - arguments)).append("(\n");
  if (aggregate.param != nullptr) out += Write(*aggregate.param, level + 1) + ",\n";
  return out + Write(*aggregate.operand, level + 1) + "\n" + Indent(level) + ")";
}

std::string PrettyPrinter::WriteBinary(const BinaryExpr& binary, std::string_view flat,
                                       size_t level) {
  const std::string lhs = Print(*binary.lhs);
  // The base of a power may be printed in another way inside.
  if (!flat.starts_with(lhs)) return Indent(level).append(flat);
  flat.remove_prefix(lhs.size());
  flat.remove_suffix(Print(*binary.rhs).size());
  return Write(*binary.lhs, level + 1) + "\n" + Indent(level).append(TrimSpace(flat)) + "\n" +
         Write(*binary.rhs, level + 1);
}

std::string PrettyPrinter::WriteCall(const Call& call, std::string_view flat, size_t level) {
  std::string out = Indent(level);
  out.append(flat.substr(0, flat.find('('))).append("(\n");
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) out += ",\n";
    out += Write(*call.args[i], level + 1);
  }
  return out + "\n" + Indent(level) + ")";
}

std::string PrettyPrinter::Write(const Expr& expr, size_t level) {
  const std::string flat = Print(expr);
  if (expr.kind == NodeKind::kUnary) {
    const std::string operand = Write(*static_cast<const UnaryExpr&>(expr).operand, level);
    return Indent(level) + flat[0] + std::string(TrimSpace(operand));
  }
  if (flat.size() <= kMaxLine) {
    // Upstream does not indent a subquery that fits its line.
    return expr.kind == NodeKind::kSubquery ? flat : Indent(level) + flat;
  }
  switch (expr.kind) {
    case NodeKind::kAggregate:
      return WriteAggregate(static_cast<const AggregateExpr&>(expr), flat, level);
    case NodeKind::kBinary:
      return WriteBinary(static_cast<const BinaryExpr&>(expr), flat, level);
    case NodeKind::kCall:
      return WriteCall(static_cast<const Call&>(expr), flat, level);
    case NodeKind::kParen:
      return Indent(level) + "(\n" + Write(*static_cast<const ParenExpr&>(expr).inner, level + 1) +
             "\n" + Indent(level) + ")";
    case NodeKind::kSubquery: {
      const Expr& inner = *static_cast<const SubqueryExpr&>(expr).inner;
      return Write(inner, level) + flat.substr(Print(inner).size());
    }
    default:
      return Indent(level) + flat;
  }
}

}  // namespace

std::string PrettyPrint(const Expr& expr) { return PrettyPrinter().Write(expr, 0); }

}  // namespace vigil::promql

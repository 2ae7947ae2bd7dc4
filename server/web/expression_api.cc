// SPDX-License-Identifier: Apache-2.0
// See expression_api.h.
#include "server/web/expression_api.h"

#include <string>
#include <vector>

#include "client-lib/model/float_text.h"
#include "server/promql/function_table.h"

namespace vigil::web {
namespace {

using promql::NodeKind;

void WriteStrings(std::string_view key, const std::vector<std::string>& texts, JsonWriter& json) {
  json.Key(key).BeginArray();
  for (const std::string& text : texts) json.String(text);
  json.EndArray();
}

void WriteChild(std::string_view key, const promql::Expr* expr, JsonWriter& json) {
  json.Key(key);
  if (expr == nullptr) {
    json.Raw("null");
  } else {
    WriteExpr(*expr, json);
  }
}

void WriteAggregation(const promql::AggregateExpr& aggregate, JsonWriter& json) {
  json.Field("op", promql::AggregateOpText(aggregate.op));
  WriteChild("expr", aggregate.operand.get(), json);
  WriteChild("param", aggregate.param.get(), json);
  WriteStrings("grouping", aggregate.grouping, json);
  json.Key("without").Bool(aggregate.without);
}

std::string_view CardinalityName(promql::MatchCardinality cardinality) {
  switch (cardinality) {
    case promql::MatchCardinality::kOneToOne:
      return "one-to-one";
    case promql::MatchCardinality::kManyToOne:
      return "many-to-one";
    case promql::MatchCardinality::kOneToMany:
      return "one-to-many";
    case promql::MatchCardinality::kManyToMany:
      return "many-to-many";
  }
  return "";
}

void WriteFillValue(std::string_view key, const std::optional<double>& value, JsonWriter& json) {
  json.Key(key);
  if (value) {
    json.Number(*value);
  } else {
    json.Raw("null");
  }
}

void WriteBinary(const promql::BinaryExpr& binary, JsonWriter& json) {
  json.Field("op", promql::BinaryOpText(binary.op));
  WriteChild("lhs", binary.lhs.get(), json);
  WriteChild("rhs", binary.rhs.get(), json);
  json.Key("matching");
  if (!binary.matching) {
    json.Raw("null");
  } else {
    json.BeginObject().Field("card", CardinalityName(binary.matching->cardinality));
    WriteStrings("labels", binary.matching->labels, json);
    json.Key("on").Bool(binary.matching->on);
    WriteStrings("include", binary.matching->include, json);
    json.Key("fillValues").BeginObject();
    WriteFillValue("lhs", binary.matching->fill_left, json);
    WriteFillValue("rhs", binary.matching->fill_right, json);
    json.EndObject().EndObject();
  }
  json.Key("bool").Bool(binary.return_bool);
}

void WriteCall(const promql::Call& call, JsonWriter& json) {
  const promql::FunctionRow& row = *call.function;
  json.Key("func").BeginObject().Field("name", row.name);
  json.Key("argTypes").BeginArray();
  for (size_t i = 0; i < row.arg_count(); ++i) json.String(promql::ValueTypeApiName(row.args[i]));
  json.EndArray();
  json.Key("variadic").Int(row.optional);
  json.Field("returnType", promql::ValueTypeApiName(row.result)).EndObject();
  json.Key("args").BeginArray();
  for (const promql::ExprPtr& arg : call.args) WriteExpr(*arg, json);
  json.EndArray();
}

void WriteTimeModifiers(const promql::TimeModifiers& time, JsonWriter& json) {
  json.Key("offset").Int(time.offset_ms);
  json.Key("timestamp");
  if (time.at == promql::AtKind::kTimestamp) {
    json.Int(time.at_ms);
  } else {
    json.Raw("null");
  }
  json.Key("startOrEnd");
  if (time.at == promql::AtKind::kStart) {
    json.String("start");
  } else if (time.at == promql::AtKind::kEnd) {
    json.String("end");
  } else {
    json.Raw("null");
  }
}

void WriteSelector(const promql::VectorSelector& selector, JsonWriter& json) {
  json.Field("name", selector.name);
  json.Key("matchers").BeginArray();
  for (const Matcher& matcher : selector.matchers) {
    json.BeginObject().Field("name", matcher.name()).Field("value", matcher.value());
    json.Field("type", MatchTypeText(matcher.type())).EndObject();
  }
  json.EndArray();
  WriteTimeModifiers(selector.time, json);
  json.Key("anchored").Bool(selector.anchored);
  json.Key("smoothed").Bool(selector.smoothed);
}

void WriteSubquery(const promql::SubqueryExpr& subquery, JsonWriter& json) {
  WriteChild("expr", subquery.inner.get(), json);
  json.Key("range").Int(subquery.range_ms);
  json.Key("step").Int(subquery.step_ms);
  WriteTimeModifiers(subquery.time, json);
}

// In the order of NodeKind.
constexpr std::string_view kNodeTypes[] = {
    "numberLiteral", "stringLiteral",  "parenExpr",      "unaryExpr", "binaryExpr",  "aggregation",
    "call",          "vectorSelector", "matrixSelector", "subquery",  "durationExpr"};

void WriteNodeFields(const promql::Expr& expr, JsonWriter& json) {
  switch (expr.kind) {
    case NodeKind::kNumber:
      json.Field("val", FormatFloatF(static_cast<const promql::NumberLiteral&>(expr).value));
      return;
    case NodeKind::kString:
      json.Field("val", static_cast<const promql::StringLiteral&>(expr).value);
      return;
    case NodeKind::kParen:
      return WriteChild("expr", static_cast<const promql::ParenExpr&>(expr).inner.get(), json);
    case NodeKind::kUnary: {
      const auto& unary = static_cast<const promql::UnaryExpr&>(expr);
      json.Field("op", unary.negative ? "-" : "+");
      return WriteChild("expr", unary.operand.get(), json);
    }
    case NodeKind::kBinary:
      return WriteBinary(static_cast<const promql::BinaryExpr&>(expr), json);
    case NodeKind::kAggregate:
      return WriteAggregation(static_cast<const promql::AggregateExpr&>(expr), json);
    case NodeKind::kCall:
      return WriteCall(static_cast<const promql::Call&>(expr), json);
    case NodeKind::kVectorSelector:
      return WriteSelector(static_cast<const promql::VectorSelector&>(expr), json);
    case NodeKind::kMatrixSelector: {
      const auto& matrix = static_cast<const promql::MatrixSelector&>(expr);
      WriteSelector(*matrix.selector, json);
      json.Key("range").Int(matrix.range_ms);
      return;
    }
    case NodeKind::kSubquery:
      return WriteSubquery(static_cast<const promql::SubqueryExpr&>(expr), json);
    case NodeKind::kDuration:  // stands in brackets and behind offset only, never as a node
      return;
  }
}

}  // namespace

void WriteExpr(const promql::Expr& expr, JsonWriter& json) {
  json.BeginObject().Field("type", kNodeTypes[static_cast<size_t>(expr.kind)]);
  WriteNodeFields(expr, json);
  json.EndObject();
}

Result<Annotations> ExpressionApi::Format(const ApiRequest& request, JsonWriter& json) const {
  const auto expr = promql::ParseExpr(request.Get("query"), options_);
  if (!expr) return InvalidParameter("query", expr.error().message);
  json.String(promql::PrettyPrint(**expr));
  return Annotations{};
}

Result<Annotations> ExpressionApi::Parse(const ApiRequest& request, JsonWriter& json) const {
  const auto expr = promql::ParseExpr(request.Get("query"), options_);
  if (!expr) return InvalidParameter("query", expr.error().message);
  WriteExpr(**expr, json);
  return Annotations{};
}

}  // namespace vigil::web

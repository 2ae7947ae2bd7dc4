// SPDX-License-Identifier: Apache-2.0
// Calls of functions and methods: arguments are evaluated for the type that is asked for.
#include <algorithm>

#include "server/template/evaluator.h"
#include "server/template/format.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

constexpr size_t kBytesPerStep = 64;  // of texts that functions make

bool IsAssignable(const Value& value, Param param) {
  const Type type = value.type();
  switch (param) {
    case Param::kAny:
      return true;
    case Param::kBool:
      return type == Type::kBool;
    case Param::kInt:
      return type == Type::kInt;
    case Param::kInt64:
      return type == Type::kInt64;
    case Param::kFloat:
      return type == Type::kFloat64;
    case Param::kString:
      return type == Type::kString;
    case Param::kTime:
      return type == Type::kTime;
    case Param::kDuration:
      return type == Type::kDuration;
    case Param::kStrings:
      // A named slice of strings is assignable to []string.
      return value.Base().type() == Type::kStrings;
    case Param::kAnys:
      return value.Base().type() == Type::kAnys;
    case Param::kAnyMap:
      return value.Base().type() == Type::kAnyMap;
    case Param::kList:
      return value.Base().kind() == Kind::kList;
    case Param::kQueryResult:
    case Param::kSample:
      return value.TypeName() == ParamTypeName(param);
    case Param::kLocation:
      return false;
  }
  return false;
}

bool CanBeNil(Param param) {
  return param == Param::kAny || param == Param::kStrings || param == Param::kAnys ||
         param == Param::kAnyMap || param == Param::kList || param == Param::kLocation;
}

}  // namespace

Result<Value> Evaluator::CallFunction(const Value& dot, const IdentifierNode& word,
                                      const Node& node, const Arguments& args) {
  At(word);
  const auto row =
      std::lower_bound(functions_.begin(), functions_.end(), word.name,
                       [](const FunctionRow& a, std::string_view name) { return a.name < name; });
  if (row == functions_.end() || row->name != word.name) {
    return Fail(QuoteText(word.name) + " is not a defined function");
  }
  if (row->name == "and" || row->name == "or") {
    if (args.count() == 0) {
      return Fail("wrong number of args for " + word.name + ": want at least 1 got 0");
    }
    return ShortCircuit(dot, row->name == "or", args);
  }
  const std::vector<Value> values = TRY(EvaluateArguments(dot, word.name, row->signature, args));
  const FunctionCall call{environment_, values, limits_.max_output_bytes};
  return Returned(row->call(call), word.name, node);
}

// A result is charged by its size, so that no chain of calls builds something huge for free.
Result<Value> Evaluator::Returned(Result<Value> result, std::string_view name, const Node& node) {
  if (!result) {
    At(node);
    Error failed = Fail("error calling " + std::string(name) + ": " + result.error().message);
    return failed;
  }
  const Value& base = result->Base();
  uint64_t cost = 0;
  if (base.kind() == Kind::kString) {
    if (base.string_value().size() > limits_.max_output_bytes) {
      At(node);
      return Fail("error calling " + std::string(name) + ": a text is longer than " +
                  std::to_string(limits_.max_output_bytes) + " bytes; shorten it");
    }
    cost = base.string_value().size() / kBytesPerStep;
  } else if (base.kind() == Kind::kList) {
    cost = base.list().items.size();
  } else if (base.kind() == Kind::kMap) {
    cost = base.map().entries.size();
  }
  if (base.Depth() > limits_.max_value_depth) {
    At(node);
    return Fail("error calling " + std::string(name) + ": lists are nested more than " +
                std::to_string(limits_.max_value_depth) + " deep; use flat ones");
  }
  if (cost > 0) TRY(Step(node, cost));
  return result;
}

Result<Value> Evaluator::ShortCircuit(const Value& dot, bool is_or, const Arguments& args) {
  Value value;
  for (const NodePtr& node : args.nodes) {
    value = TRY(Argument(dot, Param::kAny, *node));
    if (value.IsTrue() == is_or) return value;
  }
  return args.piped != nullptr ? *args.piped : value;
}

Result<std::vector<Value>> Evaluator::EvaluateArguments(const Value& dot, std::string_view name,
                                                        const Signature& signature,
                                                        const Arguments& args) {
  const size_t fixed = signature.count - (signature.variadic ? 1U : 0U);
  if (signature.variadic ? args.count() < fixed : args.count() != fixed) {
    // Go counts what came by the pipeline in one text and not in the other.
    return Fail("wrong number of args for " + std::string(name) + ": want " +
                (signature.variadic ? "at least " : "") + std::to_string(fixed) + " got " +
                std::to_string(signature.variadic ? args.nodes.size() : args.count()));
  }
  const auto param = [&](size_t i) {
    return signature.params[std::min<size_t>(i, signature.count - 1U)];
  };
  std::vector<Value> values;
  values.reserve(args.count());
  for (const NodePtr& node : args.nodes) {
    values.push_back(TRY(Argument(dot, param(values.size()), *node)));
  }
  if (args.piped != nullptr) values.push_back(TRY(Checked(*args.piped, param(values.size()))));
  return values;
}

Result<Value> Evaluator::Checked(Value value, Param param) const {
  if (value.IsNil()) {
    if (CanBeNil(param)) return value;
    return Fail("invalid value; expected " + std::string(ParamTypeName(param)));
  }
  if (IsAssignable(value, param)) return value;
  return Fail("wrong type for value; expected " + std::string(ParamTypeName(param)) + "; got " +
              value.TypeName());
}

Result<Value> Evaluator::Argument(const Value& dot, Param param, const Node& node) {
  At(node);
  TRY(Step(node));
  switch (node.kind) {
    case NodeKind::kDot:
      return Checked(dot, param);
    case NodeKind::kNil:
      if (CanBeNil(param)) return Value();
      return Fail("cannot assign nil to " + std::string(ParamTypeName(param)));
    case NodeKind::kField:
      return Checked(TRY(Fields(dot, dot, node, static_cast<const FieldNode&>(node).fields, {})),
                     param);
    case NodeKind::kVariable:
      return Checked(TRY(Variables(dot, static_cast<const VariableNode&>(node), {})), param);
    case NodeKind::kPipe:
      return Checked(TRY(Pipeline(dot, static_cast<const PipeNode&>(node))), param);
    case NodeKind::kIdentifier:
      return Checked(TRY(CallFunction(dot, static_cast<const IdentifierNode&>(node), node, {})),
                     param);
    case NodeKind::kChain:
      return Checked(TRY(Chain(dot, static_cast<const ChainNode&>(node), {})), param);
    default:
      return ArgumentLiteral(dot, param, node);
  }
}

// A literal takes the type that is asked for, if it can: 28800e9 is a duration, 1 a float.
Result<Value> Evaluator::ArgumentLiteral(const Value& dot, Param param, const Node& node) {
  const auto* number =
      node.kind == NodeKind::kNumber ? static_cast<const NumberNode*>(&node) : nullptr;
  switch (param) {
    case Param::kAny:
      return Literal(dot, node);
    case Param::kString:
      if (node.kind == NodeKind::kString) return Literal(dot, node);
      return Fail("expected string; found " + node.ToString());
    case Param::kBool:
      if (node.kind == NodeKind::kBool) return Literal(dot, node);
      return Fail("expected bool; found " + node.ToString());
    case Param::kFloat:
      if (number != nullptr) return Value::Float(number->float_value);
      return Fail("expected float; found " + node.ToString());
    case Param::kInt:
    case Param::kInt64:
    case Param::kDuration:
      if (number == nullptr || !number->is_int) {
        return Fail("expected integer; found " + node.ToString());
      }
      return Value::Int(number->int_value, param == Param::kInt     ? Type::kInt
                                           : param == Param::kInt64 ? Type::kInt64
                                                                    : Type::kDuration);
    default:
      return Fail("can't handle " + node.ToString() + " for arg of type " +
                  std::string(ParamTypeName(param)));
  }
}

}  // namespace vigil::tmpl

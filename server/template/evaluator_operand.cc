// SPDX-License-Identifier: Apache-2.0
// Pipelines, commands, fields and variables.
#include "server/template/evaluator.h"
#include "server/template/format.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

// A number that no type asks for.
Value PlainNumber(const NumberNode& number) {
  if (number.written_as_float) return Value::Float(number.float_value);
  return Value::Int(number.int_value);
}

}  // namespace

Result<Value> Evaluator::Pipeline(const Value& dot, const PipeNode& pipe) {
  At(pipe);
  if (++depth_ > limits_.max_depth) {
    return Fail("templates are nested more than " + std::to_string(limits_.max_depth) +
                " deep; look for one that calls itself without end");
  }
  Value value;
  bool first = true;
  for (const auto& command : pipe.commands) {
    Value next = TRY(Command(dot, *command, first ? nullptr : &value));
    value = std::move(next);
    first = false;
  }
  for (const auto& variable : pipe.declarations) {
    if (pipe.is_assign) {
      SetVariable(variable->name, value);
    } else {
      variables_.push_back({variable->name, value});
    }
  }
  --depth_;
  return value;
}

Result<Value> Evaluator::Command(const Value& dot, const CommandNode& command, const Value* piped) {
  TRY(Step(command));
  const NodePtr& first = command.args[0];
  const Arguments args{std::span(command.args).subspan(1), piped};
  switch (first->kind) {
    case NodeKind::kField:
      At(*first);
      return Fields(dot, dot, *first, static_cast<const FieldNode&>(*first).fields, args);
    case NodeKind::kChain:
      return Chain(dot, static_cast<const ChainNode&>(*first), args);
    case NodeKind::kIdentifier:
      return CallFunction(dot, static_cast<const IdentifierNode&>(*first), command, args);
    case NodeKind::kVariable:
      return Variables(dot, static_cast<const VariableNode&>(*first), args);
    case NodeKind::kPipe:
      TRY(NotAFunction(first, args));
      return Pipeline(dot, static_cast<const PipeNode&>(*first));
    default:
      break;
  }
  At(*first);
  TRY(NotAFunction(first, args));
  return Literal(dot, *first);
}

Result<void> Evaluator::NotAFunction(const NodePtr& first, const Arguments& args) const {
  if (args.count() == 0) return Ok();
  return Fail("can't give argument to non-function " + first->ToString());
}

Result<Value> Evaluator::Literal(const Value& dot, const Node& word) {
  switch (word.kind) {
    case NodeKind::kBool:
      return Value::Bool(static_cast<const WordNode&>(word).text == "true");
    case NodeKind::kDot:
      return dot;
    case NodeKind::kNil:
      return Fail("nil is not a command");
    case NodeKind::kNumber: {
      const auto& number = static_cast<const NumberNode&>(word);
      if (!number.is_int && !number.written_as_float) {
        return Fail(number.text + " overflows int");
      }
      return PlainNumber(number);
    }
    case NodeKind::kString:
      return Value::String(static_cast<const StringNode&>(word).text);
    default:
      return Fail("can't evaluate command " + QuoteText(word.ToString()));
  }
}

Result<Value> Evaluator::Variables(const Value& dot, const VariableNode& variable,
                                   const Arguments& args) {
  At(variable);
  const Value* value = FindVariable(variable.name);
  if (value == nullptr) return Fail("undefined variable: " + variable.name);
  if (!variable.fields.empty()) return Fields(dot, *value, variable, variable.fields, args);
  if (args.count() > 0) {
    return Fail("can't give argument to non-function " + variable.ToString());
  }
  return *value;
}

Result<Value> Evaluator::Chain(const Value& dot, const ChainNode& chain, const Arguments& args) {
  At(chain);
  if (chain.node->kind == NodeKind::kNil) {
    return Fail("indirection through explicit nil in " + chain.ToString());
  }
  Value receiver = TRY(Argument(dot, Param::kAny, *chain.node));
  return Fields(dot, std::move(receiver), chain, chain.fields, args);
}

// Only the last of .A.B.C gets the arguments.
Result<Value> Evaluator::Fields(const Value& dot, Value receiver, const Node& node,
                                std::span<const std::string> path, const Arguments& args) {
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    Value next = TRY(Field(dot, receiver, node, path[i], {}));
    // Nothing has no fields, which give nothing; but an empty element of a map or list fails.
    if (next.IsNil() && !receiver.IsNil()) {
      return Fail("nil pointer evaluating interface {}." + path[i + 1]);
    }
    receiver = std::move(next);
  }
  return Field(dot, receiver, node, path.back(), args);
}

Result<Value> Evaluator::Field(const Value& dot, const Value& receiver, const Node& node,
                               const std::string& name, const Arguments& args) {
  At(node);
  if (receiver.IsNil()) return Value();
  if (const Method* method = FindMethod(receiver, name)) {
    std::vector<Value> values = TRY(EvaluateArguments(dot, name, method->signature, args));
    return Returned(method->call(receiver, values), name, node);
  }
  if (receiver.kind() == Kind::kObject && receiver.object().Base() == nullptr) {
    const std::span<const std::string_view> names = receiver.object().FieldNames();
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] != name) continue;
      if (args.count() > 0) {
        return Fail(name + " has arguments but cannot be invoked as function");
      }
      return receiver.object().Field(i);
    }
  } else if (receiver.Base().kind() == Kind::kMap) {
    if (args.count() > 0) return Fail(name + " is not a method but has arguments");
    return receiver.Base().map().Get(name);
  }
  return Fail("can't evaluate field " + name + " in type " + receiver.TypeName());
}

}  // namespace vigil::tmpl
